import { createSecureContext, getCACertificates } from 'node:tls';
import { Pool } from 'undici';
import type { Clock } from '../../../clock.ts';
import { versionText } from '../../../version.ts';
import type { ResolveHost, SourceAllowlist } from './address.ts';
import { createSourceGuard } from './address.ts';
import type { Answer } from './answer.ts';
import { readAnswer } from './answer.ts';
import { faultOfFailure, sourceFault } from './fault.ts';
import type { ClientLimits } from './limits.ts';
import { createPace } from './pace.ts';

/** Parameters of a GET; what is undefined is not sent. */
export type Query = Readonly<Record<string, string | number | undefined>>;

export interface Call {
  readonly method: 'GET' | 'POST';
  /** What a good answer is. */
  readonly kind: 'json' | 'text';
  readonly path: string;
  readonly query?: Query | undefined;
  readonly form?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

export interface Sender {
  readonly url: string;
  readonly requests: number;
  /** One request, within the pace, and its whole answer whatever its status. Fails with a SourceFault, `stopped` where the signal ended it. */
  send(call: Call, authorization: string | undefined): Promise<Answer>;
  close(): Promise<void>;
}

export interface SenderOptions {
  readonly url: string;
  readonly ca?: string | null;
  readonly allow?: SourceAllowlist | null;
  readonly clock: Clock;
  readonly resolve?: ResolveHost;
}

const userAgent = `Gatepost/${versionText()}`;

export function createSender(options: SenderOptions, limits: ClientLimits): Sender {
  const base = new URL(options.url);
  const prefix = base.pathname.replace(/\/+$/, '');
  const guard = createSourceGuard({ allow: options.allow ?? null, ...(options.resolve === undefined ? {} : { resolve: options.resolve }) });
  const pace = createPace({ ...limits, clock: options.clock });
  const { ca = null } = options;
  const trust = ca === null ? {} : { secureContext: createSecureContext({ ca: [...getCACertificates('default'), ca] }) };
  const pool = new Pool(base.origin, {
    connections: limits.atOnceMax,
    pipelining: 1,
    headersTimeout: limits.readTimeoutMs,
    bodyTimeout: limits.readTimeoutMs,
    connect: { timeout: limits.connectTimeoutMs, lookup: guard.lookup, ...trust },
  });
  let requests = 0;

  async function exchange(call: Call, authorization: string | undefined): Promise<Answer> {
    requests += 1;
    const total = AbortSignal.timeout(limits.totalTimeoutMs);
    const raw = await pool.request({
      method: call.method,
      path: `${prefix}/${call.path}${queryText(call.query)}`,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'gzip',
        'user-agent': userAgent,
        ...(authorization === undefined ? {} : { authorization }),
        ...(call.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body: call.form === undefined ? null : new URLSearchParams(call.form).toString(),
      signal: call.signal === undefined ? total : AbortSignal.any([call.signal, total]),
    });
    return readAnswer(raw, { path: call.path, bytesMax: limits.answerBytesMax });
  }

  return {
    url: `${base.origin}${prefix}`,
    get requests() {
      return requests;
    },
    async send(call, authorization) {
      const refusal = guard.refuses(base);
      if (refusal !== null) throw sourceFault('source_address_refused', { path: call.path, reason: refusal });
      try {
        const leave = await pace.enter(call.signal);
        try {
          return await exchange(call, authorization);
        } finally {
          leave();
        }
      } catch (error) {
        throw call.signal?.aborted === true ? sourceFault('stopped', { path: call.path }) : faultOfFailure(error, call.path);
      }
    },
    close: () => pool.destroy(),
  };
}

function queryText(query: Query | undefined): string {
  const given = Object.entries(query ?? {}).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${given.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')}`;
}
