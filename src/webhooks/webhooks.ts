import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { OnRecorded } from '../events/record.ts';
import type { HttpServer } from '../http/http-server.ts';
import type { Identifiers } from '../identifiers.ts';
import type { DeletionStep } from '../organizations/deletion.ts';
import type { Sealer } from '../secret-key.ts';
import type { Database } from '../storage/database/database.ts';
import { webhookDeletionSteps } from './deletion.ts';
import { createFanOut } from './delivery/fan-out.ts';
import { createGuard, parseAllowlist } from './delivery/guard.ts';
import { deliveryRoutes } from './delivery/routes.ts';
import { createDeliveryWorker } from './delivery/worker.ts';
import { webhookRoutes } from './subscriptions/routes.ts';

export interface WebhooksOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: Logger;
  readonly registry?: Registry | undefined;
  /** `GATEPOST_WEBHOOKS_ALLOW`. */
  readonly allow: readonly string[];
  /** `GATEPOST_RETRY_INTERVAL`, `GATEPOST_RETRY_FOR`, `GATEPOST_DELIVERIES_KEPT`. */
  readonly retryIntervalMs: number;
  readonly retryForMs: number;
  readonly deliveriesKeptMs: number;
  /** Gatepost's own, for `User-Agent`. */
  readonly version: string;
}

export interface Webhooks {
  /** For `recordEvent`: makes an event's deliveries in the unit that records it. */
  readonly onRecorded: OnRecorded;
  /** To be called after a commit that recorded an event. */
  nudge(): void;
  /** Adds `/v1/webhooks` and `/v1/deliveries`. */
  routes(server: HttpServer): void;
  /** What goes when a project or an organization is deleted. */
  readonly deletionSteps: readonly DeletionStep[];
  /** Begins to deliver. */
  start(): Promise<void>;
  /** Lets what is under way end, at most for `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/** All of webhooks, put together for app.ts. Fails with `invalid_webhooks_allow` where the allowlist cannot be read. */
export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { database, clock, ids, retryForMs } = options;
  const guard = createGuard({ allow: parseAllowlist(options.allow), clock });
  const fanOut = createFanOut({ ids, clock, retryForMs });
  const worker = createDeliveryWorker({
    ...options,
    guard,
    fanOut,
    policy: { intervalMs: options.retryIntervalMs },
    keptMs: options.deliveriesKeptMs,
    userAgent: `Gatepost/${options.version}`,
  });
  const nudge = () => worker.nudge();
  return {
    onRecorded: fanOut.onRecorded,
    nudge,
    routes(server) {
      webhookRoutes(server, { ...options, guard, nudge });
      deliveryRoutes(server, { database, clock, retryForMs, nudge });
    },
    deletionSteps: webhookDeletionSteps,
    start: () => worker.start(),
    stop: (graceMs) => worker.stop(graceMs),
  };
}
