import type { Clock } from '../../clock.ts';
import { waitAfter } from './fetch-verdict.ts';

/**
 * Whose turn it is among sources, in memory: how many fetches each has under way, and which ones rest after a fault. One that does not answer
 * holds up its own analyses alone.
 */
export interface SourceTurns {
  began(source: string): void;
  ended(source: string): void;
  /** The source as a whole met a fault: it rests, longer with each in a row, and then gets one fetch at a time until it is well. */
  failed(source: string): void;
  /** It answered as it should: nothing holds it up. */
  succeeded(source: string): void;
  /** Whose analyses are not to be claimed now. */
  passedOver(): readonly string[];
}

export interface SourceTurnsOptions {
  readonly clock: Clock;
  /** Fetches under way of one source. */
  readonly perSource: number;
  /** Fetches under way of all sources that are not well. */
  readonly troubledMax: number;
  readonly firstWaitMs: number;
}

interface Turn {
  underWay: number;
  failures: number;
  restsUntil: number;
}

export function createSourceTurns({ clock, perSource, troubledMax, firstWaitMs }: SourceTurnsOptions): SourceTurns {
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
  return {
    began(source) {
      of(source).underWay += 1;
    },
    ended(source) {
      const turn = of(source);
      turn.underWay -= 1;
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
    passedOver() {
      const now = clock.now();
      const all = [...turns];
      const troubled = all.filter(([, turn]) => turn.failures > 0);
      const isFull = troubled.reduce((sum, [, turn]) => sum + turn.underWay, 0) >= troubledMax;
      return all
        .filter(([, turn]) => {
          if (turn.failures === 0) return turn.underWay >= perSource;
          return isFull || turn.restsUntil > now || turn.underWay >= 1;
        })
        .map(([source]) => source);
    },
  };
}
