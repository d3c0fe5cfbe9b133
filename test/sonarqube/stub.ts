// A stand-in for a SonarQube server: made-up facts behind the Web API's real shapes, limits and messages, and faults on request.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { StubFacts } from './facts.ts';
import { calls, type StubDelivery, type StubWebhook } from './stub-calls.ts';
import { type Query, Refusal, searchHotspots, searchIssues } from './stub-search.ts';

export type Fault =
  /** This status, with an error in the real shape (401: empty). */
  | { readonly status: number; readonly retryAfter?: string; readonly message?: string }
  | { readonly html: number }
  | { readonly redirect: string }
  /** No answer at all. */
  | { readonly hang: true }
  | { readonly slowMs: number }
  /** The connection is closed before the answer, or in its middle. */
  | { readonly cut: 'before' | 'within' }
  /** 200 and this body, as JSON. */
  | { readonly body: string };

export interface FaultRule {
  /** Of which calls; left out: of all. */
  readonly path?: RegExp;
  readonly fault: Fault;
  /** How often; left out: always. */
  times?: number;
  /** Not for the first so many that fit. */
  skip?: number;
}

export interface Stub {
  readonly url: string;
  readonly token: string;
  facts: StubFacts;
  /** Path and query of each request. */
  readonly asked: string[];
  readonly faults: FaultRule[];
  readonly webhooks: StubWebhook[];
  readonly deliveries: StubDelivery[];
  status: string;
  mode: 'MQR' | 'STANDARD_EXPERIENCE';
  /** Called before each request is answered, with how many there were. */
  onRequest: ((count: number, path: string) => void) | null;
  /** To be called where the facts were changed. */
  changed(): void;
  close(): Promise<void>;
}

export interface StubOptions {
  readonly facts: StubFacts;
  readonly token?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly port?: number;
  /** As where a server has `sonar.web.context`. */
  readonly context?: string;
}

export async function startStub(options: StubOptions): Promise<Stub> {
  const { token = 'squ_0123456789abcdef0123456789abcdef01234567', tls, context = '' } = options;
  let stamp = 0;
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer(stub, { request, response, stamp, context }).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stub: Stub = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}${context}`,
    token,
    facts: options.facts,
    asked: [],
    faults: [],
    webhooks: [],
    deliveries: [],
    status: 'UP',
    mode: 'MQR',
    onRequest: null,
    changed() {
      stamp += 1;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return stub;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly stamp: number;
  readonly context: string;
}

async function answer(stub: Stub, exchange: Exchange): Promise<void> {
  const { request, response, context } = exchange;
  const url = new URL(request.url ?? '/', 'http://stub');
  const body = await bodyOf(request);
  const path = url.pathname.startsWith(`${context}/`) ? url.pathname.slice(context.length + 1) : url.pathname;
  stub.asked.push(`${path}${url.search}`);
  stub.onRequest?.(stub.asked.length, path);
  const fault = takeFault(stub, path);
  if (fault !== undefined && (await applied(fault, response))) return;
  // The first of a repeated parameter counts; those of the form and of the query alike.
  const query = new Map([...new URLSearchParams(body), ...url.searchParams].toReversed());
  try {
    const { type, text } = reply(stub, {
      path,
      query,
      method: request.method ?? 'GET',
      authorization: request.headers.authorization,
      stamp: exchange.stamp,
    });
    send(exchange, { status: 200, type, text, cut: fault !== undefined && 'cut' in fault });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const text = error.status === 401 ? '' : htmlSafe({ errors: [{ msg: error.message }] });
    send(exchange, { status: error.status, type: error.status === 401 ? '' : 'application/json', text, cut: false });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function takeFault(stub: Stub, path: string): Fault | undefined {
  for (const rule of stub.faults) {
    if (rule.path !== undefined && !rule.path.test(path)) continue;
    if ((rule.skip ?? 0) > 0) {
      rule.skip = (rule.skip ?? 0) - 1;
      continue;
    }
    if (rule.times === 0) continue;
    if (rule.times !== undefined) rule.times -= 1;
    return rule.fault;
  }
  return undefined;
}

/** True where the fault was the whole answer. */
async function applied(fault: Fault, response: ServerResponse): Promise<boolean> {
  if ('hang' in fault) return true;
  if ('slowMs' in fault) {
    await new Promise((resolve) => setTimeout(resolve, fault.slowMs));
    return false;
  }
  if ('cut' in fault) {
    if (fault.cut === 'before') response.destroy();
    return fault.cut === 'before';
  }
  if ('redirect' in fault) response.writeHead(302, { location: fault.redirect }).end();
  else if ('html' in fault)
    response.writeHead(fault.html, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html><body>Sign in</body></html>');
  else if ('body' in fault) response.writeHead(200, { 'content-type': 'application/json' }).end(fault.body);
  else {
    const head = { 'content-type': 'application/json', ...(fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }) };
    response.writeHead(fault.status, head).end(fault.status === 401 ? '' : htmlSafe({ errors: [{ msg: fault.message ?? 'made up' }] }));
  }
  return true;
}

interface Asked {
  readonly path: string;
  readonly query: Query;
  readonly method: string;
  readonly authorization: string | undefined;
  readonly stamp: number;
}

function reply(stub: Stub, asked: Asked): { readonly type: string; readonly text: string } {
  const json = (value: unknown) => ({ type: 'application/json', text: htmlSafe(value) });
  const { path, query } = asked;
  if (path === 'api/server/version') return { type: 'text/plain', text: stub.facts.version };
  if (path === 'api/system/status') return json({ id: stub.facts.id, version: stub.facts.version, status: stub.status });
  if (path === 'api/authentication/validate') return json({ valid: isAuthorized(stub, asked) });
  if (!isAuthorized(stub, asked)) throw new Refusal(401, '');
  if (path === 'api/issues/search') return json(searchIssues({ facts: stub.facts, query }, asked.stamp));
  if (path === 'api/hotspots/search') return json(searchHotspots({ facts: stub.facts, query }));
  if (path === 'api/v2/clean-code-policy/mode' && !stub.facts.version.startsWith('9.')) return json({ mode: stub.mode, modified: false });
  const call = calls[path];
  if (call === undefined) throw new Refusal(404, `Unknown url : /${path}`);
  const [method, made] = call;
  if (method !== asked.method) throw new Refusal(405, `HTTP method ${method} is required`);
  return json(made({ facts: stub.facts, query, webhooks: stub.webhooks, deliveries: stub.deliveries, mode: stub.mode }));
}

/** 9.9 takes no Bearer (contract 5.1). */
function isAuthorized({ token, facts }: Stub, { authorization }: Asked): boolean {
  if (authorization === `Bearer ${token}`) return !facts.version.startsWith('9.');
  return authorization === `Basic ${Buffer.from(`${token}:`).toString('base64')}`;
}

/** As the real server writes JSON: safe to stand in a page. */
export function htmlSafe(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&='\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

interface Sent {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly cut: boolean;
}

function send({ request, response }: Exchange, { status, type, text, cut }: Sent): void {
  const packed = text.length > 1024 && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const bytes = packed ? gzipSync(text, { level: 1 }) : Buffer.from(text);
  const head = {
    ...(type === '' ? {} : { 'content-type': type }),
    ...(packed ? { 'content-encoding': 'gzip' } : {}),
    'content-length': bytes.length,
  };
  response.writeHead(status, head);
  if (!cut) {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
}
