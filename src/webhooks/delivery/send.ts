import type { Dispatcher } from 'undici';
import { Pool } from 'undici';
import type { FailureCode } from './failure.ts';
import { failureOf } from './failure.ts';
import type { Guard } from './guard.ts';
import { AddressRefused } from './guard.ts';

/** From the first step to the status. A status within it decides, whatever comes of the body. */
export const deadlineMs = 10_000;
/** How much of an answer's body is kept. */
export const answerBytesMax = 16 * 1024;
/** How large the headers of an answer may be in all; more is an answer we refuse. */
export const answerHeaderBytesMax = 16 * 1024;
/** A pool that nothing was sent through for so long is closed with its connections. */
export const poolIdleMs = 60_000;
/** A connection is kept for the next request no longer than this, whatever the receiver offers. */
const keepAliveMsMax = 60_000;
const keepAliveMs = 4_000;

/** How a webhook's receiver is reached. Another one, or another origin, opens new connections. */
export interface Transport {
  /** The webhook's own proxy, which is guarded like a receiver; null: that of the settings, or none. */
  readonly proxy: URL | null;
  /** Certificates (PEM) that are believed beside those of the settings and of the system. */
  readonly ca: string | null;
  /** How many redirects are followed. */
  readonly redirects: 0 | 1;
  /** The webhook's; it grows whenever the webhook is changed. */
  readonly revision: number;
}

/** As most webhooks have it. */
export const plainTransport: Transport = { proxy: null, ca: null, redirects: 0, revision: 0 };

export interface Outgoing {
  /** Whose connections: a webhook that hangs holds none of another's. */
  readonly webhook: string;
  readonly url: URL;
  readonly transport: Transport;
  /** Name, value, name, value: no name twice, all in lower case, and neither `host` nor `content-length`, which follow from the rest. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What came of it. Either a status, with what was kept of the answer, or a failure; a redirect is both. */
export interface Answer {
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  /** The first `answerBytesMax` of the body; null where no status came. */
  readonly body: Buffer | null;
  readonly failure: FailureCode | null;
  readonly reason: string | null;
  readonly durationMs: number;
}

export interface Sender {
  /** Sends once and answers what came of it; it never throws for a receiver's doing, and answers within the deadline. */
  send(outgoing: Outgoing): Promise<Answer>;
  /** Closes what is idle. Called now and then. */
  sweep(): Promise<void>;
  /** Breaks off everything. */
  close(): Promise<void>;
}

export interface SenderOptions {
  readonly guard: Guard;
  /** Connections of one webhook; no fewer than may be under way to it. */
  readonly connectionsMax: number;
  readonly deadlineMs?: number;
  readonly poolIdleMs?: number;
}

interface HeldPool {
  readonly origin: string;
  readonly pool: Pool;
  underWay: number;
  lastUsed: number;
  /** How often a connection was made: what tells a kept one from a new one. */
  connected: number;
}

export function createSender(options: SenderOptions): Sender {
  const pools = new Map<string, HeldPool>();
  const deadline = options.deadlineMs ?? deadlineMs;
  const idle = options.poolIdleMs ?? poolIdleMs;

  const poolOf = (webhook: string, origin: string): HeldPool => {
    const held = pools.get(webhook);
    if (held?.origin === origin) return held;
    // The webhook's URL was changed: what is under way through the old pool ends first.
    if (held !== undefined) void held.pool.close();
    const made: HeldPool = { origin, pool: openPool(origin, { ...options, deadlineMs: deadline }), underWay: 0, lastUsed: 0, connected: 0 };
    made.pool.on('connect', () => {
      made.connected += 1;
    });
    pools.set(webhook, made);
    return made;
  };
  return {
    async send(outgoing) {
      const started = performance.now();
      const refusal = options.guard.refuses(outgoing.url);
      if (refusal !== null) return failed(new AddressRefused(refusal), started);
      const held = poolOf(outgoing.webhook, outgoing.url.origin);
      held.underWay += 1;
      try {
        return await exchangeOnce(held, outgoing, { started, deadlineMs: deadline, connectionsMax: options.connectionsMax });
      } finally {
        held.underWay -= 1;
        held.lastUsed = performance.now();
      }
    },
    async sweep() {
      const old = [...pools].filter(([, held]) => held.underWay === 0 && performance.now() - held.lastUsed >= idle);
      for (const [webhook] of old) pools.delete(webhook);
      await Promise.all(old.map(([, held]) => held.pool.close()));
    },
    async close() {
      const all = [...pools.values()];
      pools.clear();
      await Promise.all(all.map((held) => held.pool.destroy()));
    },
  };
}

function openPool(origin: string, options: SenderOptions & { readonly deadlineMs: number }): Pool {
  return new Pool(origin, {
    connections: options.connectionsMax,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: answerHeaderBytesMax,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMsMax,
    // Our own deadline is the one that counts; these end what it has already given up.
    headersTimeout: options.deadlineMs * 2,
    bodyTimeout: options.deadlineMs * 2,
    connect: { lookup: options.guard.lookup, timeout: options.deadlineMs },
  });
}

interface Timing {
  readonly started: number;
  readonly deadlineMs: number;
  readonly connectionsMax: number;
}

/**
 * A kept connection may be closed by the receiver at the very moment we use it. Then nothing was answered and nobody can tell whether it was
 * read, so it is sent again, under the same id and within the same deadline: over the next connection, which may be as old, until one is new.
 */
async function exchangeOnce(held: HeldPool, outgoing: Outgoing, timing: Timing): Promise<Answer> {
  for (let kept = timing.connectionsMax; ; kept -= 1) {
    const connectedBefore = held.connected;
    const answer = await exchange(held.pool, outgoing, timing);
    const stale = answer.failure === 'connection_closed' && held.connected === connectedBefore;
    if (!stale || kept === 0) return answer;
  }
}

async function exchange(pool: Pool, outgoing: Outgoing, { started, deadlineMs: within }: Timing): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const receiver = new AnswerReceiver(started, resolve);
  const left = Math.max(0, within - (performance.now() - started));
  const timer = setTimeout(() => receiver.give(Object.assign(new Error('The deadline has passed.'), { code: 'ETIMEDOUT' })), left);
  try {
    pool.dispatch(
      {
        method: 'POST',
        path: `${outgoing.url.pathname}${outgoing.url.search}`,
        headers: [...outgoing.headers],
        body: outgoing.body,
      },
      receiver,
    );
    return await promise;
  } catch (error) {
    return failed(error, started);
  } finally {
    clearTimeout(timer);
  }
}

/** Takes an answer in, piece by piece, and never more of it than is kept. */
class AnswerReceiver implements Dispatcher.DispatchHandler {
  readonly #started: number;
  readonly #resolve: (answer: Answer) => void;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #status: number | null = null;
  #headers: Readonly<Record<string, string>> = {};
  #controller: Dispatcher.DispatchController | null = null;
  #done = false;

  constructor(started: number, resolve: (answer: Answer) => void) {
    this.#started = started;
    this.#resolve = resolve;
  }

  /** Answers with what there is and breaks off the rest: the status where one came, else the failure. */
  give(error: Error): void {
    if (this.#done) return;
    this.#finish(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The deadline passed while it waited for a connection: it must not go out any more.
    if (this.#done) controller.abort(new Error('The deadline has passed.'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.#done) return;
    this.#status = status;
    this.#headers = flat(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return;
    const room = answerBytesMax - this.#bytes;
    // Copied: a piece of a large buffer would hold all of it.
    this.#pieces.push(Buffer.from(chunk.subarray(0, room)));
    this.#bytes += Math.min(chunk.length, room);
    if (chunk.length > room) this.give(new Error('More than is kept of an answer.'));
  }

  onResponseEnd(): void {
    if (!this.#done) this.#finish(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#done) this.#finish(error);
  }

  #finish(error: Error | null): void {
    this.#done = true;
    if (this.#status === null) {
      this.#resolve(failed(error ?? new Error('The answer ended before it began.'), this.#started));
      return;
    }
    this.#resolve({
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#pieces),
      failure: this.#status >= 300 && this.#status < 400 ? 'redirect_not_followed' : null,
      reason: null,
      durationMs: elapsed(this.#started),
    });
  }
}

function flat(headers: Record<string, string | string[] | undefined>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

function failed(error: unknown, started: number): Answer {
  const { code, reason } = failureOf(error);
  return { status: null, headers: {}, body: null, failure: code, reason, durationMs: elapsed(started) };
}

function elapsed(started: number): number {
  return Math.round(performance.now() - started);
}
