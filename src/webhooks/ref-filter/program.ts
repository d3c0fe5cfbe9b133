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
  readonly values: Int32Array;
  readonly sets: readonly CharacterSet[];
  readonly targets: readonly (readonly number[])[];
}

interface Building {
  readonly kinds: number[];
  readonly values: number[];
  readonly sets: CharacterSet[];
  readonly targets: number[][];
}

export function programOf(glob: Glob): Program {
  const building: Building = { kinds: [], values: [], sets: [], targets: [] };
  addGlob(building, glob);
  add(building, end, 0);
  return {
    kinds: Uint8Array.from(building.kinds),
    values: Int32Array.from(building.values),
    sets: building.sets,
    targets: building.targets,
  };
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
  const { kinds, values } = program;
  let now = new Uint8Array(kinds.length);
  let next = new Uint8Array(kinds.length);
  now[0] = 1;
  let isAlive = true;
  for (let at = 0, count = 0; at < text.length && isAlive; count += 1) {
    const code = text.codePointAt(at) ?? 0;
    at += code > 0xffff ? 2 : 1;
    isAlive = false;
    for (let step = 0; step < kinds.length; step += 1) {
      if (now[step] === 0) continue;
      now[step] = 0;
      const kind = kinds[step] ?? end;
      if (kind === fork || kind === run) reach(program, step, now);
      if (kind === character ? values[step] !== code : count < spelled || !takes(program, step, code)) continue;
      next[kind === run ? step : step + 1] = 1;
      isAlive = true;
    }
    [now, next] = [next, now];
  }
  if (asStart || !isAlive) return isAlive;
  for (let step = 0; step < kinds.length; step += 1) if (now[step] === 1) reach(program, step, now);
  return now[kinds.length - 1] === 1;
}

/** Marks what is reached from a step without a character: always further on, so that one walk finds all. */
function reach({ kinds, values, targets }: Program, step: number, now: Uint8Array): void {
  if (kinds[step] === run) now[step + 1] = 1;
  else if (kinds[step] === fork) for (const target of targets[values[step] ?? 0] ?? []) now[target] = 1;
}

function takes({ kinds, values, sets }: Program, step: number, code: number): boolean {
  const kind = kinds[step];
  if (kind !== set) return kind === one || kind === run;
  const found = sets[values[step] ?? 0];
  if (found === undefined) return false;
  return found.ranges.some(([first, last]) => code >= first && code <= last) !== found.isNegated;
}
