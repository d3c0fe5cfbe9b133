import { GatepostError } from '../../errors.ts';
import { depthMax } from './limits.ts';
import type { Plan } from './plan.ts';

export type Path = readonly (string | number)[];

/** An object or array that is walked, with what its plan says of the value at hand. */
export interface Frame {
  readonly plan: Exclude<Plan, { as: 'skip' | 'take' }>;
  /** Planned keys that have come, to tell one that comes again. */
  readonly seen: Set<string>;
  child: Plan;
  again: boolean;
}

// What may come next.
export const VALUE = 0;
export const VALUE_OR_CLOSE = 1;
export const KEY = 2;
export const KEY_OR_CLOSE = 3;
export const COLON = 4;
export const NEXT = 5;
export const DONE = 6;

export interface ScanState {
  /** Bytes `at` to `end` are still to be looked at; those before `at` are kept from `held` on. */
  window: Buffer;
  at: number;
  end: number;
  /** Offset of the window's first byte in the text. */
  base: number;
  line: number;
  lineStart: number;
  begun: boolean;
  expect: number;
  inString: boolean;
  inKey: boolean;
  /** Where the piece or key at hand begins, or -1. */
  held: number;
  /** The piece at hand. */
  taking: string | undefined;
  takingAgain: boolean;
  /** Values in the piece at hand. */
  values: number;
  depth: number;
  /** For each open bracket: 1 for an object, 0 for an array. */
  readonly objects: Uint8Array;
  readonly frames: Frame[];
  readonly path: (string | number)[];
  readonly root: Plan;
}

const windowBytes = 1024 * 1024;
const pushBytesMax = 1024 * 1024;

export function createScanState(root: Plan): ScanState {
  return {
    window: Buffer.allocUnsafe(windowBytes),
    at: 0,
    end: 0,
    base: 0,
    line: 1,
    lineStart: 0,
    begun: false,
    expect: VALUE,
    inString: false,
    inKey: false,
    held: -1,
    taking: undefined,
    takingAgain: false,
    values: 0,
    depth: 0,
    objects: new Uint8Array(depthMax + 1),
    frames: [],
    path: [],
    root,
  };
}

/** Copies the bytes behind what the window still holds. */
export function append(state: ScanState, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; from += pushBytesMax) {
    const part = bytes.subarray(from, from + pushBytesMax);
    makeRoom(state, part.length);
    state.window.set(part, state.end);
    state.end += part.length;
  }
}

function makeRoom(state: ScanState, bytes: number): void {
  if (state.end + bytes <= state.window.length) return;
  const from = state.held >= 0 ? state.held : state.at;
  const needed = state.end - from + bytes;
  // Growing by doubling, so that a long piece is copied a few times at most, however small the parts it comes in.
  const target = needed > state.window.length / 2 ? Buffer.allocUnsafe(needed * 2) : state.window;
  state.window.copy(target, 0, from, state.end);
  state.window = target;
  state.base += from;
  state.at -= from;
  state.end -= from;
  if (state.held >= 0) state.held = 0;
}

/** RFC 6901. An empty step stands where an object is walked whose next key has not been read. */
export function pointerOf(path: Path): string {
  let pointer = '';
  for (const step of path)
    if (step !== '') pointer += `/${typeof step === 'number' ? step : step.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return pointer;
}

/** Refuses the text, with the place the scan is at: `column` and `offset` count bytes, `column` from 1. */
export function refuse(state: ScanState, code: string, message: string, details: Readonly<Record<string, unknown>> = {}): never {
  const offset = state.base + state.at;
  const column = offset - state.lineStart + 1;
  const place = { pointer: pointerOf(state.path), line: state.line, column, offset };
  throw new GatepostError('invalid', code, `${message} (line ${state.line}, column ${column}).`, { details: { ...place, ...details } });
}

export function refuseByte(state: ScanState): never {
  const byte = state.window[state.at] as number;
  const shown = byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16).padStart(2, '0')}`;
  if (state.expect === DONE) refuse(state, 'not_json', `The file is not JSON: it goes on after its end, with ${shown}`);
  return refuse(state, 'not_json', `The file is not JSON: ${shown} cannot stand here`);
}
