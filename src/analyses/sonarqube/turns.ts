import type { Clock } from '../../clock.ts';
import { waitAfter } from './fetch-verdict.ts';

/**
 * Whose turn it is among sources, in memory: which ones have something to be fetched, how many fetches each has under way, and which ones rest
 * after a fault. One that does not answer holds up its own analyses alone, and costs nothing while it rests.
 */
export interface SourceTurns {
  /** The source to take one of now, or null: of those that have something in turn. */
  next(): Promise<string | null>;
  /** Something of this source is there to be fetched. */
  arrived(source: string): void;
  /** It was this source's turn, and there was nothing to take: nothing at all, or `busy`, its branches are under way. */
  hadNothing(source: string, busy: boolean): void;
  /** What there is to be fetched is looked up anew at the next turn. */
  lookAgain(): void;
  began(source: string): void;
  ended(source: string): void;
  /** The source as a whole met a fault: it rests, longer with each in a row, and then gets one fetch at a time until it is well. */
  failed(source: string): void;
  /** It answered as it should: nothing holds it up. */
  succeeded(source: string): void;
}

export interface SourceTurnsOptions {
  readonly clock: Clock;
  /** The sources that have something to be fetched now. */
  readonly look: () => Promise<readonly string[]>;
  /** How often it is looked: what other nodes know is known here after this. */
  readonly lookEveryMs: number;
  /** Fetches under way of one source. */
  readonly perSource: number;
  /** Fetches under way of all sources that are not well. */
  readonly troubledMax: number;
  readonly firstWaitMs: number;
}

/** Where all that waits is of branches under way, what comes for another branch is looked for once in this time at most. */
export const busyMs = 250;

interface Turn {
  underWay: number;
  failures: number;
  restsUntil: number;
}

export function createSourceTurns(options: SourceTurnsOptions): SourceTurns {
  const { clock, perSource, troubledMax, firstWaitMs } = options;
  const due = createDue(options);
  const turns = new Map<string, Turn>();
  const of = (source: string): Turn => {
    const known = turns.get(source);
    if (known !== undefined) return known;
    const made: Turn = { underWay: 0, failures: 0, restsUntil: 0 };
    turns.set(source, made);
    return made;
  };
  const forget = (source: string, turn: Turn): void => {
    if (turn.underWay === 0 && turn.failures === 0) turns.delete(source);
  };
  const troubled = (): number => [...turns.values()].reduce((sum, turn) => sum + (turn.failures > 0 ? turn.underWay : 0), 0);
  /** Whether it may have one more now. */
  const hasTurn = (source: string, isFull: boolean): boolean => {
    const turn = turns.get(source);
    if (turn === undefined) return true;
    if (turn.failures === 0) return turn.underWay < perSource;
    return !isFull && turn.restsUntil <= clock.now() && turn.underWay === 0;
  };
  return {
    async next() {
      const sources = await due.now();
      const isFull = troubled() >= troubledMax;
      for (const source of sources) {
        if (!hasTurn(source, isFull)) continue;
        due.served(source);
        return source;
      }
      return null;
    },
    arrived: due.arrived,
    hadNothing: due.hadNothing,
    lookAgain: due.lookAgain,
    began(source) {
      of(source).underWay += 1;
    },
    ended(source) {
      const turn = of(source);
      turn.underWay -= 1;
      due.freed(source);
      forget(source, turn);
    },
    failed(source) {
      const turn = of(source);
      const now = clock.now();
      // Those that were under way together met one fault.
      if (turn.restsUntil > now) return;
      turn.restsUntil = now + waitAfter(turn.failures, firstWaitMs);
      turn.failures += 1;
    },
    succeeded(source) {
      const turn = turns.get(source);
      if (turn === undefined) return;
      turn.failures = 0;
      turn.restsUntil = 0;
      forget(source, turn);
    },
  };
}

/** Which sources have something: as of the last look, and what has come since. */
function createDue({ clock, look, lookEveryMs }: Pick<SourceTurnsOptions, 'clock' | 'look' | 'lookEveryMs'>) {
  /** In turn: the one that was served last is last. The time until which there is nothing to take of it. */
  let sources = new Map<string, number>();
  let looked: number | null = null;
  const arrived = new Set<string>();
  return {
    async now(): Promise<readonly string[]> {
      const now = clock.now();
      // Where the clock was set back, it is looked as well.
      if (looked === null || Math.abs(now - looked) >= lookEveryMs) {
        arrived.clear();
        const found = new Set(await look());
        // Meanwhile.
        for (const source of arrived) found.add(source);
        looked = now;
        const kept = [...sources].filter(([source]) => found.has(source));
        sources = new Map([...kept, ...[...found].filter((source) => !sources.has(source)).map((source) => [source, 0] as const)]);
      }
      return [...sources].filter(([, until]) => until <= now || until - now > busyMs).map(([source]) => source);
    },
    served(source: string): void {
      arrived.delete(source);
      sources.delete(source);
      sources.set(source, 0);
    },
    arrived(source: string): void {
      arrived.add(source);
      if (!sources.has(source)) sources.set(source, 0);
    },
    hadNothing(source: string, busy: boolean): void {
      if (busy) sources.set(source, clock.now() + busyMs);
      else if (!arrived.has(source)) sources.delete(source);
    },
    /** One of its branches is under way no more. */
    freed(source: string): void {
      if (sources.has(source)) sources.set(source, 0);
    },
    lookAgain(): void {
      looked = null;
    },
  };
}
