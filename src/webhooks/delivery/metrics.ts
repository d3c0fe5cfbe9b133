import { sql } from 'kysely';
import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Database } from '../../storage/database/database.ts';
import type { Decision } from './decide.ts';

/** Past this many the gauge stops counting: it is asked every few seconds and must never be felt. */
export const pendingCountedMax = 100_000;

export interface DeliveryMetrics {
  attempted(facts: { readonly outcome: Decision['state']; readonly durationMs: number }): void;
  /** From the commit that made the delivery to the moment its first attempt begins. */
  firstAttempt(latencyMs: number): void;
  leaseLost(): void;
}

/** Counts without naming an organization. A registry may be left out, then nothing is counted. */
export function createDeliveryMetrics(options: { readonly registry?: Registry | undefined; readonly database: Database }): DeliveryMetrics {
  const { registry, database } = options;
  if (registry === undefined) return { attempted: () => undefined, firstAttempt: () => undefined, leaseLost: () => undefined };
  const registers = [registry];
  const attempts = new Counter({
    name: 'gatepost_delivery_attempts_total',
    help: 'Attempts by what became of the delivery: delivered, pending (to be tried again), exhausted.',
    labelNames: ['outcome'] as const,
    registers,
  });
  const duration = new Histogram({
    name: 'gatepost_delivery_attempt_duration_seconds',
    help: 'How long attempts took.',
    labelNames: ['outcome'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const latency = new Histogram({
    name: 'gatepost_delivery_first_attempt_latency_seconds',
    help: 'From the event to the first attempt at its delivery.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600],
    registers,
  });
  const lost = new Counter({
    name: 'gatepost_delivery_leases_lost_total',
    help: 'Outcomes that came after their lease had ended and were not written down.',
    registers,
  });
  pendingGauge(registry, database);
  return {
    attempted({ outcome, durationMs }) {
      attempts.inc({ outcome });
      duration.observe({ outcome }, durationMs / 1000);
    },
    firstAttempt: (latencyMs) => latency.observe(Math.max(0, latencyMs) / 1000),
    leaseLost: () => lost.inc(),
  };
}

function pendingGauge(registry: Registry, database: Database): void {
  const count = async (lane: 'first' | 'retry') => {
    const which = lane === 'first' ? sql`attempts = 0` : sql`attempts > 0`;
    const result = await sql<{ n: number }>`
      select count(*) as n from (select 1 from deliveries where state = 'pending' and ${which} limit ${pendingCountedMax}) as counted
    `.execute(database.read);
    return result.rows[0]?.n ?? 0;
  };
  const gauge: Gauge<'lane'> = new Gauge({
    name: 'gatepost_deliveries_pending',
    help: `Deliveries that wait, for their first attempt or for another; counted up to ${pendingCountedMax}.`,
    labelNames: ['lane'] as const,
    registers: [registry],
    async collect() {
      for (const lane of ['first', 'retry'] as const) gauge.set({ lane }, await count(lane));
    },
  });
}
