import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { taggedFacts } from '../delivery/facts.ts';
import { steadyNow } from '../delivery/process.ts';

/** Several clients that record events over HTTP, whatever happens to the server. */
export interface Load {
  /** Events answered with 202, in that order. */
  readonly accepted: readonly Accepted[];
  /** How often each other answer came: `503 database_unavailable`. */
  readonly refused: ReadonlyMap<string, number>;
  /** Requests that no answer came to: whether they were taken is not known, so nothing is asked of them. */
  readonly unanswered: number;
  /** Where the clients send from now on; several are taken in turn, none means that they wait. */
  to(urls: readonly string[]): void;
  /** Answers when the last request has ended. */
  stop(): Promise<void>;
}

export interface Accepted {
  readonly id: string;
  readonly tag: number;
  /** When it was answered, by `steadyNow`. */
  readonly at: number;
}

export interface LoadOptions {
  readonly organization: string;
  readonly clients: number;
  /** Between an answer and the next request of that client. */
  readonly pauseMs: number;
  /** The number that the first event carries. */
  readonly firstTag?: number;
}

/** An answer that does not come is no longer waited for: a server that was stopped does not answer. */
const answerMsMax = 30_000;
const idleMs = 5;

export function startLoad({ organization, clients, pauseMs, firstTag = 1 }: LoadOptions): Load {
  const accepted: Accepted[] = [];
  const refused = new Map<string, number>();
  const state = { unanswered: 0, tag: firstTag, stopped: false };
  let pools: readonly Pool[] = [];

  const one = async (pool: Pool, tag: number): Promise<void> => {
    const answer = await pool.request({
      method: 'POST',
      path: '/test/events',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(taggedFacts(organization, tag)),
    });
    const body = (await answer.body.json()) as { readonly id: string; readonly code?: string };
    if (answer.statusCode === 202) accepted.push({ id: body.id, tag, at: steadyNow() });
    else count(refused, `${answer.statusCode} ${body.code ?? ''}`);
  };
  const client = async (): Promise<void> => {
    while (!state.stopped) {
      const tag = state.tag;
      state.tag += 1;
      const pool = pools[tag % pools.length];
      if (pool === undefined) await sleep(idleMs);
      else {
        await one(pool, tag).catch(() => void (state.unanswered += 1));
        if (pauseMs > 0) await sleep(Math.random() * 2 * pauseMs);
      }
    }
  };
  const running = Array.from({ length: clients }, client);
  const close = (): void => {
    for (const pool of pools) void pool.destroy();
    pools = [];
  };
  return {
    accepted,
    refused,
    get unanswered() {
      return state.unanswered;
    },
    to(urls) {
      close();
      pools = urls.map((url) => new Pool(url, { connections: clients, headersTimeout: answerMsMax, bodyTimeout: answerMsMax }));
    },
    async stop() {
      state.stopped = true;
      await Promise.all(running);
      close();
    },
  };
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}
