import { numberBytesMax } from './limits.ts';
import { refuse, refuseByte, type ScanState } from './scan-state.ts';

// The scan's inner loops. Indexes are below `end`, so that `as number` only says what the loop has made sure of.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SMALL_U = 0x75;

/** 1 for each byte that a number may be made of. */
const numeric = new Uint8Array(256).map((_, byte) => ('0123456789+-.eE'.includes(String.fromCharCode(byte)) ? 1 : 0));
const hexadecimal = new Uint8Array(256).map((_, byte) => (/^[0-9a-fA-F]$/.test(String.fromCharCode(byte)) ? 1 : 0));
const escapes = new Uint8Array(256).map((_, byte) => ('"\\/bfnrtu'.includes(String.fromCharCode(byte)) ? 1 : 0));
const numberForm = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/** Passes over white space, counting lines: outside of strings only, since no newline can stand in one. */
export function skipSpace(state: ScanState): void {
  const { window, end } = state;
  let at = state.at;
  while (at < end) {
    const byte = window[at] as number;
    if (byte > 0x20) break;
    if (byte === 0x0a) {
      state.line += 1;
      state.lineStart = state.base + at + 1;
    } else if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) break;
    at += 1;
  }
  state.at = at;
}

/** Goes to behind the closing quote; false where more bytes are needed, from where it then goes on. */
export function skipString(state: ScanState): boolean {
  const { window, end } = state;
  let at = state.at;
  while (at < end) {
    let byte = window[at] as number;
    while (byte !== QUOTE && byte !== BACKSLASH && byte >= 0x20) {
      at += 1;
      if (at === end) {
        state.at = at;
        return false;
      }
      byte = window[at] as number;
    }
    if (byte === QUOTE) {
      state.at = at + 1;
      return true;
    }
    state.at = at;
    if (byte !== BACKSLASH) refuse(state, 'not_json', 'The file is not JSON: a control character stands in a string without an escape');
    const length = escapeLength(state);
    if (length === 0) return false;
    at += length;
  }
  state.at = at;
  return false;
}

/** How long the escape is that begins here; 0 where more bytes are needed. */
function escapeLength(state: ScanState): number {
  const { window, at, end } = state;
  if (at + 1 >= end) return 0;
  const kind = window[at + 1] as number;
  if (escapes[kind] !== 1) refuse(state, 'not_json', 'The file is not JSON: a string holds an unknown escape');
  if (kind !== SMALL_U) return 2;
  const stop = Math.min(at + 6, end);
  for (let digit = at + 2; digit < stop; digit += 1) {
    if (hexadecimal[window[digit] as number] !== 1) refuse(state, 'not_json', 'The file is not JSON: a string holds a broken \\u escape');
  }
  return at + 6 <= end ? 6 : 0;
}

/** Goes to behind the number; false where more bytes are needed, from where it begins anew. */
export function skipNumber(state: ScanState): boolean {
  const { window, at, end } = state;
  let stop = at;
  while (stop < end && numeric[window[stop] as number] === 1) stop += 1;
  if (stop - at > numberBytesMax) refuse(state, 'sarif_number_too_long', `A number has more than ${numberBytesMax} characters`);
  if (stop === end) return false;
  if (!isNumber(window, at, stop)) refuse(state, 'not_json', 'The file is not JSON: a number is malformed');
  state.at = stop;
  return true;
}

function isNumber(window: Buffer, from: number, to: number): boolean {
  const first = window[from] as number;
  // Most numbers are line numbers: digits alone, none of them a leading zero.
  if (first >= 0x31 && first <= 0x39) {
    let at = from + 1;
    while (at < to && (window[at] as number) >= 0x30 && (window[at] as number) <= 0x39) at += 1;
    if (at === to) return true;
  }
  return numberForm.test(window.toString('latin1', from, to));
}

/** Goes to behind `true`, `false` or `null`; false where more bytes are needed. */
export function skipLiteral(state: ScanState): boolean {
  const { window, at, end } = state;
  const first = window[at];
  const literal = first === 0x74 ? 'true' : first === 0x66 ? 'false' : first === 0x6e ? 'null' : undefined;
  if (literal === undefined) refuseByte(state);
  const stop = Math.min(at + literal.length, end);
  for (let index = at; index < stop; index += 1) {
    if (window[index] !== literal.charCodeAt(index - at)) {
      state.at = index;
      refuseByte(state);
    }
  }
  if (at + literal.length > end) return false;
  state.at = stop;
  return true;
}
