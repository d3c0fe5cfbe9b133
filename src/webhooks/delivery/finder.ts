import type { Clock } from '../../clock.ts';
import type { Database } from '../../storage/database/database.ts';
import { discover } from './discover.ts';
import type { Station } from './station.ts';
import { byRank } from './station.ts';
import type { Stations } from './stations.ts';
import type { TargetOptions } from './target.ts';
import { readTargets, targetsOfReadMax } from './target.ts';
import { lanes } from './unit-rows.ts';

/** Brings to the stations what they are to know of the database: webhooks as their rows are now, and what waits for them. */
export interface Finder {
  /** Reads webhooks, again where they are known. Answers how many there are. */
  open(webhooks: readonly string[]): Promise<number>;
  /** Applies `mark` to each webhook, reading first those that are not known yet, and looks what is to be done. */
  mark(webhooks: readonly string[], mark: (station: Station) => void): Promise<void>;
  /** A webhook was changed: what waits for it in memory goes back, and it is read again. */
  refresh(webhook: string): Promise<void>;
  /** Finds whatever waits for anybody. Answers for how long the oldest first attempt has waited whose webhook works, in milliseconds. */
  discover(): Promise<number>;
}

export function createFinder(options: {
  readonly database: Database;
  readonly stations: Stations;
  readonly targets: TargetOptions;
  /** Steady. */
  readonly clock: Clock;
}): Finder {
  const { database, stations, targets } = options;
  const open = async (webhooks: readonly string[]): Promise<number> => {
    let found = 0;
    for (let from = 0; from < webhooks.length; from += targetsOfReadMax) {
      const piece = webhooks.slice(from, from + targetsOfReadMax);
      for (const target of await readTargets(database.read, piece, targets)) {
        stations.put(target);
        found += 1;
      }
    }
    return found;
  };
  const mark = async (webhooks: readonly string[], apply: (station: Station) => void): Promise<void> => {
    const unknown = webhooks.filter((webhook) => stations.get(webhook) === undefined);
    if (unknown.length > 0) await open([...new Set(unknown)]);
    const known = webhooks.map((webhook) => stations.get(webhook)).filter((station) => station !== undefined);
    for (const station of known.sort(byRank)) {
      apply(station);
      stations.look(station);
    }
  };
  return {
    open,
    mark,
    async refresh(webhook) {
      const station = stations.get(webhook);
      if (station !== undefined) stations.giveBackAll(station);
      const isThere = (await open([webhook])) > 0;
      if (!isThere && station !== undefined) stations.drop(station);
    },
    async discover() {
      let oldest = Number.POSITIVE_INFINITY;
      for await (const piece of discover(database.read)) {
        const found = new Map(piece.map((waiting) => [waiting.webhook, waiting]));
        await mark([...found.keys()], (station) => {
          const waiting = found.get(station.webhook);
          if (waiting === undefined) return;
          for (const lane of ['asked', 'replay'] as const) {
            if (waiting[lane] > 0 && station.waits[lanes[lane]] <= 0) stations.mark(station, lanes[lane]);
          }
          if (waiting.firstDue !== null) {
            if (station.waits[lanes.first] <= 0) stations.mark(station, lanes.first);
            if (station.health.standing === 'healthy') oldest = Math.min(oldest, waiting.firstDue);
          }
          if (waiting.retryAt !== null) stations.markRetry(station, waiting.retryAt);
        });
      }
      return Math.max(0, options.clock.now() - oldest);
    },
  };
}
