import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../clock.ts';
import { GatepostError } from '../../../errors.ts';
import type { ResolveHost, SourceAllowlist } from './address.ts';
import type { Answer } from './answer.ts';
import { jsonOf, messagesOf } from './answer.ts';
import { isFault, type SourceFault, sourceFault } from './fault.ts';
import type { ClientLimits } from './limits.ts';
import { clientLimits } from './limits.ts';
import type { Call, Query, Sender } from './send.ts';
import { createSender } from './send.ts';

export { isFault, type SourceFault, sourceFaults } from './fault.ts';
export { type ClientLimits, clientLimits } from './limits.ts';

export type { Query } from './send.ts';

export interface CallOptions {
  /** Ends the call, waiting for its turn or a retry included, with `stopped`. */
  readonly signal?: AbortSignal;
}

export interface SonarqubeClient {
  /** The base URL, without a slash at its end, user or password. */
  readonly url: string;
  /** JSON answer of a GET of `api/…`. Fails with a GatepostError whose code is a SourceFault; `details` has `path` and, where there was one, `status`. */
  get(path: string, query?: Query, options?: CallOptions): Promise<unknown>;
  /** The same for an answer in plain text, such as `api/server/version`. */
  text(path: string, query?: Query, options?: CallOptions): Promise<string>;
  /** A POST of a form. Never repeated by itself. Null where the answer has no body (204). */
  post(path: string, form: Readonly<Record<string, string>>, options?: CallOptions): Promise<unknown>;
  /** Sent so far, repeated ones included. */
  readonly requests: number;
  close(): Promise<void>;
}

export interface SonarqubeClientOptions {
  /** The server's base URL, with its path where it has one. */
  readonly url: string;
  readonly token: string;
  /** PEM certificates to believe beside the system's. */
  readonly ca?: string | null;
  /** `GATEPOST_SOURCES_ALLOW`; null or left out: the default rule of address.ts. */
  readonly allow?: SourceAllowlist | null;
  readonly limits?: Partial<ClientLimits>;
  readonly clock: Clock;
  /** For tests. */
  readonly resolve?: ResolveHost;
}

/**
 * A client of one SonarQube server, 9.9 or newer. The token goes as Bearer, to a 9.x server as the user of Basic, which is all it takes
 * (contract 5.1); which one is learnt once. No redirect is followed, so that the token goes nowhere else. One client is one budget: whatever
 * calls the same source shares it.
 */
export function createSonarqubeClient(options: SonarqubeClientOptions): SonarqubeClient {
  const limits: ClientLimits = { ...clientLimits, ...options.limits };
  const sender = createSender(options, limits);
  const authorized = createAuthorization(sender, options.token);

  async function good(call: Call): Promise<Answer> {
    const answer = await authorized(call);
    const fault = faultOfAnswer(answer, call);
    if (fault === null) return answer;
    // A server that is being upgraded knows few calls and has a page for all others.
    const asked = isFault(fault, 'source_busy', 'source_failing', 'source_path_unknown', 'source_not_sonarqube', 'source_answer_invalid');
    const state = asked ? await stateFault(sender, call) : null;
    throw state === null ? fault : sourceFault(state, { path: call.path, status: answer.status });
  }

  async function repeated(call: Call): Promise<Answer> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await good(call);
      } catch (error) {
        const wait = call.method === 'GET' && tried < limits.triesMax ? waitBefore(error, tried, limits) : null;
        if (wait === null) throw error;
        await sleep(wait, undefined, call.signal === undefined ? {} : { signal: call.signal });
      }
    }
  }

  async function called(call: Call): Promise<Answer> {
    try {
      return await repeated(call);
    } catch (error) {
      // What waits fails with the signal's own reason.
      throw call.signal?.aborted === true ? sourceFault('stopped', { path: call.path }) : error;
    }
  }

  return {
    url: sender.url,
    async get(path, query, { signal } = {}) {
      return jsonOf((await called({ method: 'GET', kind: 'json', path, query, signal })).text)?.value;
    },
    async text(path, query, { signal } = {}) {
      return (await called({ method: 'GET', kind: 'text', path, query, signal })).text;
    },
    async post(path, form, { signal } = {}) {
      const answer = await called({ method: 'POST', kind: 'json', path, form, signal });
      return answer.status === 204 ? null : jsonOf(answer.text)?.value;
    },
    get requests() {
      return sender.requests;
    },
    close: sender.close,
  };
}

/** Sends with the scheme that the server takes: by its version, which it tells to anybody; where it does not, Bearer, until that is refused. */
function createAuthorization(sender: Sender, token: string): (call: Call) => Promise<Answer> {
  const bearer = `Bearer ${token}`;
  const basic = `Basic ${Buffer.from(`${token}:`).toString('base64')}`;
  let scheme: string | undefined;
  let learning: Promise<string> | undefined;

  async function learn(signal: AbortSignal | undefined): Promise<string> {
    const { status, text } = await sender.send({ method: 'GET', kind: 'text', path: 'api/server/version', signal }, undefined);
    return status === 200 && /^[1-9]\.\d/.test(text.trim()) ? basic : bearer;
  }

  async function known(call: Call): Promise<string> {
    if (scheme !== undefined) return scheme;
    learning ??= learn(call.signal).finally(() => {
      learning = undefined;
    });
    try {
      scheme = await learning;
      return scheme;
    } catch (error) {
      // Whoever waits for what another asks must not fail because that one was stopped.
      if (!isFault(error, 'stopped') || call.signal?.aborted === true) throw error;
      return known(call);
    }
  }

  return async (call) => {
    const first = await known(call);
    const answer = await sender.send(call, first);
    if (answer.status !== 401) return answer;
    const other = first === bearer ? basic : bearer;
    const second = await sender.send(call, other);
    if (second.status !== 401) scheme = other;
    return second;
  };
}

/** What the server says of itself where an answer was not what it should be: it tells this even while it is upgraded. */
async function stateFault(sender: Sender, { path, signal }: Call): Promise<SourceFault | null> {
  try {
    const answer = await sender.send({ method: 'GET', kind: 'json', path: 'api/system/status', signal }, undefined);
    const value = jsonOf(answer.text)?.value;
    const status = typeof value === 'object' && value !== null && 'status' in value ? String(value.status) : '';
    if (status.startsWith('DB_MIGRATION_')) return 'source_upgrading';
    if (status === 'STARTING' || status === 'RESTARTING') return 'source_starting';
    return status === 'DOWN' ? 'source_failing' : null;
  } catch (error) {
    if (isFault(error, 'stopped')) throw sourceFault('stopped', { path });
    return null;
  }
}

/** What a bad answer stands for (contract 4 and 5.3); null where it is a good one. */
function faultOfAnswer(answer: Answer, { path, kind }: Call): GatepostError | null {
  const { status, text, retryAfterSeconds } = answer;
  const html = /html/.test(answer.type) || /^\s*<(!doctype|html)/i.test(text.slice(0, 200));
  const said = messagesOf(text);
  const facts = { path, status, ...(said === undefined ? {} : { said }) };
  if (status === 401) return sourceFault('source_token_refused', facts);
  if (status === 429 || status === 503) {
    return sourceFault('source_busy', retryAfterSeconds === undefined ? facts : { ...facts, retryAfterSeconds });
  }
  if (status >= 500) return sourceFault('source_failing', facts);
  // Whatever is neither JSON nor what this call answers in comes from something else: a proxy, a sign-in page, a redirect to one.
  if (html || status < 200 || (status >= 300 && said === undefined)) return sourceFault('source_not_sonarqube', facts);
  if (status === 403) return sourceFault('source_forbidden', facts);
  if (status === 404) return sourceFault(said?.startsWith('Unknown url') === true ? 'source_path_unknown' : 'source_not_found', facts);
  if (status >= 300) return sourceFault('source_refused', facts);
  if (kind === 'text' || status === 204 || jsonOf(text) !== undefined) return null;
  const saysJson = /json/.test(answer.type);
  return sourceFault(saysJson ? 'source_answer_invalid' : 'source_not_sonarqube', {
    path,
    status,
    ...(saysJson ? { said: 'no JSON' } : {}),
  });
}

/** How long to wait before a GET is sent again; null where it is not. */
function waitBefore(error: unknown, tried: number, limits: ClientLimits): number | null {
  if (!(error instanceof GatepostError)) return null;
  const wait = limits.retryWaitMs * 2 ** (tried - 1);
  if (isFault(error, 'source_busy')) {
    const asked = error.retryAfterSeconds ?? 0;
    return asked > limits.retryAfterSecondsMax ? null : Math.max(wait, asked * 1000);
  }
  const broken = isFault(error, 'source_unreachable') || (isFault(error, 'source_answer_invalid') && error.details?.['said'] === 'cut');
  const gateway = isFault(error, 'source_failing') && [502, 504].includes(Number(error.details?.['status']));
  return broken || gateway ? wait : null;
}
