import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../../clock.ts';
import type { NewEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import { createAttempts } from './attempts.ts';
import type { Chore } from './chores.ts';
import { createChores } from './chores.ts';
import { discover } from './discover.ts';
import type { FanOut } from './fan-out.ts';
import { createFanOut } from './fan-out.ts';
import type { Guard } from './guard.ts';
import type { LaneSizes } from './lanes.ts';
import { laneSizesDefault } from './lanes.ts';
import { createDeliveryMetrics } from './metrics.ts';
import { createPurge } from './purge.ts';
import { createRecorder } from './recorder.ts';
import type { SenderOptions } from './send.ts';
import { createSender, deadlineMs as deadlineMsDefault } from './send.ts';
import type { Bounds } from './station.ts';
import { boundsDefault } from './station.ts';
import type { Station } from './stations.ts';
import { Stations } from './stations.ts';
import { readTargets, targetsOfReadMax } from './target.ts';
import { createTurns, leaseMsDefault } from './turns.ts';
import { lanes } from './unit-rows.ts';
import { cancelOrphans, exhaustLate, forgetOldSecrets, takeBackAtStart, takeBackExpired } from './upkeep.ts';

/** How often each of the regular works is done. */
export const chores = { leasesMs: 2_000, poolsMs: 15_000, tidyMs: 60_000, purgeMs: 10_000, fanOutMs: 500, watchMs: 250 } as const;
/**
 * How often to look for what nobody told us of. Where others share the database it is what stands behind their hints; alone, everything is told,
 * and this is for what a defect would leave lying.
 */
export const discoverMs = { alone: 30_000, shared: 1_000 } as const;
/** How long a stop waits for what is to be written down after the last answer. */
const lastTurnMs = 2_000;

export interface DeliveryOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly guard: Guard;
  /** The wall clock: what is shown and signed. */
  readonly clock: Clock;
  /** A clock that never jumps, for what falls due; left out: the same. */
  readonly steady?: Clock;
  readonly ids: Identifiers;
  readonly log: Logger;
  /** The hour of `hourly`. */
  readonly retryIntervalMs: number;
  /** How long a delivery is retried. */
  readonly retryForMs: number;
  /** How long what is settled is kept. */
  readonly keptMs: number;
  readonly userAgent: string;
  readonly registry?: Registry | undefined;
  readonly bounds?: Partial<Bounds>;
  readonly sizes?: Partial<LaneSizes>;
  readonly leaseMs?: number;
  /** Proxy and authorities of the settings; and, for tests, other deadlines. */
  readonly sending?: Omit<SenderOptions, 'guard' | 'connectionsMax'>;
  /** Added to every request. */
  readonly addedHeaders?: Readonly<Record<string, string>>;
}

export interface Delivery {
  /** What `recordEvent` runs inside its unit. */
  readonly fanOut: FanOut;
  /** Records one event that is a unit of its own; answers its id once its deliveries are on disk. Many callers share a commit. */
  record(event: NewEvent): Promise<string>;
  /** These webhooks may have something to send now; left out: whatever was just recorded. Costs nothing, may be called at any time. */
  nudge(webhooks?: readonly string[]): void;
  /** A person asked: this webhook is tried at once, although it rests. */
  wake(webhook: string): void;
  /** Takes back what a dead process of ours held, then works until stopped. `more`: regular works that belong to it. */
  start(more?: readonly Chore[]): Promise<void>;
  /** Claims nothing more, lets what is under way end within `graceMs`, gives back the rest, closes all connections. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Claim, send, decide, settle. Nothing is sent inside a transaction, and no transaction is open while something is sent. Stations say what goes next,
 * turns bring it from the database and outcomes back, attempts send.
 */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { database, guard, ids, clock, log, retryForMs } = options;
  const steady = options.steady ?? clock;
  const leaseMs = options.leaseMs ?? leaseMsDefault;
  const bounds: Bounds = { ...boundsDefault, restMsMax: Math.min(boundsDefault.restMsMax, options.retryIntervalMs), ...options.bounds };
  const sizes = { ...laneSizesDefault, ...options.sizes };
  const targets = { ...options, addedHeaders: options.addedHeaders ?? {} };
  const connectionsInAllMax = 2 * (sizes.healthy + sizes.trial + sizes.slow + sizes.asked);
  const sender = createSender({ connectionsInAllMax, ...options.sending, guard, connectionsMax: bounds.inFlightMax });
  const fanOut = createFanOut({ database, ids, clock: steady, retryForMs });
  const failed = (error: unknown, what: string): void => log.error({ err: error }, `${what} failed`);
  const stations = new Stations({
    bounds,
    sizes,
    clock: steady,
    begin: (job, slot) => attempts.begin(job, slot),
    giveBack: (job) => turns.giveBack(job),
    wanted: () => turns.wanted(),
  });
  const reopen = async (webhooks: readonly string[]): Promise<void> => {
    for (let from = 0; from < webhooks.length; from += targetsOfReadMax) {
      const piece = webhooks.slice(from, from + targetsOfReadMax);
      for (const target of await readTargets(database.read, piece, targets)) stations.put(target);
    }
  };
  const turns = createTurns({
    database,
    ids,
    clock: steady,
    leaseMs,
    failed,
    stations: () => stations,
    reopen: (webhook) => reopen([webhook]),
  });
  const metrics = createDeliveryMetrics({ registry: options.registry, database, stations, sender });
  const attempts = createAttempts({ ...options, steady, stations, turns, sender, metrics, bounds });

  /** Applies `mark` to each webhook, reading first those that are not known yet, and looks what is to be done. */
  const withStations = async (webhooks: readonly string[], mark: (station: Station) => void): Promise<void> => {
    const unknown = webhooks.filter((webhook) => stations.get(webhook) === undefined);
    if (unknown.length > 0) await reopen([...new Set(unknown)]);
    for (const webhook of webhooks) {
      const station = stations.get(webhook);
      if (station === undefined) continue;
      mark(station);
      stations.look(station);
    }
  };
  const tell = (webhooks: readonly string[], mark: (station: Station) => void): void => {
    withStations(webhooks, mark).catch((error: unknown) => failed(error, 'looking for work'));
  };
  const markAll = (station: Station): void => {
    for (const lane of [lanes.asked, lanes.first, lanes.replay]) stations.mark(station, lane);
  };
  const sweep = async (): Promise<void> => {
    const made = await fanOut.sweep();
    if (made.length > 0) await withStations(made, (station) => stations.mark(station, lanes.first));
  };
  const record = createRecorder({
    ...options,
    steady,
    leaseMs,
    stations,
    reopen: (webhook) => reopen([webhook]),
    begin: (job, slot) => attempts.begin(job, slot),
    made(webhooks, complete) {
      tell(webhooks, (station) => stations.mark(station, lanes.first));
      if (!complete) sweep().catch((error: unknown) => failed(error, 'fan-out'));
    },
  });
  const discoverAll = async (): Promise<void> => {
    for await (const piece of discover(database.read)) {
      const found = new Map(piece.map((waiting) => [waiting.webhook, waiting]));
      await withStations([...found.keys()], (station) => {
        const waiting = found.get(station.webhook);
        if (waiting === undefined) return;
        for (const lane of ['asked', 'first', 'replay'] as const) {
          if (waiting[lane] > 0 && station.waits[lanes[lane]] <= 0) stations.mark(station, lanes[lane]);
        }
        if (waiting.retryAt !== null) stations.markRetry(station, waiting.retryAt);
      });
    }
  };
  const purge = createPurge({ database, clock, keptMs: options.keptMs });
  const regular: readonly Chore[] = [
    { name: 'fan-out', everyMs: chores.fanOutMs, run: sweep },
    {
      name: 'leases',
      everyMs: Math.min(chores.leasesMs, leaseMs),
      run: async () => {
        const count = await takeBackExpired({ database, clock: steady });
        if (count === 0) return;
        metrics.leasesExpired(count);
        log.warn({ count }, 'delivery.leases_expired');
        await discoverAll();
      },
    },
    { name: 'discover', everyMs: database.facts.manyNodes ? discoverMs.shared : discoverMs.alone, run: discoverAll },
    { name: 'pools', everyMs: chores.poolsMs, run: () => sender.sweep() },
    { name: 'orphans', everyMs: chores.tidyMs, run: () => cancelOrphans({ database, clock }) },
    { name: 'old secrets', everyMs: chores.tidyMs, run: () => forgetOldSecrets({ database, clock }) },
    { name: 'late', everyMs: chores.tidyMs, run: () => exhaustLate({ database, clock, steady, retryForMs }) },
    { name: 'purge', everyMs: chores.purgeMs, run: () => purge.round() },
  ];
  const ticker = createTicker(stations);
  let upkeep: ReturnType<typeof createChores> | null = null;
  let stopped: Promise<void> | null = null;
  const stop = async (graceMs: number): Promise<void> => {
    stations.close();
    ticker.stop();
    await Promise.all([attempts.stop(graceMs), upkeep?.stop(graceMs)]);
    stations.empty();
    const enough = new Promise<void>((resolve) => setTimeout(resolve, lastTurnMs).unref());
    await Promise.race([turns.idle(), enough]);
    await sender.close();
  };
  return {
    fanOut,
    record,
    nudge(webhooks) {
      if (webhooks !== undefined) tell(webhooks, markAll);
      else tell(fanOut.touched(), (station) => stations.mark(station, lanes.first));
    },
    wake: (webhook) =>
      tell([webhook], (station) => {
        markAll(station);
        stations.wake(station);
      }),
    async start(more = []) {
      const count = await takeBackAtStart({ database, clock: steady });
      if (count > 0) log.info({ count }, 'delivery.leases_taken_back');
      upkeep = createChores([...regular, ...more], { clock, log });
      await discoverAll();
      stations.open();
      ticker.start();
      upkeep.start();
    },
    stop: (graceMs = options.sending?.deadlineMs ?? deadlineMsDefault) => (stopped ??= stop(graceMs)),
  };
}

/** Looks at stations when their time comes, and at attempts that take too long. */
function createTicker(stations: Stations): { start(): void; stop(): void } {
  let timer: NodeJS.Timeout | null = null;
  return {
    start() {
      timer = setInterval(() => {
        stations.watch();
        stations.tick();
      }, tickMs);
      timer.unref();
    },
    stop() {
      if (timer !== null) clearInterval(timer);
    },
  };
}

/** Retries, rests and rates are kept to this. */
const tickMs = 10;
