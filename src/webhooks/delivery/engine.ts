import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../../clock.ts';
import type { FirstRow, NewEvent, RecordAlone } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Worker } from '../../worker.ts';
import type { Attempts } from './attempts.ts';
import { createAttempts } from './attempts.ts';
import type { Chore } from './chores.ts';
import { createChores } from './chores.ts';
import type { FanOut } from './fan-out.ts';
import { createFanOut } from './fan-out.ts';
import type { Finder } from './finder.ts';
import { createFinder } from './finder.ts';
import type { Guard } from './guard.ts';
import type { Hints } from './hints.ts';
import { createHints } from './hints.ts';
import type { LaneSizes } from './lanes.ts';
import { laneSizesDefault } from './lanes.ts';
import type { DeliveryMetrics } from './metrics.ts';
import { createDeliveryMetrics } from './metrics.ts';
import { createPurge } from './purge.ts';
import { Recorder } from './recorder.ts';
import type { Sender, SenderOptions } from './send.ts';
import { connectionsInAllMax, createSender, deadlineMs as deadlineMsDefault } from './send.ts';
import type { Bounds } from './health.ts';
import { boundsDefault } from './health.ts';
import type { Station } from './station.ts';
import { Stations } from './stations.ts';
import { leaseMsDefault, Turns } from './turns.ts';
import { lanes } from './unit-rows.ts';
import { cancelOrphans, exhaustLate, forgetOldSecrets, takeBackAtStart, takeBackExpired } from './upkeep.ts';

/** How often each of the regular works is done. */
export const chores = { leasesMs: 2_000, poolsMs: 15_000, tidyMs: 60_000, purgeMs: 10_000, fanOutMs: 500 } as const;
/**
 * How often to look for what nobody told us of. Where others share the database it is what stands behind their hints; alone, everything is told,
 * and this is for what a defect would leave lying.
 */
export const discoverMs = { alone: 30_000, shared: 1_000 } as const;
/** What an attempt needs of its lease beside the deadline: to write the outcome down. */
const settleMs = 2_000;
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
  /** By dialect, where one gives itself another name. */
  readonly userAgents?: Readonly<Record<string, string>>;
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
  /** Records one event that is a unit of its own. Many callers share a commit. */
  readonly record: RecordAlone;
  /** These webhooks may have something to send now; left out: whatever was just recorded. Costs nothing, may be called at any time. */
  nudge(webhooks?: readonly string[]): void;
  /** A person asked for something of this webhook, or changed or deleted it: it is read again, and tried at once although it rests. */
  wake(webhook: string): void;
  /** Takes back what a dead process of ours held, then works until stopped. `more`: regular works that belong to it. */
  start(more?: readonly Chore[]): Promise<void>;
  /** Claims nothing more, lets what is under way end within `graceMs`, gives back the rest, closes all connections. */
  stop(graceMs?: number): Promise<void>;
}

interface Parts {
  readonly options: DeliveryOptions;
  readonly steady: Clock;
  readonly leaseMs: number;
  readonly stations: Stations;
  readonly turns: Turns;
  readonly attempts: Attempts;
  readonly finder: Finder;
  readonly sender: Sender;
  readonly fanOut: FanOut;
  readonly metrics: DeliveryMetrics;
  readonly failed: (error: unknown, what: string) => void;
}

/** Stations say what goes next, turns bring it from the database and take outcomes back, attempts send. */
function createParts(options: DeliveryOptions): Parts {
  const { database, guard, ids, clock, log, retryForMs, leaseMs = leaseMsDefault, steady = clock } = options;
  const bounds: Bounds = { ...boundsDefault, restMsMax: Math.min(boundsDefault.restMsMax, options.retryIntervalMs), ...options.bounds };
  const sizes = { ...laneSizesDefault, ...options.sizes };
  // Those that hang are counted among the slow beyond their number, so there may be more connections than places.
  const places = sizes.healthy + sizes.trial + sizes.slow + sizes.asked;
  const sender = createSender({
    connectionsInAllMax: Math.max(connectionsInAllMax, 2 * places),
    ...options.sending,
    guard,
    connectionsMax: bounds.inFlightMax,
  });
  const failed = (error: unknown, what: string): void => log.error({ err: error }, `${what} failed`);
  const stations: Stations = new Stations({
    bounds,
    sizes,
    leaseLeftMs: Math.min((options.sending?.deadlineMs ?? deadlineMsDefault) + settleMs, leaseMs / 2),
    clock: steady,
    begin: (job, slot) => attempts.begin(job, slot),
    giveBack: (job) => turns.giveBack(job),
    wanted: () => turns.plan(),
  });
  const finder = createFinder({ database, stations, clock: steady, targets: { ...options, addedHeaders: options.addedHeaders ?? {} } });
  const reopen = async (webhook: string): Promise<void> => void (await finder.open([webhook]));
  const turns = new Turns({ database, ids, clock: steady, leaseMs, failed, stations: () => stations, reopen });
  const metrics = createDeliveryMetrics({ registry: options.registry, database, stations, sender });
  const attempts = createAttempts({ ...options, steady, stations, turns, sender, metrics, bounds });
  const fanOut = createFanOut({ database, ids, clock: steady, retryForMs, accepted: metrics.accepted });
  return { options, steady, leaseMs, stations, turns, attempts, finder, sender, fanOut, metrics, failed };
}

/** Makes the deliveries of events that many want, and looks at once where they go. */
async function sweep({ fanOut, finder, stations }: Parts): Promise<void> {
  const made = await fanOut.sweep();
  if (made.length > 0) await finder.mark(made, (station) => stations.mark(station, lanes.first));
}

/** Claim, send, decide, settle. Nothing is sent inside a transaction, and no transaction is open while something is sent. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const parts = createParts(options);
  const { stations, finder, fanOut, steady, leaseMs, failed } = parts;
  const tell = (webhooks: readonly string[], mark: (station: Station) => void): void => {
    finder.mark(webhooks, mark).catch((error: unknown) => failed(error, 'looking for work'));
  };
  const markFirst = (station: Station): void => stations.mark(station, lanes.first);
  const markAll = (station: Station): void => {
    for (const lane of [lanes.asked, lanes.first, lanes.replay]) stations.mark(station, lane);
  };
  const recorder = new Recorder({
    ...options,
    steady,
    leaseMs,
    stations,
    reopen: async (webhook) => void (await finder.open([webhook])),
    accepted: parts.metrics.accepted,
    made(webhooks, complete) {
      tell(webhooks, markFirst);
      hints.tell(webhooks);
      if (!complete) sweep(parts).catch((error: unknown) => failed(error, 'fan-out'));
    },
  });
  /** Its row may be another now: it is read again, and tried although it rests. */
  const renew = (webhook: string): void => {
    finder
      .refresh(webhook)
      .then(() =>
        finder.mark([webhook], (station) => {
          markAll(station);
          // While it was off it had no station: nobody remembers when its retries are due. The claim tells.
          stations.markRetry(station, 0);
          stations.wake(station);
        }),
      )
      .catch((error: unknown) => failed(error, 'looking for work'));
  };
  const hints = createHints({
    database: options.database,
    failed,
    hear: (webhooks) =>
      webhooks === null ? void discoverAll(parts).catch((error: unknown) => failed(error, 'looking for work')) : tell(webhooks, markAll),
  });
  const running = createRunning(parts, hints);
  function record(event: NewEvent): Promise<string>;
  function record(event: NewEvent, first: FirstRow): Promise<string | null>;
  function record(event: NewEvent, first?: FirstRow): Promise<string | null> {
    return recorder.record(event, first ?? null);
  }
  return {
    fanOut,
    record,
    nudge(webhooks) {
      const touched = webhooks ?? fanOut.touched();
      tell(touched, webhooks === undefined ? markFirst : markAll);
      hints.tell(touched);
    },
    wake(webhook) {
      renew(webhook);
      hints.tell([webhook]);
    },
    start: (more) => running.start(more ?? []),
    stop: (graceMs) => running.stop(graceMs ?? options.sending?.deadlineMs ?? deadlineMsDefault),
  };
}

/** From the first look at what was left lying to the last outcome written down. */
function createRunning(parts: Parts, hints: Hints): { start(more: readonly Chore[]): Promise<void>; stop(graceMs: number): Promise<void> } {
  const { options, stations, attempts, turns, steady, sender } = parts;
  const ticker = createTicker(stations);
  let upkeep: Worker | null = null;
  let stopped: Promise<void> | null = null;
  const stop = async (graceMs: number): Promise<void> => {
    stations.close();
    ticker.stop();
    await Promise.all([attempts.stop(graceMs), upkeep?.stop(graceMs)]);
    stations.empty();
    await Promise.race([turns.idle(), sleep(lastTurnMs, undefined, { ref: false })]);
    await hints.stop();
    await sender.close();
  };
  return {
    async start(more) {
      const count = await takeBackAtStart({ database: options.database, clock: steady });
      if (count > 0) options.log.info({ count }, 'delivery.leases_taken_back');
      upkeep = createChores([...regularChores(parts), ...more], options);
      await discoverAll(parts);
      stations.open();
      ticker.start();
      upkeep.start();
    },
    stop: (graceMs) => (stopped ??= stop(graceMs)),
  };
}

async function discoverAll({ finder, metrics }: Parts): Promise<void> {
  metrics.lag(await finder.discover());
}

function regularChores(parts: Parts): readonly Chore[] {
  const { options, steady, sender, leaseMs } = parts;
  const { database, clock, keptMs, retryForMs } = options;
  const purge = createPurge({ database, clock, keptMs });
  return [
    { name: 'fan-out', everyMs: chores.fanOutMs, run: () => sweep(parts) },
    { name: 'leases', everyMs: Math.min(chores.leasesMs, leaseMs), run: () => takeBackLeases(parts) },
    { name: 'discover', everyMs: database.facts.manyNodes ? discoverMs.shared : discoverMs.alone, run: () => discoverAll(parts) },
    { name: 'pools', everyMs: chores.poolsMs, run: () => sender.sweep() },
    { name: 'orphans', everyMs: chores.tidyMs, run: () => cancelOrphans({ database, clock: steady }) },
    { name: 'old secrets', everyMs: chores.tidyMs, run: () => forgetOldSecrets({ database, clock }) },
    { name: 'late', everyMs: chores.tidyMs, run: () => exhaustLate({ database, clock, steady, retryForMs }) },
    { name: 'purge', everyMs: chores.purgeMs, run: () => purge.round() },
  ];
}

async function takeBackLeases(parts: Parts): Promise<void> {
  const { options, steady, metrics } = parts;
  const count = await takeBackExpired({ database: options.database, clock: steady });
  if (count === 0) return;
  metrics.leasesExpired(count);
  options.log.warn({ count }, 'delivery.leases_expired');
  await discoverAll(parts);
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
