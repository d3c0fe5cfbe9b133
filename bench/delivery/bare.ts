// Child of the delivery bench: undici's `dispatch` and nothing else, what a delivery can be at best on this machine at this time.
import type { Dispatcher } from 'undici';
import { Pool } from 'undici';
import { taggedFacts } from '../../test/delivery/facts.ts';
import { answerQuestions, steadyNow } from '../../test/delivery/process.ts';

export interface BareOptions {
  readonly origin: string;
  readonly path: string;
  readonly count: number;
  readonly connections: number;
}

export interface Sent {
  readonly began: number;
  readonly ended: number;
}

const pools = new Map<string, Pool>();
const body = Buffer.from(JSON.stringify(taggedFacts('00000000-0000-4000-8000-000000000000', 0)));
const headers = { 'content-type': 'application/json' };

function poolOf({ origin, connections }: BareOptions): Pool {
  const key = `${origin} ${connections}`;
  const pool = pools.get(key) ?? new Pool(origin, { connections, pipelining: 1, keepAliveTimeout: 60_000 });
  pools.set(key, pool);
  return pool;
}

/** Sends so many, each connection's next as soon as its last is answered. */
function send(options: BareOptions): Promise<Sent> {
  const pool = poolOf(options);
  const { promise, resolve, reject } = Promise.withResolvers<Sent>();
  const began = steadyNow();
  let next = 0;
  let answered = 0;
  const begin = (): void => {
    if (next >= options.count) return;
    next += 1;
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => undefined,
      onResponseStart: () => undefined,
      onResponseData: () => undefined,
      onResponseEnd: () => {
        answered += 1;
        if (answered === options.count) resolve({ began, ended: steadyNow() });
        else begin();
      },
      onResponseError: (_controller, error) => reject(error),
    };
    pool.dispatch({ method: 'POST', path: options.path, headers, body }, handler);
  };
  for (let connection = 0; connection < options.connections; connection += 1) begin();
  return promise;
}

answerQuestions(null, { send });
