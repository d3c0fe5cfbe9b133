import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import type { Clock } from '../../src/clock.ts';
import type { EventKind, ReportFacts } from '../../src/events/event.ts';
import { eventKinds } from '../../src/events/event.ts';
import { recordEvent } from '../../src/events/record.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { createSealer } from '../../src/secret-key.ts';
import type { Database } from '../../src/storage/database/database.ts';
import type { FanOut } from '../../src/webhooks/delivery/fan-out.ts';
import { createGuard, parseAllowlist } from '../../src/webhooks/delivery/guard.ts';
import type { Bounds } from '../../src/webhooks/delivery/health.ts';
import type { Delivery } from '../../src/webhooks/delivery/engine.ts';
import { createDelivery } from '../../src/webhooks/delivery/engine.ts';
import { insertWebhook } from '../../src/webhooks/subscriptions/store.ts';
import { putRepository } from './repository-row.ts';

interface Context {
  after(step: () => Promise<void> | void): void;
}

/** node:test runs what comes after a test in the order it was given; a worker must stop before its database closes. */
export function lastFirst(context: Context): Context {
  const steps: (() => Promise<void> | void)[] = [];
  context.after(async () => {
    for (const step of steps.toReversed()) await step();
  });
  return { after: (step) => void steps.push(step) };
}

export interface Arrived {
  readonly headers: IncomingMessage['headers'];
  readonly url: string;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly arrived: Arrived[];
  /** Waits until so many have arrived. */
  count(n: number): Promise<void>;
}

/** A receiver that keeps what arrives; `answer` says what it does, 204 by default. */
export async function startReceiver(
  t: Context,
  answer: (response: ServerResponse, arrived: Arrived, nth: number) => void = (response) => response.writeHead(204).end(),
): Promise<Receiver> {
  const arrived: Arrived[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const one = { headers: request.headers, url: request.url ?? '', body: Buffer.concat(pieces).toString('utf8') };
      arrived.push(one);
      answer(response, one, arrived.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    arrived,
    count: (n) => until(() => arrived.length >= n),
  };
}

/** Asks until it is true. Fails after ten seconds. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error('It did not come true in time.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface EngineOptions {
  readonly database: Database;
  readonly allow?: readonly string[];
  readonly intervalMs?: number;
  readonly retryForMs?: number;
  readonly clock?: Clock;
  readonly deadlineMs?: number;
  readonly bounds?: Partial<Bounds>;
}

export interface Engine {
  readonly database: Database;
  readonly organization: string;
  readonly fanOut: FanOut;
  readonly worker: Delivery;
  readonly lines: Record<string, unknown>[];
  readonly log: string[];
  addWebhook(
    url: string,
    options?: {
      secret?: string;
      events?: readonly EventKind[];
      project?: string;
      repository?: string;
      refFilter?: string;
      sensitiveQuery?: string;
      dialect?: string;
    },
  ): Promise<string>;
  /** Records an event with its deliveries and nudges. */
  happen(options?: { kind?: EventKind; project?: string | null; reports?: ReportFacts['reports'] }): Promise<string>;
}

export const sealer = createSealer(Buffer.alloc(32, 7));
export const ids = createIdentifiers();

/** An organization with all that delivers, not yet started. */
export async function createEngine(t: Context, options: EngineOptions): Promise<Engine> {
  const { database, clock = systemClock, retryForMs = 3_600_000 } = options;
  const log: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { level: 'info' },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        log.push(chunk.toString());
        lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
        done();
      },
    }),
  );
  const { organization } = await database.write((tx) => createOrganization({ tx, name: 'Example', actor: 'cli', ids, clock }));
  const worker = createDelivery({
    database,
    sealer,
    guard: createGuard({ allow: parseAllowlist(options.allow ?? ['127.0.0.0/8']), clock }),
    clock,
    ids,
    log: logger,
    retryIntervalMs: options.intervalMs ?? 200,
    retryForMs,
    keptMs: 30 * 86_400_000,
    userAgent: 'Gatepost/test',
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
    ...(options.deadlineMs === undefined ? {} : { sending: { deadlineMs: options.deadlineMs } }),
  });
  const { fanOut } = worker;
  t.after(() => worker.stop(0));
  return {
    database,
    organization: organization.id,
    fanOut,
    worker,
    lines,
    log,
    async addWebhook(url, { secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', events = eventKinds, project, repository, ...more } = {}) {
      const webhook = await database.write(async (tx) => {
        if (repository !== undefined) await putRepository({ tx, organization: organization.id, id: repository });
        return insertWebhook({
          tx,
          organization: organization.id,
          project: project === undefined ? null : { id: project, key: project },
          repository: repository === undefined ? null : { id: repository, name: repository },
          name: 'a webhook',
          url: new URL(url),
          events,
          dialect: 'report',
          secret,
          ...more,
          actor: 'cli',
          sealer,
          ids,
          clock,
        });
      });
      return webhook.id;
    },
    async happen({ kind = 'report.ingested', project = null, reports = [] } = {}) {
      const facts = { organizationId: organization.id, reports };
      const event = await database.write((tx) =>
        recordEvent({ tx, organization: organization.id, kind, project, facts, ids, clock, onRecorded: fanOut.onRecorded }),
      );
      worker.nudge();
      return event;
    },
  };
}
