import type pg from 'pg';
import type { Clock } from '../../clock.ts';

/** How often the database is asked for its time. In between it is counted on from the last answer. */
export const askedEveryMs = 30_000;

export interface DatabaseClock {
  /** Asks for the time, and from then on now and then. */
  read(): Promise<Clock>;
  stop(): void;
}

/** The clock of the PostgreSQL server: what all nodes have in common, whatever their own say. */
export function createDatabaseClock(pool: pg.Pool): DatabaseClock {
  let offset = 0;
  let timer: NodeJS.Timeout | null = null;
  const ask = async (): Promise<void> => {
    const before = performance.now();
    const { rows } = await pool.query<{ ms: string }>('select extract(epoch from clock_timestamp()) * 1000 as ms');
    const after = performance.now();
    // The answer was made somewhere in between.
    offset = Number(rows[0]?.ms) - (before + after) / 2;
  };
  return {
    async read() {
      if (timer === null) {
        await ask();
        timer = setInterval(() => void ask().catch(() => undefined), askedEveryMs);
        timer.unref();
      }
      return { now: () => performance.now() + offset };
    },
    stop() {
      if (timer !== null) clearInterval(timer);
    },
  };
}
