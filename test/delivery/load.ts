import { taggedFacts } from './facts.ts';
import { steadyNow } from './process.ts';
import type { RecordAlone } from '../../src/events/record.ts';

/** Whose event it is. */
export interface Target {
  readonly organization: string;
  readonly project: string | null;
}

export interface LoadOptions {
  /** Taken in turn. */
  readonly targets: readonly Target[];
  readonly count: number;
  /** So many record at once, each one after the other. */
  readonly writers?: number;
  /** In place of that: each is begun when its time has come, whether or not the ones before are done. */
  readonly perSecond?: number;
  /** The number that the first event carries; the next ones follow. */
  readonly firstTag?: number;
  /** Ends with the first that fails: the server is gone. */
  readonly untilFailure?: boolean;
}

export interface Loaded {
  readonly began: number;
  readonly ended: number;
  /** By `steadyNow`, in the order of the numbers: when each was asked for (NaN: never), and when it was recorded durably (NaN: it was not). */
  readonly called: Float64Array;
  readonly accepted: Float64Array;
  /** The first failure. */
  readonly failure: string | null;
}

/** Records numbered events and answers once all are recorded durably or have failed. */
export async function load(record: RecordAlone, options: LoadOptions): Promise<Loaded> {
  const { targets, count, writers = 1, perSecond, firstTag = 0, untilFailure = false } = options;
  const called = new Float64Array(count).fill(Number.NaN);
  const accepted = new Float64Array(count).fill(Number.NaN);
  const failures: string[] = [];
  const one = async (number: number): Promise<void> => {
    const { organization, project } = targets[number % targets.length] ?? { organization: '', project: null };
    called[number] = steadyNow();
    try {
      await record({ organization, kind: 'report.ingested', project, facts: taggedFacts(organization, firstTag + number) });
      accepted[number] = steadyNow();
    } catch (error) {
      failures.push(String(error));
    }
  };
  const isOver = (): boolean => untilFailure && failures.length > 0;
  const began = steadyNow();
  if (perSecond === undefined) await inTurn({ count, writers, one, isOver });
  else await inTime({ count, perSecond, one, isOver });
  return { began, ended: steadyNow(), called, accepted, failure: failures[0] ?? null };
}

interface Course {
  readonly count: number;
  readonly one: (number: number) => Promise<void>;
  readonly isOver: () => boolean;
}

async function inTurn({ count, writers, one, isOver }: Course & { readonly writers: number }): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count && !isOver()) await one(next++);
  };
  await Promise.all(Array.from({ length: writers }, writer));
}

async function inTime({ count, perSecond, one, isOver }: Course & { readonly perSecond: number }): Promise<void> {
  const began = performance.now();
  const all: Promise<void>[] = [];
  while (all.length < count && !isOver()) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * perSecond) + 1);
    while (all.length < due) all.push(one(all.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(all);
}
