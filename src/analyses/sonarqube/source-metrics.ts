import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Database } from '../../storage/database/database.ts';

export interface SourceMetrics {
  /** `again`: given back, to be tried once more. `removed`: it was there already under another name. */
  fetched(outcome: 'done' | 'failed' | 'again' | 'removed', durationMs: number): void;
  requested(count: number): void;
  caughtUp(outcome: 'done' | 'failed', analyses: number): void;
}

/** Counts without naming an organization. A registry may be left out, then nothing is counted. */
export function createSourceMetrics({ registry, database }: { readonly registry?: Registry; readonly database: Database }): SourceMetrics {
  if (registry === undefined) return { fetched: () => undefined, requested: () => undefined, caughtUp: () => undefined };
  const registers = [registry];
  const fetches = new Counter({
    name: 'gatepost_source_fetches_ended_total',
    help: 'Fetches of analyses from their sources, by how they ended: done, failed, again (to be tried once more), removed (was there already).',
    labelNames: ['outcome'] as const,
    registers,
  });
  const duration = new Histogram({
    name: 'gatepost_source_fetch_duration_seconds',
    help: 'How long a fetch took from its claim to its end.',
    labelNames: ['outcome'] as const,
    buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600],
    registers,
  });
  const requests = new Counter({
    name: 'gatepost_source_requests_total',
    help: 'Requests that were sent to sources.',
    registers,
  });
  const catchUps = new Counter({
    name: 'gatepost_source_catch_ups_total',
    help: 'Looks at sources for what was missed, by how they ended: done, failed.',
    labelNames: ['outcome'] as const,
    registers,
  });
  const analyses = new Counter({
    name: 'gatepost_source_caught_up_analyses_total',
    help: 'Analyses that no webhook had brought.',
    registers,
  });
  // The registry asks it when it is read; nothing else holds it.
  void new Gauge({
    name: 'gatepost_source_state',
    help: 'Sources by their state: ok, unchecked, or what is wrong.',
    labelNames: ['state'] as const,
    registers,
    async collect() {
      this.reset();
      const rows = await database.read
        .selectFrom('sources')
        .select(['state', (row) => row.fn.countAll<number>().as('count')])
        .groupBy('state')
        .execute();
      for (const { state, count } of rows) this.set({ state }, count);
    },
  });
  return {
    fetched(outcome, durationMs) {
      fetches.inc({ outcome });
      duration.observe({ outcome }, durationMs / 1000);
    },
    requested: (count) => requests.inc(count),
    caughtUp(outcome, count) {
      catchUps.inc({ outcome });
      analyses.inc(count);
    },
  };
}
