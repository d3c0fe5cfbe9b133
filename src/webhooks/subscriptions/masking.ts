import { mask } from './url.ts';

/** A value shorter than this is not looked for within an answer: it would be found everywhere. It is masked where it is the whole answer. */
const soughtCharactersMin = 4;
/** Of base64 and hexadecimal in the midst of something else: fewer characters would be found by chance. */
const encodedCharactersMin = 5;
/** How many times over something may have been escaped and is found all the same: JSON within HTML within a URL. */
export const layersMax = 3;

/**
 * What to look for, so that these texts are found in whatever a receiver throws back: each as it is and in base64 and hexadecimal, wherever it
 * stands in what was encoded. What is escaped, in whatever way and however many of the characters, is undone in the answer instead, and letters of
 * ASCII are held against each other without their case. The longest first.
 */
export function soughtOf(texts: readonly string[]): readonly string[] {
  const plain = texts.flatMap((text) => layersOf(text).map((layer) => layer.text));
  const encoded = texts.filter((text) => text.length >= soughtCharactersMin).flatMap(encodedForms);
  const found = [...plain, ...encoded.filter((text) => text.length >= encodedCharactersMin).map(folded)];
  return [...new Set(found)].filter((text) => text !== '').sort((a, b) => b.length - a.length);
}

function encodedForms(text: string): readonly string[] {
  const bytes = Buffer.from(text, 'utf8');
  const base64 = bytes.toString('base64');
  const forms = [bytes.toString('hex'), base64, base64.replaceAll('=', '')];
  // Three bytes are four characters: what stands before the secret decides how it is cut, and its ends are mixed with what is beside it.
  for (const [before, mixed] of [0, 2, 3].entries()) {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    forms.push(whole.slice(mixed, Math.floor(((before + bytes.length) * 8) / 6)));
  }
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** A text as it is compared: in lower case where that is ASCII, with blanks where a plus may stand for one. Of the same length. */
function folded(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()).replaceAll('+', ' ');
}

/** A text with its escapes undone, and where each of its characters stands in what it was made from; null: at its own place. */
interface Layer {
  readonly text: string;
  readonly starts: readonly number[] | null;
  readonly ends: readonly number[] | null;
}

/** The text, and what comes out each time its escapes are undone, as long as something does. */
function layersOf(text: string): readonly Layer[] {
  let layer: Layer = { text: folded(text), starts: null, ends: null };
  const layers = [layer];
  for (let count = 0; count < layersMax; count += 1) {
    const next = undone(layer);
    if (next === null) break;
    layers.push((layer = next));
  }
  return layers;
}

/** Of a text that is folded. Each alternative is bounded, so that the time grows with the text alone. */
const escapes = /(?:%[0-9a-f]{2})+|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\["'/\\bfnrt]|&#x[0-9a-f]{1,8};?|&#\d{1,10};?|&(?:amp|lt|gt|quot|apos);/g;
const controls: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function undone(layer: Layer): Layer | null {
  const { text } = layer;
  const pieces: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 0;
  const put = (piece: string, from: number, to: number): void => {
    pieces.push(piece);
    for (let index = 0; index < piece.length; index += 1) {
      starts.push(startOf(layer, from));
      ends.push(endOf(layer, to));
    }
  };
  const keepUntil = (end: number): void => {
    for (; at < end; at += 1) put(text.charAt(at), at, at + 1);
  };
  for (const { 0: escape, index } of text.matchAll(escapes)) {
    keepUntil(index);
    at += escape.length;
    if (!escape.startsWith('%')) put(characterOf(escape), index, at);
    else putPercents(escape, index, put);
  }
  if (at === 0) return null;
  keepUntil(text.length);
  return { text: folded(pieces.join('')), starts, ends };
}

function putPercents(run: string, from: number, put: (piece: string, from: number, to: number) => void): void {
  const plain = Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8');
  // Bytes that are no text belong to no character in particular.
  if (plain.includes('\uFFFD')) return put(plain, from, from + run.length);
  let start = from;
  for (const character of plain) {
    const end = start + Buffer.byteLength(character) * '%00'.length;
    put(character, start, end);
    start = end;
  }
}

function characterOf(escape: string): string {
  if (escape.startsWith('\\u') || escape.startsWith('\\x')) return String.fromCharCode(Number.parseInt(escape.slice(2), 16));
  if (escape.startsWith('\\')) return controls[escape.charAt(1)] ?? escape.charAt(1);
  if (!escape.startsWith('&#')) return entities[escape.slice(1, -1)] ?? escape;
  const code = escape.startsWith('&#x') ? Number.parseInt(escape.slice(3), 16) : Number.parseInt(escape.slice(2), 10);
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD';
}

function startOf({ starts }: Layer, at: number): number {
  return starts?.[at] ?? at;
}

/** Behind the character that ends at `end`. */
function endOf({ ends }: Layer, end: number): number {
  return ends?.[end - 1] ?? end;
}

/** The text with `mask` wherever it holds what is sought. */
export function hide(text: string, sought: readonly string[]): string {
  if (text === '' || sought.length === 0) return text;
  const spans: (readonly [start: number, end: number])[] = [];
  for (const layer of layersOf(text)) {
    for (const each of sought) {
      if (each.length < soughtCharactersMin) continue;
      for (let at = layer.text.indexOf(each); at >= 0; at = layer.text.indexOf(each, at + each.length)) {
        spans.push([startOf(layer, at), endOf(layer, at + each.length)]);
      }
    }
  }
  return spans.length === 0 ? text : without(text, spans);
}

function without(text: string, spans: (readonly [start: number, end: number])[]): string {
  spans.sort((one, other) => one[0] - other[0] || other[1] - one[1]);
  const pieces: string[] = [];
  let shown = 0;
  for (const [start, end] of spans) {
    if (start >= shown) pieces.push(text.slice(shown, start), mask);
    shown = Math.max(shown, end);
  }
  return pieces.join('') + text.slice(shown);
}

/** Escapes that were cut in the middle stand for nothing. */
const halfEscape = /(?:%[0-9a-f]?|\\(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|&#?[0-9a-z]{0,9})$/i;
const halfEscapeCharactersMax = 11;

/**
 * The body of an answer, which may have been cut off: without what is sought, nor the beginning of it that the body may end with, and without a
 * value that is too short to be looked for where it is all there is.
 */
export function hideInBody(text: string, sought: readonly string[]): string {
  if (isAlone(text, sought)) return mask;
  const hidden = hide(text, sought);
  const half = halfEscape.exec(hidden.slice(-halfEscapeCharactersMax))?.[0].length ?? 0;
  let cut = hidden.length;
  for (const whole of half === 0 ? [hidden] : [hidden, hidden.slice(0, -half)]) {
    for (const layer of layersOf(whole)) cut = Math.min(cut, beginningOf(layer, sought));
  }
  return cut === hidden.length ? hidden : hidden.slice(0, cut) + mask;
}

function isAlone(text: string, sought: readonly string[]): boolean {
  const trimmed = text.trim();
  // As it is, in quotes, or with every character escaped in the longest way there is.
  if (trimmed === '' || trimmed.length > 40) return false;
  const plain = layersOf(trimmed.replaceAll(/^["']|["']$/g, ''));
  return sought.some((each) => each.length < soughtCharactersMin && plain.some((layer) => layer.text === each));
}

/** Where the beginning of something sought begins that the text ends with; without one, infinity. */
function beginningOf(layer: Layer, sought: readonly string[]): number {
  const { text } = layer;
  let first = Number.POSITIVE_INFINITY;
  for (const each of sought) {
    if (each.length < soughtCharactersMin) continue;
    const start = each.slice(0, soughtCharactersMin);
    for (let at = text.indexOf(start, text.length - each.length); at >= 0; at = text.indexOf(start, at + 1)) {
      if (!each.startsWith(text.slice(at))) continue;
      first = Math.min(first, startOf(layer, at));
      break;
    }
  }
  return first;
}
