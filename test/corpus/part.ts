// What a part of `npm run test:corpus` over a server's recordings answers.

/** One comparison: the same as recorded; better, or not held, and why; or different, and how. */
export interface Check {
  readonly name: string;
  readonly verdict: 'same' | 'better' | 'not held' | 'differs';
  readonly note: string;
}

export interface Part {
  readonly title: string;
  readonly checks: readonly Check[];
}

/** The recordings of one server. */
export interface Recordings {
  /** `26.9.0.129388`. */
  readonly version: string;
  readonly folder: string;
}

export function check(name: string, isSame: boolean, note: string): Check {
  return { name, verdict: isSame ? 'same' : 'differs', note: isSame ? '' : note };
}
