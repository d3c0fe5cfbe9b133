import { isUtf8 } from 'node:buffer';
import { depthMax, elementBytesMax, elementValuesMax, keyBytesMax } from './limits.ts';
import { passOver } from './pass-over.ts';
import { type Plan, skip } from './plan.ts';
import {
  append,
  COLON,
  createScanState,
  DONE,
  type Frame,
  KEY,
  KEY_OR_CLOSE,
  NEXT,
  type Path,
  refuse,
  refuseByte,
  type ScanState,
  VALUE,
  VALUE_OR_CLOSE,
} from './scan-state.ts';
import { skipLiteral, skipNumber, skipSpace, skipString } from './scan-tokens.ts';

/**
 * What a scan gives out, in the order of the text. `path` is the scan's own list of steps, true until the next call only.
 * `none` is a planned list or object that is `null`, `wrong` one that is something else. A key that comes twice in an object gives its events twice, the second time with `again`.
 */
export type ScanEvent =
  | { readonly kind: 'enter' | 'none' | 'wrong'; readonly name: string; readonly path: Path; readonly again: boolean }
  | { readonly kind: 'leave'; readonly name: string; readonly path: Path; readonly count: number }
  | {
      readonly kind: 'piece';
      readonly name: string;
      readonly path: Path;
      readonly again: boolean;
      /** The value's JSON; bytes that are no UTF-8 stand as U+FFFD, and `utf8` is false. */
      readonly text: string;
      readonly utf8: boolean;
    };

export interface Scanner {
  /** Hands in the next bytes. They are copied: the caller may use its buffer again. */
  push(bytes: Uint8Array): void;
  /** The next event of what was handed in; undefined where more bytes are needed. Throws where the text is no JSON or passes a limit. */
  next(): ScanEvent | undefined;
  /** To be called after the last bytes and the last event: throws `sarif_truncated` where the text stops short. */
  finish(): void;
}

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;

/** Returned by a step that could not be made with the bytes there are. */
const more = Symbol('more');
type Step = ScanEvent | typeof more | undefined;

/**
 * Walks UTF-8 JSON of any length as its bytes come in, holding no more than the piece it is in the middle of. The whole text is checked,
 * what the plan passes over too: a text that ends well is JSON. A byte order mark is passed over; UTF-16 and UTF-32 are refused.
 */
export function createScanner(options: { readonly plan: Plan }): Scanner {
  const state = createScanState(options.plan);
  return {
    push: (bytes) => append(state, bytes),
    next: () => next(state),
    finish: () => finish(state),
  };
}

function finish(state: ScanState): void {
  if (!state.begun) {
    begin(state);
    while (next(state) !== undefined);
  }
  if (state.expect === DONE) return;
  if (state.expect === VALUE && state.depth === 0 && state.at === state.end) refuse(state, 'not_json', 'The file is empty');
  state.at = state.end;
  refuse(state, 'sarif_truncated', 'The file stops before its end');
}

function begin(state: ScanState): void {
  state.begun = true;
  const [first, second, third] = state.window.subarray(0, state.end);
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    state.at = 3;
    state.lineStart = 3;
  } else if ((first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe) || first === 0 || second === 0) {
    refuse(state, 'not_utf8', 'The file is not UTF-8: it begins as UTF-16 or UTF-32 does');
  }
}

function next(state: ScanState): ScanEvent | undefined {
  if (!state.begun) {
    if (state.end < 3) return undefined;
    begin(state);
  }
  for (;;) {
    const step = state.inString ? string(state) : state.depth > state.frames.length ? inside(state) : advance(state);
    if (step === more) return waiting(state);
    if (step !== undefined) return step;
  }
}

/** The string at hand, to its end. */
function string(state: ScanState): Step {
  if (!skipString(state)) return more;
  state.inString = false;
  if (state.depth > state.frames.length) return undefined;
  return state.inKey ? endKey(state) : endValue(state);
}

/** The object or list at hand that is passed over or taken, to its end. */
function inside(state: ScanState): Step {
  return passOver(state) ? endValue(state) : more;
}

function waiting(state: ScanState): undefined {
  checkPieceSize(state);
  // A key that long is none of those planned: it need not be kept.
  if (state.inKey && state.taking === undefined && state.at - state.held > keyBytesMax) state.held = -1;
}

function checkPieceSize(state: ScanState): void {
  if (state.taking === undefined) return;
  if (state.at - state.held > elementBytesMax) {
    refuse(state, 'sarif_element_too_large', `One entry of the file is larger than ${elementBytesMax} bytes`, {
      bytesMax: elementBytesMax,
    });
  }
  if (state.values > elementValuesMax) {
    refuse(state, 'sarif_element_too_large', `One entry of the file holds more than ${elementValuesMax} values`, {
      valuesMax: elementValuesMax,
    });
  }
}

/** One token of an object or list that is walked. */
function advance(state: ScanState): Step {
  skipSpace(state);
  if (state.at === state.end) return more;
  const byte = state.window[state.at] as number;
  switch (state.expect) {
    case VALUE_OR_CLOSE:
      return byte === CLOSE_ARRAY ? close(state, 0) : value(state, byte);
    case VALUE:
      return value(state, byte);
    case KEY_OR_CLOSE:
      return byte === CLOSE_OBJECT ? close(state, 1) : key(state, byte);
    case KEY:
      return key(state, byte);
    case COLON:
      if (byte !== 0x3a) refuseByte(state);
      state.at += 1;
      state.expect = VALUE;
      return undefined;
    case NEXT:
      return following(state, byte);
    default:
      return refuseByte(state);
  }
}

function following(state: ScanState, byte: number): Step {
  if (byte === CLOSE_OBJECT) return close(state, 1);
  if (byte === CLOSE_ARRAY) return close(state, 0);
  if (byte !== COMMA) refuseByte(state);
  state.at += 1;
  const inObject = state.objects[state.depth] === 1;
  state.expect = inObject ? KEY : VALUE;
  if (inObject) state.path[state.path.length - 1] = '';
  else nextEntry(state);
  return undefined;
}

function nextEntry(state: ScanState): void {
  const last = state.path.length - 1;
  const index = (state.path[last] as number) + 1;
  const plan = (state.frames.at(-1) as Frame).plan;
  if (plan.as === 'array' && index >= plan.max) {
    refuse(state, plan.code, `The file holds more than ${plan.max} ${plan.name}`, { max: plan.max });
  }
  state.path[last] = index;
}

function key(state: ScanState, byte: number): undefined {
  if (byte !== QUOTE) refuseByte(state);
  state.inString = true;
  state.inKey = true;
  state.expect = COLON;
  state.held = state.at;
  state.at += 1;
}

function endKey(state: ScanState): undefined {
  state.inKey = false;
  const frame = state.frames.at(-1) as Frame;
  const kept = state.held >= 0 && state.at - state.held <= keyBytesMax;
  const raw = kept ? state.window.toString('utf8', state.held, state.at) : '""';
  state.held = -1;
  const name = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
  state.path[state.path.length - 1] = name;
  frame.child = frame.plan.as === 'object' ? (frame.plan.keys.get(name) ?? skip) : skip;
  frame.again = frame.child !== skip && frame.seen.has(name);
  if (frame.child !== skip) frame.seen.add(name);
}

/** The plan for the value that begins here. */
function planHere(state: ScanState): Plan {
  const frame = state.frames.at(-1);
  if (frame === undefined) return state.root;
  return frame.plan.as === 'array' ? frame.plan.each : frame.child;
}

function value(state: ScanState, byte: number): Step {
  const plan = planHere(state);
  if (plan.as === 'object' || plan.as === 'array') return walked(state, plan, byte);
  if (plan.as === 'take') {
    state.taking = plan.name;
    state.values = 1;
    state.takingAgain = state.frames.at(-1)?.again ?? false;
    state.held = state.at;
  }
  return unwalked(state, byte);
}

function unwalked(state: ScanState, byte: number): Step {
  if (byte === QUOTE) {
    state.inString = true;
    state.inKey = false;
    state.at += 1;
    return undefined;
  }
  if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return open(state, byte);
  const done = byte === 0x2d || (byte >= 0x30 && byte <= 0x39) ? skipNumber(state) : skipLiteral(state);
  return done ? endValue(state) : more;
}

/** A value that a plan wants to be an object or a list. */
function walked(state: ScanState, plan: Exclude<Plan, { as: 'skip' | 'take' }>, byte: number): Step {
  const again = state.frames.at(-1)?.again ?? false;
  if (byte === (plan.as === 'object' ? OPEN_OBJECT : OPEN_ARRAY)) {
    if (plan.as === 'array' && plan.max === 0) refuse(state, plan.code, `The file holds too many ${plan.name}`);
    open(state, byte);
    state.frames.push({ plan, seen: new Set(), child: skip, again: false });
    state.path.push(plan.as === 'object' ? '' : 0);
    return { kind: 'enter', name: plan.name, path: state.path, again };
  }
  if (byte === 0x6e && state.frames.length > 0) {
    if (!skipLiteral(state)) return more;
    endValue(state);
    return { kind: 'none', name: plan.name, path: state.path, again };
  }
  if (!plan.strict) return unwalked(state, byte) ?? { kind: 'wrong', name: plan.name, path: state.path, again };
  const starts = byte === QUOTE || byte === OPEN_OBJECT || byte === OPEN_ARRAY || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
  const from = state.at;
  if (!starts && !skipLiteral(state)) return more;
  state.at = from;
  return refuse(state, 'not_sarif', `The file is not SARIF: ${plan.name} must be ${plan.as === 'object' ? 'an object' : 'a list'}`);
}

function open(state: ScanState, byte: number): undefined {
  if (state.depth === depthMax) {
    refuse(state, 'sarif_too_deep', `The file is nested deeper than ${depthMax} levels`, { depthMax });
  }
  state.depth += 1;
  state.objects[state.depth] = byte === OPEN_OBJECT ? 1 : 0;
  state.expect = byte === OPEN_OBJECT ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
  state.at += 1;
}

function close(state: ScanState, isObject: 0 | 1): Step {
  if (state.depth === 0 || state.objects[state.depth] !== isObject) refuseByte(state);
  const empty = state.expect === VALUE_OR_CLOSE;
  state.at += 1;
  state.depth -= 1;
  const frame = state.frames.pop() as Frame;
  const last = state.path.pop();
  state.expect = state.depth === 0 ? DONE : NEXT;
  const count = typeof last === 'number' && !empty ? last + 1 : 0;
  return { kind: 'leave', name: frame.plan.name, path: state.path, count };
}

/** A value that was passed over or taken has ended. */
function endValue(state: ScanState): ScanEvent | undefined {
  state.expect = state.depth === 0 ? DONE : NEXT;
  if (state.taking === undefined) return undefined;
  checkPieceSize(state);
  const text = state.window.toString('utf8', state.held, state.at);
  const utf8 = !text.includes('\ufffd') || isUtf8(state.window.subarray(state.held, state.at));
  const event = { kind: 'piece', name: state.taking, path: state.path, again: state.takingAgain, text, utf8 } as const;
  state.taking = undefined;
  state.held = -1;
  return event;
}
