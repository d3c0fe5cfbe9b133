import type { Clock } from '../../clock.ts';
import type { Database, Tx } from './database.ts';

export interface LastSeenOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: { warn(facts: Readonly<Record<string, unknown>>, message: string): void };
  /** How exact it is: what is seen often is written down once in this time. */
  readonly everyMs: number;
  /** Gathered for this long, then written in one unit. */
  readonly gatherMs: number;
  readonly rememberedMax: number;
  /** Writes one down. */
  readonly write: (options: {
    readonly tx: Tx;
    readonly id: string;
    readonly organization: string;
    readonly at: number;
  }) => Promise<unknown>;
  /** What the log says where it could not be written. */
  readonly lost: string;
}

/** When each of many rows was last seen, without a write for each time. */
export interface LastSeen {
  note(row: { readonly id: string; readonly organization: string }): void;
  /** Writes down what is still gathered. */
  stop(): Promise<void>;
}

export function createLastSeen({ database, clock, log, everyMs, gatherMs, rememberedMax, write, lost }: LastSeenOptions): LastSeen {
  const noted = new Map<string, number>();
  const gathered = new Map<string, { readonly organization: string; readonly at: number }>();
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    timer = null;
    const entries = [...gathered];
    gathered.clear();
    if (entries.length === 0) return;
    try {
      await database.write(async (tx) => {
        for (const [id, { organization, at }] of entries) await write({ tx, id, organization, at });
      });
    } catch (error) {
      // One that is not written down harms nobody; the next one is.
      log.warn({ err: error }, lost);
    }
  };
  return {
    note({ id, organization }) {
      const now = clock.now();
      // A clock that was set back must not hush it for as long.
      if (Math.abs(now - (noted.get(id) ?? Number.NEGATIVE_INFINITY)) < everyMs) return;
      if (noted.size >= rememberedMax) noted.clear();
      noted.set(id, now);
      gathered.set(id, { organization, at: now });
      timer ??= setTimeout(() => {
        writing = flush();
      }, gatherMs).unref();
    },
    async stop() {
      if (timer !== null) clearTimeout(timer);
      await writing;
      await flush();
    },
  };
}
