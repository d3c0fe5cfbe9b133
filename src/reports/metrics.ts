import type { Registry } from 'prom-client';
import { sql } from 'kysely';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Database } from '../storage/database/database.ts';

/** Past this many the gauges stop counting: they are asked every few seconds and must never be felt. */
export const analysesCountedMax = 10_000;

export interface AnalysisMetrics {
  /** `again`: given back, to be tried once more. */
  ended(outcome: 'done' | 'failed' | 'again', durationMs: number): void;
}

/** Counts without naming an organization. A registry may be left out, then nothing is counted. */
export function createAnalysisMetrics({
  registry,
  database,
}: {
  readonly registry?: Registry;
  readonly database: Database;
}): AnalysisMetrics {
  if (registry === undefined) return { ended: () => undefined };
  const registers = [registry];
  const ended = new Counter({
    name: 'gatepost_analyses_ended_total',
    help: 'Analyses that were worked on, by how it ended: done, failed, again (given back, to be tried once more).',
    labelNames: ['outcome'] as const,
    registers,
  });
  const duration = new Histogram({
    name: 'gatepost_analysis_duration_seconds',
    help: 'How long an analysis took from its claim to its reports.',
    labelNames: ['outcome'] as const,
    buckets: [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200],
    registers,
  });
  for (const status of ['pending', 'running'] as const) {
    // The registry asks it when it is read; nothing else holds it.
    void new Gauge({
      name: `gatepost_analyses_${status}`,
      help: `Analyses that are ${status}, at most ${analysesCountedMax}.`,
      registers,
      async collect() {
        this.set(await countOf(database, status));
      },
    });
  }
  return {
    ended(outcome, durationMs) {
      ended.inc({ outcome });
      duration.observe({ outcome }, durationMs / 1000);
    },
  };
}

async function countOf(database: Database, status: 'pending' | 'running'): Promise<number> {
  const some = database.read
    .selectFrom('analyses')
    .select('id')
    .where(sql<boolean>`status = ${sql.lit(status)}`)
    .limit(analysesCountedMax)
    .as('some');
  const row = await database.read
    .selectFrom(some)
    .select((count) => count.fn.countAll<number>().as('count'))
    .executeTakeFirst();
  return row?.count ?? 0;
}
