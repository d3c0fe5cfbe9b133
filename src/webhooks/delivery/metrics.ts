import { sql } from 'kysely';
import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Database } from '../../storage/database/database.ts';
import type { Decision } from './decide.ts';
import type { Sender } from './send.ts';
import type { Stations } from './stations.ts';

/** Past this many the gauge stops counting: it is asked every few seconds and must never be felt. */
export const pendingCountedMax = 10_000;

export interface DeliveryMetrics {
  attempted(facts: { readonly outcome: Decision['state']; readonly durationMs: number }): void;
  /** From the commit that made the delivery to the moment its first attempt begins. */
  firstAttempt(latencyMs: number): void;
  /** From the commit that made the delivery to the answer that settled it. */
  succeeded(latencyMs: number): void;
  leaseLost(): void;
  leasesExpired(count: number): void;
  /** Deliveries were made. */
  accepted(count: number): void;
  /** How long the oldest first attempt has waited whose webhook works. */
  lag(ms: number): void;
  outOfConnections(): void;
}

export interface DeliveryMetricsOptions {
  readonly registry?: Registry | undefined;
  readonly database: Database;
  readonly stations: Stations;
  readonly sender: Sender;
}

const nothing = (): void => undefined;
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600];

/** Counts without naming an organization. A registry may be left out, then nothing is counted. */
export function createDeliveryMetrics(options: DeliveryMetricsOptions): DeliveryMetrics {
  const { registry, database } = options;
  if (registry === undefined)
    return {
      attempted: nothing,
      firstAttempt: nothing,
      succeeded: nothing,
      leaseLost: nothing,
      leasesExpired: nothing,
      accepted: nothing,
      lag: nothing,
      outOfConnections: nothing,
    };
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
    buckets: latencyBuckets,
    registers,
  });
  const success = new Histogram({
    name: 'gatepost_delivery_success_latency_seconds',
    help: 'From the event to the outcome of the attempt that delivered it, written down.',
    buckets: [...latencyBuckets, 3_600, 86_400],
    registers,
  });
  const expired = new Counter({
    name: 'gatepost_delivery_leases_expired_total',
    help: 'Deliveries taken back because whoever held them did not end in time.',
    registers,
  });
  const lost = new Counter({
    name: 'gatepost_delivery_leases_lost_total',
    help: 'Outcomes that came after their lease had ended and were not written down.',
    registers,
  });
  pendingGauge(registry, database);
  stationGauges(registry, options);
  return {
    attempted({ outcome, durationMs }) {
      attempts.inc({ outcome });
      duration.observe({ outcome }, durationMs / 1000);
    },
    firstAttempt: (latencyMs) => latency.observe(Math.max(0, latencyMs) / 1000),
    succeeded: (latencyMs) => success.observe(Math.max(0, latencyMs) / 1000),
    leaseLost: () => lost.inc(),
    leasesExpired: (count) => expired.inc(count),
    ...plainMetrics(registers),
  };
}

/** Those that are one number each. */
function plainMetrics(registers: Registry[]): Pick<DeliveryMetrics, 'accepted' | 'lag' | 'outOfConnections'> {
  const accepted = new Counter({ name: 'gatepost_deliveries_accepted_total', help: 'Deliveries made, on disk.', registers });
  const lag = new Gauge({
    name: 'gatepost_delivery_lag_seconds',
    help: 'How long the oldest first attempt has waited whose webhook works, when it was looked at last.',
    registers,
  });
  const noConnection = new Counter({
    name: 'gatepost_delivery_out_of_connections_total',
    help: 'Attempts put off because all connections were in use.',
    registers,
  });
  return {
    accepted: (count) => accepted.inc(count),
    lag: (ms) => lag.set(ms / 1000),
    outOfConnections: () => noConnection.inc(),
  };
}

/** What this process has under way, asked when somebody looks. */
function stationGauges(registry: Registry, { stations, sender }: DeliveryMetricsOptions): void {
  const gauge = (name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void => {
    const made: Gauge = new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        for (const [value, count] of Object.entries(read())) made.set({ [label]: value }, count);
      },
    });
  };
  gauge(
    'gatepost_delivery_webhooks',
    'Webhooks by how they stand in this process: healthy, probing, resting; slow; ready: they have something to claim.',
    'standing',
    () => {
      const { waiting: _, ...standings } = stations.standings();
      return standings;
    },
  );
  gauge(
    'gatepost_delivery_under_way',
    'Attempts under way, by lane (of the healthy, those again are counted twice).',
    'lane',
    () => stations.lanes.underWay,
  );
  gauge('gatepost_delivery_connections', 'Connections to receivers: pools, connections open, connections in use.', 'kind', () => ({
    ...sender.pools(),
  }));
}

function pendingGauge(registry: Registry, database: Database): void {
  const gauge: Gauge = new Gauge({
    name: 'gatepost_deliveries_pending',
    help: `Deliveries that wait for an attempt or are under way; counted up to ${pendingCountedMax}.`,
    registers: [registry],
    async collect() {
      const { rows } = await sql<{ n: number }>`
        select count(*) as n from (select 1 from deliveries where state in ('pending', 'leased') limit ${pendingCountedMax}) as counted
      `.execute(database.read);
      gauge.set(rows[0]?.n ?? 0);
    },
  });
}
