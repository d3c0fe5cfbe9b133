import type { Glob } from './parse.ts';
import { programOf, runProgram } from './program.ts';

/** `spelled`: so many characters must be spelled out by the filter. */
export type Matcher = (text: string, spelled: number) => boolean;

/** The same answer the shortest way: most filters are a name, the beginning of names, or a choice of such. */
export function matcherOf(glob: Glob): Matcher {
  const [first] = glob;
  if (glob.length === 1 && first?.kind === 'either') {
    const choices = first.choices.map(matcherOf);
    return (text, spelled) => choices.some((matches) => matches(text, spelled));
  }
  return piecesOf(glob) ?? stepsOf(glob);
}

/** Of texts and runs between them: what lies between is found from left to right. Null: there is something else. */
function piecesOf(glob: Glob): Matcher | null {
  if (glob.some(({ kind }) => kind !== 'text' && kind !== 'run')) return null;
  if (glob.length === 0) return (text) => text === '';
  const [first] = glob;
  const start = first?.kind === 'text' ? first.text : '';
  const spells = start.length;
  if (glob.length === 1 && first?.kind === 'text') return (text, spelled) => spells >= spelled && text === start;
  const last = glob.at(-1);
  const close = last?.kind === 'text' ? last.text : '';
  const inner = glob
    .slice(start === '' ? 0 : 1, close === '' ? undefined : -1)
    .flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  return (text, spelled) => {
    if (spells < spelled || text.length < spells + close.length || !text.startsWith(start) || !text.endsWith(close)) return false;
    const to = text.length - close.length;
    let at = spells;
    for (const piece of inner) {
      const found = text.indexOf(piece, at);
      at = found + piece.length;
      if (found < 0 || at > to) return false;
    }
    return true;
  };
}

/** Of anything: what it begins and ends with says no to most. */
function stepsOf(glob: Glob): Matcher {
  const program = programOf(glob);
  const [first] = glob;
  const last = glob.at(-1);
  const start = first?.kind === 'text' ? first.text : '';
  const close = last?.kind === 'text' ? last.text : '';
  return (text, spelled) => text.startsWith(start) && text.endsWith(close) && runProgram(program, text, { spelled });
}
