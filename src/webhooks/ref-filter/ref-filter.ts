import { invalid } from '../../errors.ts';
import type { Matcher } from './glob.ts';
import { matcherOf } from './glob.ts';
import type { Glob } from './parse.ts';
import { GlobError, parseGlob } from './parse.ts';
import { programOf, runProgram } from './program.ts';

/** Characters of a filter. */
export const refFilterCharactersMax = 500;
/** Filters that are held ready. */
const filtersHeldMax = 1_000;

export interface RefFilter {
  /** Whether it lets a ref pass, which is named whole: `refs/heads/main`, `refs/tags/v1`. */
  passes(ref: string): boolean;
}

const whole = 'refs/';
const shortened = ['refs/heads/', 'refs/tags/'] as const;

/**
 * A filter is held against the short name of a branch or a tag; and where it spells out `refs/`, against the whole ref. What stands for any
 * character never takes that beginning: `[!m]*` is meant to leave out branches that begin with m, and would else let all pass. Fails with
 * GlobError.
 */
export function refFilterOf(text: string): RefFilter {
  const glob = parseGlob(text);
  const matches = matcherOf(glob);
  const isOfWhole = spellsWhole(glob);
  return { passes: (ref) => passesShort(matches, ref) || (isOfWhole && matches(ref, whole.length)) };
}

function passesShort(matches: Matcher, ref: string): boolean {
  for (const start of shortened) if (ref.startsWith(start)) return matches(ref.slice(start.length), 0);
  return false;
}

function spellsWhole(glob: Glob): boolean {
  return runProgram(programOf(glob), whole, { spelled: whole.length, asStart: true });
}

/** The filter as it is kept; null: all refs pass. Fails with `invalid_ref_filter`, which says what is wrong and where. */
export function checkedRefFilter(text: string): string | null {
  const wrong = (what: string, at?: number) =>
    invalid('invalid_ref_filter', `The filter of refs is wrong: ${what}.`, { field: 'refFilter', at });
  if (text.length > refFilterCharactersMax) throw wrong(`it is longer than ${refFilterCharactersMax} characters`);
  if (text === '') return null;
  try {
    parseGlob(text);
  } catch (error) {
    if (error instanceof GlobError) throw wrong(`${error.message}, at character ${error.at}`, error.at);
    throw error;
  }
  return text;
}

/** Whether a filter is none in effect: stars alone, which are kept as they were given. */
export function letsAllPass(filter: string): boolean {
  return /^\**$/.test(filter);
}

const held = new Map<string, RefFilter>();
const everything: RefFilter = { passes: () => true };

/** Whether a kept filter lets the ref of an event pass; where there is no ref, there is nothing to hold against it. Never throws. */
export function refPasses(filter: string, ref: string | null): boolean {
  if (ref === null) return true;
  let known = held.get(filter);
  if (known === undefined) {
    if (held.size >= filtersHeldMax) held.delete(held.keys().next().value ?? '');
    held.set(filter, (known = keptFilterOf(filter)));
  }
  return known.passes(ref);
}

/** It was checked when it came. Should it not be one all the same, more is sent than was asked for rather than less. */
function keptFilterOf(filter: string): RefFilter {
  if (letsAllPass(filter)) return everything;
  try {
    return refFilterOf(filter);
  } catch (error) {
    if (error instanceof GlobError) return everything;
    throw error;
  }
}
