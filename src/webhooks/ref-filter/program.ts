import type { CharacterSet, Glob } from './parse.ts';

// A filter as steps, each of which leads to later ones alone, or back to itself: all places that a text may have reached are walked through once
// for each of its characters, so that the time is their product at most, whatever the filter.

const character = 0;
const one = 1;
const set = 2;
const run = 3;
/** Goes to several steps, or to one further on, without a character. */
const fork = 4;
const end = 5;

export interface Program {
  readonly kinds: Uint8Array;
  /** Of a character its code point, of a set which one, of a fork where its targets begin. */
  readonly values: Int32Array;
  /** Where each leads. */
  readonly nexts: Int32Array;
  readonly sets: readonly CharacterSet[];
  /** Each fork's, ended by a zero: no step leads back to the first. */
  readonly targets: Int32Array;
}

interface Building {
  readonly kinds: number[];
  readonly values: number[];
  readonly sets: CharacterSet[];
  readonly targets: number[][];
}

export function programOf(glob: Glob): Program {
  const { kinds, values, sets, targets } = build(glob);
  // Where a fork leads to one step alone, whatever leads to it leads there.
  const landing = (step: number): number => {
    for (let at = step; ; ) {
      const [target, other] = kinds[at] === fork ? (targets[values[at] ?? 0] ?? []) : [];
      if (target === undefined || other !== undefined) return at;
      at = target;
    }
  };
  const starts: number[] = [];
  const flat: number[] = [];
  for (const each of targets) {
    starts.push(flat.length);
    flat.push(...each.map(landing), 0);
  }
  const placed = values.map((value, step) => (kinds[step] === fork ? (starts[value] ?? 0) : value));
  return {
    kinds: Uint8Array.from(kinds),
    values: Int32Array.from(placed),
    nexts: Int32Array.from(kinds, (_, step) => landing(step + 1)),
    sets,
    targets: Int32Array.from(flat),
  };
}

function build(glob: Glob): Building {
  const building: Building = { kinds: [], values: [], sets: [], targets: [] };
  addGlob(building, glob);
  add(building, end, 0);
  return building;
}

function add({ kinds, values }: Building, kind: number, value: number): number {
  values.push(value);
  return kinds.push(kind) - 1;
}

function addFork(building: Building): number[] {
  const targets: number[] = [];
  add(building, fork, building.targets.push(targets) - 1);
  return targets;
}

function addGlob(building: Building, glob: Glob): void {
  for (const part of glob) {
    if (part.kind === 'text') for (const each of part.text) add(building, character, each.codePointAt(0) ?? 0);
    else if (part.kind === 'set') add(building, set, building.sets.push(part.set) - 1);
    else if (part.kind === 'either') addChoices(building, part.choices);
    else add(building, part.kind === 'one' ? one : run, 0);
  }
}

function addChoices(building: Building, choices: readonly Glob[]): void {
  const starts = addFork(building);
  const ends: number[][] = [];
  for (const choice of choices) {
    starts.push(building.kinds.length);
    addGlob(building, choice);
    ends.push(addFork(building));
  }
  for (const targets of ends) targets.push(building.kinds.length);
}

export interface RunOptions {
  /** So many characters must be spelled out by the filter: nothing that stands for several takes them. */
  readonly spelled: number;
  /** True: it is enough that there is a way on behind the text. */
  readonly asStart?: boolean;
}

/** Whether the program takes the text as a whole. */
export function runProgram(program: Program, text: string, { spelled, asStart = false }: RunOptions): boolean {
  const steps = program.kinds.length;
  let now = new Uint8Array(steps + 1);
  let next = new Uint8Array(steps + 1);
  now[0] = 1;
  for (let at = 0, count = 0; at < text.length; count += 1) {
    const code = text.codePointAt(at) ?? 0;
    at += code > 0xffff ? 2 : 1;
    if (!step(program, now, next, { code, isSpelled: count < spelled })) return false;
    [now, next] = [next, now];
  }
  if (asStart) return true;
  // What is reached without a character is reached with any: the last step takes none, and stays marked.
  step(program, now, next, { code: -1, isSpelled: true });
  return now[steps] === 1;
}

interface Character {
  readonly code: number;
  readonly isSpelled: boolean;
}

/**
 * From the places that are marked to those behind one more character, and unmarks the former; the mark behind the last step says that the end was
 * among them. A step leads further on, so that one walk finds all that is reached without a character. Answers whether there is a place left.
 */
function step(
  { kinds, values, nexts, sets, targets }: Program,
  now: Uint8Array,
  next: Uint8Array,
  { code, isSpelled }: Character,
): boolean {
  const steps = kinds.length;
  let isAlive = false;
  now[steps] = 0;
  for (let at = 0; at < steps; at += 1) {
    if (now[at] === 0) continue;
    now[at] = 0;
    switch (kinds[at]) {
      case character:
        if (values[at] !== code) continue;
        next[nexts[at] ?? 0] = 1;
        break;
      case one:
        if (isSpelled) continue;
        next[nexts[at] ?? 0] = 1;
        break;
      case set:
        if (isSpelled || !holds(sets[values[at] ?? 0], code)) continue;
        next[nexts[at] ?? 0] = 1;
        break;
      case run:
        now[nexts[at] ?? 0] = 1;
        if (isSpelled) continue;
        next[at] = 1;
        break;
      case fork:
        mark(targets, values[at] ?? 0, now);
        continue;
      default:
        now[steps] = 1;
        continue;
    }
    isAlive = true;
  }
  return isAlive;
}

function mark(targets: Int32Array, from: number, now: Uint8Array): void {
  for (let at = from; ; at += 1) {
    const target = targets[at] ?? 0;
    if (target === 0) return;
    now[target] = 1;
  }
}

function holds(found: CharacterSet | undefined, code: number): boolean {
  if (found === undefined) return false;
  const { ranges, isNegated } = found;
  for (const [first, last] of ranges) if (code >= first && code <= last) return !isNegated;
  return isNegated;
}
