/**
 * The grammar of filters (its contract, 1.4), without the faults of the library that it names: `*` and `**` any run of characters, `?` one, both
 * also of slashes; `[abc]`, `[!abc]`, `[a-z]`, `[!a-z]`; `{p,q}`, nested too, blanks count; `\c` the character itself. Anything else stands for
 * itself, such as `^`, a leading `!`, or `,` and `}` outside of braces. A brace that is not closed ends with the filter.
 */
export type Glob = readonly Part[];
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'run' }
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'either'; readonly choices: readonly Glob[] };

export interface CharacterSet {
  readonly isNegated: boolean;
  /** Code points, first and last. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** What is wrong with a filter, and at which character, counted from 1. */
export class GlobError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = 'GlobError';
    this.at = at;
  }
}

interface Source {
  readonly characters: readonly string[];
  at: number;
}

/** Fails with GlobError. */
export function parseGlob(text: string): Glob {
  const source: Source = { characters: Array.from(text), at: 0 };
  const nul = source.characters.indexOf('\0');
  if (nul >= 0) throw new GlobError('a NUL character stands in no ref', nul + 1);
  if (!text.isWellFormed()) throw new GlobError('it is no valid Unicode', source.characters.findIndex((each) => !each.isWellFormed()) + 1);
  return sequence(source, 0);
}

/** Up to the end, or within braces up to what ends a choice, which is left to be read. */
function sequence(source: Source, depth: number): Glob {
  const parts: Part[] = [];
  for (let character = source.characters[source.at]; character !== undefined; character = source.characters[source.at]) {
    if (depth > 0 && (character === ',' || character === '}')) break;
    source.at += 1;
    append(parts, partOf(source, character, depth));
  }
  return parts;
}

function partOf(source: Source, character: string, depth: number): Part {
  if (character === '*') return { kind: 'run' };
  if (character === '?') return { kind: 'one' };
  if (character === '[') return { kind: 'set', set: setOf(source) };
  if (character === '{') return eitherOf(choicesOf(source, depth + 1));
  // A backslash at the very end stands before nothing.
  return { kind: 'text', text: character === '\\' ? (source.characters[source.at++] ?? '') : character };
}

/** Where any run is a choice, it is all of them. */
function eitherOf(choices: readonly Glob[]): Part {
  const isAny = choices.some(([first, second]) => first?.kind === 'run' && second === undefined);
  return isAny ? { kind: 'run' } : { kind: 'either', choices };
}

function append(parts: Part[], part: Part): void {
  const last = parts.at(-1);
  if (part.kind === 'text' && last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + part.text };
  else if (part.kind !== 'run' || last?.kind !== 'run') parts.push(part);
}

function choicesOf(source: Source, depth: number): readonly Glob[] {
  const choices: Glob[] = [];
  for (;;) {
    choices.push(sequence(source, depth));
    const end = source.characters[source.at];
    source.at += 1;
    if (end !== ',') return choices;
  }
}

/** Behind `[`. What begins as a range is nothing but a range; otherwise every character is one of the list, a hyphen too. */
function setOf(source: Source): CharacterSet {
  const start = source.at;
  const isNegated = source.characters[source.at] === '!';
  if (isNegated) source.at += 1;
  const first = member(source, start);
  if (source.characters[source.at] === '-') {
    const hyphen = source.at;
    source.at += 1;
    const last = member(source, start);
    if (source.characters[source.at] !== ']') throw new GlobError('a range stands alone in its brackets', hyphen + 1);
    source.at += 1;
    if (last < first) throw new GlobError('a range ends before it begins', hyphen + 1);
    return { isNegated, ranges: [[first, last]] };
  }
  const members = [first];
  while (source.characters[source.at] !== ']') members.push(member(source, start));
  source.at += 1;
  return { isNegated, ranges: members.map((each) => [each, each] as const) };
}

function member(source: Source, start: number): number {
  const character = source.characters[source.at];
  if (character === ']') throw new GlobError('brackets need a character or a whole range', source.at + 1);
  source.at += 1;
  const meant = character === '\\' ? source.characters[source.at++] : character;
  if (meant === undefined) throw new GlobError('a bracket is not closed', start);
  return meant.codePointAt(0) ?? 0;
}
