import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import type { Configuration } from '../configuration.ts';
import type { Identifiers } from '../identifiers.ts';
import { createMailing } from '../mail/mailing.ts';
import type { Sealer } from '../secret-key.ts';
import type { Database } from '../storage/database/database.ts';
import { readSetting } from '../storage/database/settings.ts';
import { checkedHeaders } from './delivery/added-headers.ts';
import { announce } from './delivery/announce.ts';
import { readAuthorities } from './delivery/authorities.ts';
import type { Chore } from './delivery/chores.ts';
import type { Delivery, DeliveryOptions } from './delivery/engine.ts';
import { createDelivery } from './delivery/engine.ts';
import type { Guard } from './delivery/guard.ts';
import { createGuard, parseAllowlist } from './delivery/guard.ts';
import { parseProxyUrl } from './delivery/proxy.ts';
import { createReplays } from './delivery/replay-round.ts';
import { createSteadyClock } from './delivery/steady-clock.ts';
import { sonarqubeDialect } from './dialects/sonarqube.ts';

/** How often the time is written down that the steady clock shows: a clock that was set back while no server ran is noticed by it. */
export const clockKeptMs = 60_000;
export const clockSetting = 'delivery_clock';
const replaysMs = 1_000;
/** How often to look whether somebody must be told of a webhook. */
export const announceMs = 10_000;

export interface WebhooksOptions {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: Logger;
  readonly metrics: Registry;
  readonly userAgent: string;
  /** For tests, which cannot wait so long. */
  readonly leaseMs?: number | undefined;
}

/** All of the webhooks' side that runs by itself. */
export interface Webhooks {
  readonly guard: Guard;
  readonly delivery: Delivery;
  /** A replay was begun. */
  replayBegun(): void;
  start(): Promise<void>;
  stop(graceMs: number): Promise<void>;
}

export async function createWebhooks(options: WebhooksOptions): Promise<Webhooks> {
  const { configuration, database, clock, ids, log } = options;
  const guard = createGuard({ allow: parseAllowlist(configuration.webhooksAllow), clock });
  const steady = await steadyClock(options);
  const delivery = createDelivery({ ...options, guard, steady, registry: options.metrics, ...settingsOf(options) });
  const replays = createReplays({ database, ids, clock, retryForMs: configuration.retryForMs, nudge: delivery.nudge });
  const state = { isStopping: false };
  const runReplays = async (): Promise<void> => {
    const end = performance.now() + replaysMs / 2;
    while (!state.isStopping && performance.now() < end && (await replays.round()));
  };
  const mailing = createMailing({ database, clock, log, url: configuration.smtpUrl, from: configuration.mailFrom });
  const { offAfterMs } = configuration;
  // A warning that came after the end would be none.
  const warnAfterMs = Math.min(configuration.warnAfterMs, offAfterMs);
  const tellOf = { ...options, steady, warnAfterMs, offAfterMs, onRecorded: delivery.fanOut.onRecorded, sendsMail: mailing.sends };
  const more: readonly Chore[] = [
    { name: 'clock', everyMs: clockKeptMs, run: () => keepTime(database, steady.now()) },
    { name: 'replays', everyMs: replaysMs, run: runReplays },
    {
      name: 'announcements',
      everyMs: Math.min(announceMs, warnAfterMs, offAfterMs),
      run: async () => {
        if ((await announce(tellOf)) > 0) delivery.nudge();
      },
    },
  ];
  return {
    guard,
    delivery,
    replayBegun: () => void runReplays().catch((error: unknown) => log.error({ err: error }, 'a replay failed')),
    async start() {
      await delivery.start(more);
      mailing.start();
    },
    async stop(graceMs) {
      state.isStopping = true;
      await Promise.all([delivery.stop(graceMs), mailing.stop(graceMs)]);
    },
  };
}

function settingsOf({
  configuration,
  leaseMs,
}: WebhooksOptions): Partial<DeliveryOptions> & Pick<DeliveryOptions, 'retryIntervalMs' | 'retryForMs' | 'keptMs'> {
  const { retryIntervalMs, retryForMs, deliveriesKeptMs, inFlightMin, inFlightMax, slowMs, inFlightOfAll, slowLane } = configuration;
  return {
    retryIntervalMs,
    retryForMs,
    keptMs: deliveriesKeptMs,
    bounds: { inFlightMin: Math.min(inFlightMin, inFlightMax), inFlightMax, slowMs },
    sizes: { healthy: inFlightOfAll, again: Math.ceil(inFlightOfAll / 2), slow: slowLane },
    sending: {
      proxy: configuration.proxy === null ? null : parseProxyUrl(configuration.proxy),
      ca: configuration.caFile === null ? null : readAuthorities(configuration.caFile),
    },
    addedHeaders: checkedHeaders(configuration.webhookHeaders),
    userAgents: { [sonarqubeDialect.name]: `SonarQube/${configuration.sonarqubeVersion}` },
    ...(leaseMs === undefined ? {} : { leaseMs }),
  };
}

/** By the database's clock where several nodes share one, else by this machine's. */
async function steadyClock({ database, clock }: WebhooksOptions): Promise<Clock> {
  const elapsed = (): number => performance.now();
  // A clock that was handed in is a test's, and stands for all.
  if (clock !== systemClock) return clock;
  const shared = await database.clock();
  const kept = shared === null ? await readSetting(database.read, clockSetting) : null;
  return createSteadyClock({ clock: shared ?? clock, elapsed, ...(kept === null ? {} : { notBefore: Number(kept) }) });
}

async function keepTime(database: Database, now: number): Promise<void> {
  if (database.facts.manyNodes) return;
  await database.write((tx) =>
    tx
      .insertInto('settings')
      .values({ name: clockSetting, value: String(now) })
      .onConflict((on) => on.column('name').doUpdateSet({ value: String(now) }))
      .execute(),
  );
}
