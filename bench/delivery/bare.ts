// Child of the delivery bench: undici's `dispatch` and nothing else, what a delivery can be at best on this machine at this time. It sends the
// request of a delivery, byte for byte as long: the same headers, with signatures that were made up before.
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
const signature = 'x'.repeat(43);
/** As the report dialect's; each request has an id of its own, which the receiver keeps. */
const headersOf = (number: number): string[] => [
  'content-type',
  'application/json',
  'user-agent',
  'Gatepost/0.1.0',
  'x-gatepost-event',
  'report.ingested',
  'x-gatepost-attempt',
  '1',
  'webhook-id',
  `01930000-0000-7000-8000-${String(number).padStart(12, '0')}`,
  'webhook-timestamp',
  '1763856000',
  'webhook-signature',
  `v1,${signature}=`,
  'x-gatepost-signature-256',
  `sha256=${'0'.repeat(64)}`,
];
let number = 0;

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
    number += 1;
    pool.dispatch({ method: 'POST', path: options.path, headers: headersOf(number), body }, handler);
  };
  for (let connection = 0; connection < options.connections; connection += 1) begin();
  return promise;
}

answerQuestions(null, { send });
