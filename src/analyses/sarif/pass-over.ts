import { depthMax } from './limits.ts';
import { COLON, KEY, KEY_OR_CLOSE, NEXT, refuse, refuseByte, type ScanState, VALUE, VALUE_OR_CLOSE } from './scan-state.ts';
import { skipLiteral, skipNumber, skipString } from './scan-tokens.ts';

// Nearly all bytes of a log go through here: one loop, with what changes at every token in local variables.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Goes over the object or list the scan has just stepped into, checking it, to behind its end. False where more bytes are needed: it is
 * then to be called again. A string that the bytes cut in two is left to `skipString` (`inString`).
 */
export function passOver(state: ScanState): boolean {
  const { window, end, objects } = state;
  const outer = state.frames.length;
  let { at, depth, expect, values } = state;
  while (at < end) {
    const byte = window[at] as number;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      at += 1;
      if (byte === 0x0a) {
        state.line += 1;
        state.lineStart = state.base + at;
      }
      continue;
    }
    if (byte === QUOTE && expect <= KEY_OR_CLOSE) {
      if (expect <= VALUE_OR_CLOSE) values += 1;
      expect = expect <= VALUE_OR_CLOSE ? NEXT : COLON;
      at = closingQuote(window, at + 1, end);
      if (window[at] === QUOTE && at < end) at += 1;
      else if (!finishString(state, { at, depth, expect, values })) return false;
      else at = state.at;
    } else if (byte === 0x2c && expect === NEXT) {
      expect = objects[depth] === 1 ? KEY : VALUE;
      at += 1;
    } else if (byte === 0x3a && expect === COLON) {
      expect = VALUE;
      at += 1;
    } else if ((byte === 0x7b || byte === 0x5b) && expect <= VALUE_OR_CLOSE && depth < depthMax) {
      depth += 1;
      values += 1;
      objects[depth] = byte === 0x7b ? 1 : 0;
      expect = byte === 0x7b ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
      at += 1;
    } else if ((byte === 0x7d || byte === 0x5d) && closes(expect, objects[depth] === 1, byte === 0x7d)) {
      depth -= 1;
      expect = NEXT;
      at += 1;
      if (depth === outer) return keep(state, { at, depth, expect, values }, true);
    } else {
      keep(state, { at, depth, expect, values }, false);
      if (!scalar(state, byte)) return false;
      at = state.at;
      values += 1;
      expect = NEXT;
    }
  }
  return keep(state, { at, depth, expect, values }, false);
}

type Place = Pick<ScanState, 'at' | 'depth' | 'expect' | 'values'>;

function keep(state: ScanState, place: Place, done: boolean): boolean {
  state.at = place.at;
  state.depth = place.depth;
  state.expect = place.expect;
  state.values = place.values;
  return done;
}

/** Where the string ends, or where something stands in it that is to be looked at more closely. */
function closingQuote(window: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = window[at] as number;
    if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) return at;
    at += 1;
  }
  return at;
}

function finishString(state: ScanState, place: Place): boolean {
  keep(state, place, true);
  state.inString = !skipString(state);
  state.inKey = false;
  return !state.inString;
}

function closes(expect: number, inObject: boolean, isObject: boolean): boolean {
  return inObject === isObject && (expect === NEXT || expect === (isObject ? KEY_OR_CLOSE : VALUE_OR_CLOSE));
}

/** A number or literal; everything else that comes here cannot stand where it does. */
function scalar(state: ScanState, byte: number): boolean {
  if (state.expect > VALUE_OR_CLOSE) refuseByte(state);
  if (byte === 0x7b || byte === 0x5b) refuse(state, 'sarif_too_deep', `The file is nested deeper than ${depthMax} levels`, { depthMax });
  return byte === 0x2d || (byte >= 0x30 && byte <= 0x39) ? skipNumber(state) : skipLiteral(state);
}
