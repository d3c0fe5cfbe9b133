import { createAuthorities } from './authorities.ts';
import type { Proxy } from './connect.ts';
import { createConnector } from './connect.ts';
import { Exchange } from './exchange.ts';
import { failureOf, SendFailed } from './failure.ts';
import type { Guard } from './guard.ts';
import type { Answer, Outgoing, Transport } from './outgoing.ts';
import { Pool } from './pool.ts';
import { createRoom } from './room.ts';

export type { Answer, Outgoing, Transport } from './outgoing.ts';
export { answerBytesMax, plainTransport } from './outgoing.ts';

/** From the first step to the status. A status within it decides, whatever comes of the body. */
export const deadlineMs = 10_000;
/** A pool that nothing was sent through for so long is closed with its connections. */
export const poolIdleMs = 60_000;
/** Connections of all webhooks together, idle ones included: an operating system gives a process no more files than it likes. */
export const connectionsInAllMax = 4_096;

export interface Sender {
  /** Sends once and answers what came of it; it never throws for a receiver's doing, and answers within the deadline. */
  send(outgoing: Outgoing): Promise<Answer>;
  /** What is held open now, for the metrics. */
  pools(): PoolCounts;
  /** Closes what is idle. Called now and then. */
  sweep(): Promise<void>;
  /** Breaks off everything; what is sent afterwards fails. */
  close(): Promise<void>;
}

export interface PoolCounts {
  /** Webhooks whose connections are held, and as many again as have sent them elsewhere by a redirect. */
  readonly pools: number;
  /** Connections, those that are being made included. */
  readonly connections: number;
  /** Of these, how many an answer is awaited on. */
  readonly underWay: number;
}

export interface SenderOptions {
  readonly guard: Guard;
  /** Connections of one webhook; no fewer than may be under way to it. */
  readonly connectionsMax: number;
  readonly connectionsInAllMax?: number;
  /** The proxy of the settings: the operator's choice, so that it may stand where receivers may not. */
  readonly proxy?: URL | null;
  /** Certificates (PEM) of the settings, believed beside the system's own. */
  readonly ca?: string | null;
  readonly deadlineMs?: number;
  readonly poolIdleMs?: number;
}

interface Held {
  readonly pool: Pool;
  readonly transport: Transport;
}

export function createSender(options: SenderOptions): Sender {
  const { guard, connectionsMax, proxy = null } = options;
  const pools = new Map<string, Held>();
  const within = options.deadlineMs ?? deadlineMs;
  const idleMs = options.poolIdleMs ?? poolIdleMs;
  const authorities = createAuthorities(options.ca ?? null);
  const connector = createConnector({ guard });
  const room = createRoom({ max: options.connectionsInAllMax ?? connectionsInAllMax, full: () => oldestIdle(pools)?.closeOne() });
  let isClosed = false;

  const poolOf = (key: string, url: URL, transport: Transport): Pool => {
    const held = pools.get(key);
    if (held !== undefined && isSame(held, url, transport)) return held.pool;
    // The webhook was changed: what is under way through the old pool ends first.
    held?.pool.retire();
    const route = { url, proxy: proxyOf(transport, proxy), authorities: authorities.contextFor(transport.ca), session: undefined };
    const pool = new Pool({ route, connector, room, linesMax: connectionsMax });
    pools.set(key, { pool, transport });
    return pool;
  };
  return {
    send: (outgoing) =>
      new Promise((answer) => {
        if (isClosed) return answer(unsent(new SendFailed('send_failed')));
        try {
          const { webhook, url, transport } = outgoing;
          const pool = poolOf(webhook, url, transport);
          const poolFor = (target: URL) => poolOf(`${webhook} redirected`, target, transport);
          new Exchange({ outgoing, pool, poolFor, deadlineMs: within, answer }).start();
        } catch (error) {
          answer(unsent(error));
        }
      }),
    pools: () => {
      let underWay = 0;
      for (const { pool } of pools.values()) underWay += pool.underWay;
      return { pools: pools.size, connections: room.taken, underWay };
    },
    async sweep() {
      const now = performance.now();
      for (const [webhook, { pool }] of pools) {
        if (pool.underWay > 0 || now - pool.lastUsed < idleMs) continue;
        pools.delete(webhook);
        pool.retire();
      }
    },
    async close() {
      isClosed = true;
      for (const { pool } of pools.values()) pool.destroy();
      pools.clear();
    },
  };
}

function isSame({ pool, transport }: Held, url: URL, wanted: Transport): boolean {
  if (pool.url !== url && pool.url.origin !== url.origin) return false;
  if (transport === wanted) return true;
  return transport.revision === wanted.revision && transport.ca === wanted.ca && transport.proxy?.href === wanted.proxy?.href;
}

/** The webhook's own goes first. It was set by whoever may set webhooks, so it is guarded; that of the settings is not. */
function proxyOf({ proxy }: Transport, ofSettings: URL | null): Proxy | null {
  if (proxy !== null) return { url: proxy, trusted: false };
  return ofSettings === null ? null : { url: ofSettings, trusted: true };
}

function oldestIdle(pools: ReadonlyMap<string, Held>): Pool | undefined {
  let oldest: Pool | undefined;
  for (const { pool } of pools.values()) if (pool.idle > 0 && pool.lastUsed < (oldest?.lastUsed ?? Number.POSITIVE_INFINITY)) oldest = pool;
  return oldest;
}

/** The answer where nothing could be sent. */
function unsent(error: unknown): Answer {
  const { code, reason } = failureOf(error);
  return { status: null, headers: {}, body: null, failure: code, reason, durationMs: 0 };
}
