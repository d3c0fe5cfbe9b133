import type { Socket } from 'node:net';
import compress from '@fastify/compress';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger } from 'fastify';
import Fastify, { LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { GatepostError } from '../errors.ts';
import type { Identifiers } from '../identifiers.ts';
import type { FindCaller } from './authentication.ts';
import { callerOf, requireScope } from './authentication.ts';
import type { Caller } from './caller.ts';
import { ErrorBody, sendError } from './errors.ts';
import type { HttpServer } from './http-server.ts';
import type { IdempotencyStore } from './idempotency.ts';
import { addIdempotency } from './idempotency.ts';
import { logRequests } from './log.ts';
import { metricsRoutes } from './metrics.ts';
import { describeRoutes, descriptionRoutes } from './openapi.ts';
import { answerUnmatched } from './unmatched.ts';
import { discardUnread } from './unread.ts';
import { createValidatorCompiler } from './validation.ts';

export type { HttpServer } from './http-server.ts';

/** A request line of 64 KiB and headers of 64 KiB (report API contract, section 4: a thousand ids in one GET). */
export const headerBytesMax = 2 * 64 * 1024 + 1024;
/** JSON bodies; uploads have limits of their own. */
export const jsonBytesMax = 1024 * 1024;
/** A project key of 400 characters, each percent-encoded. */
export const parameterCharactersMax = 400 * 3;
/** A connection on which nothing moves for so long is closed: a client that stalls does not hold a file or a socket for ever. */
export const idleMs = 120_000;
/** Headers must be complete within this. */
export const headersMs = 30_000;
/** A whole request must be in within this: an upload of a gibibyte over a slow line. */
export const requestMs = 3_600_000;
/** Answers below this are not compressed: it would not make them smaller by a packet. */
export const compressedBytesMin = 1024;
/** Answers up to this are compressed where they stand, which takes about a millisecond; larger ones by a stream, off the loop. */
export const compressedAtOnceBytesMax = 64 * 1024;
const idleSweepMs = 20;
/** How long what is in flight may take to end when the server stops. */
export const stopMs = 10_000;

export interface HttpServerOptions {
  readonly log: FastifyBaseLogger;
  readonly ids: Identifiers;
  readonly version: string;
  readonly findCaller: FindCaller;
  readonly idempotency?: IdempotencyStore;
  readonly metrics?: Registry;
  /** Whose forwarded headers count, as addresses and CIDRs; nobody's by default. */
  readonly trustProxy?: readonly string[];
  /** The path prefix, such as `/gatepost`; `/` for none. */
  readonly path?: string;
  /** The public base URL with its path; null: as the request came. */
  readonly publicUrl?: string | null;
}

/** The server with what every route shares, and without a noun. Nouns add theirs by full path; the prefix is put before here. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const prefix = (options.path ?? '').replace(/\/+$/, '');
  const { trustProxy = [] } = options;
  const server: HttpServer = Fastify({
    // What Fastify says of itself (its own "listening" among it) only where it warns; each request has the full log, under its id.
    loggerInstance: options.log.child({}, { level: 'warn' }),
    childLoggerFactory: (_logger, bindings) => options.log.child(bindings),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => options.ids.next(),
    trustProxy: trustProxy.length === 0 ? false : [...trustProxy],
    bodyLimit: jsonBytesMax,
    http: { maxHeaderSize: headerBytesMax, headersTimeout: headersMs },
    requestTimeout: requestMs,
    connectionTimeout: idleMs,
    routerOptions: { maxParamLength: parameterCharactersMax },
    rewriteUrl: (request) => withoutPrefix(request.url ?? '/', prefix),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
    clientErrorHandler: refuseUnread,
  }).withTypeProvider<TypeBoxTypeProvider>();
  server.setValidatorCompiler(createValidatorCompiler());
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.setErrorHandler(sendError);
  server.addSchema(ErrorBody);
  takeEmptyDeletes(server);
  server.decorate('publicUrl', (request) => options.publicUrl ?? `${request.protocol}://${request.host}${prefix}`);
  server.decorate('beginIdempotent', async () => false);
  server.decorateRequest('notes');
  answerUnmatched(server);
  addArrival(server);
  addAuthentication(server, options.findCaller);
  logRequests(server);
  discardUnread(server);
  // Before compression: what is kept for a repeat is the plain answer.
  if (options.idempotency !== undefined) addIdempotency(server, options.idempotency);
  await server.register(compress, compression);
  await describeRoutes(server, options);
  if (options.metrics !== undefined) metricsRoutes(server, { registry: options.metrics });
  descriptionRoutes(server);
  return server;
}

/** Text of ours alone: a ZIP or a PDF is not sent smaller by it. What callers send is unpacked by the route that takes it. */
const compression = {
  threshold: compressedBytesMin,
  syncThreshold: compressedAtOnceBytesMax,
  encodings: ['br', 'gzip'] as ('br' | 'gzip')[],
  customTypes: /^(application\/(sarif\+)?json|text\/)/,
  globalDecompression: false,
};

/** `/gatepost/v1/x` is `/v1/x` to us. What comes without the prefix was stripped of it by the proxy, or is a probe from inside. */
function withoutPrefix(url: string, prefix: string): string {
  if (prefix === '' || !url.startsWith(prefix)) return url;
  const rest = url.slice(prefix.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : url;
}

/** Many clients name JSON with every request: a DELETE that says so and has no body asks for nothing odd. Everything else is read as ever. */
function takeEmptyDeletes(server: HttpServer): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '' && request.method === 'DELETE') done(null, undefined);
    else void parse(request, body, done);
  });
}

/** Before all else: what the request notes for its log line, and headers of every answer. A server that stops takes nothing new. */
function addArrival(server: HttpServer): void {
  let stopping = false;
  server.addHook('preClose', async () => {
    stopping = true;
  });
  server.addHook('onRequest', async (request, reply) => {
    request.notes = {};
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    if (!stopping) return;
    reply.header('connection', 'close');
    throw new GatepostError('unavailable', 'stopping', 'The server is stopping. Try again.', { retryAfterSeconds: 1 });
  });
}

const nobody: Caller = { organization: '', slug: '', token: '', scopes: [], project: null };

function addAuthentication(server: HttpServer, findCaller: FindCaller): void {
  server.decorateRequest('caller');
  server.decorate('authenticate', (request) => callerOf(request, findCaller));
  server.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) throw new Error(`The route ${String(route.method)} ${route.url} names no scope.`);
  });
  server.addHook('onRequest', async (request) => {
    request.caller = nobody;
    const { scope } = request.routeOptions.config;
    if (scope === null || scope === undefined) return;
    request.caller = requireScope(await callerOf(request, findCaller), scope);
  });
}

interface Refusal {
  readonly line: string;
  readonly code: string;
  readonly message: string;
}

/** Answers what the parser of HTTP refused, before there was a request to answer. */
function refuseUnread(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { line, code, message } = refusalOf(error.code);
  const body = JSON.stringify({ code, message });
  socket.end(
    `HTTP/1.1 ${line}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function refusalOf(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = `Request line and headers are larger than ${headerBytesMax} bytes.`;
    return { line: '431 Request Header Fields Too Large', code: 'headers_too_large', message };
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { line: '408 Request Timeout', code: 'request_timeout', message: 'The request did not arrive in time.' };
  }
  return { line: '400 Bad Request', code: 'invalid_request', message: 'This is not HTTP.' };
}

/**
 * Takes nothing new, lets what is in flight end, and closes what has not ended after `withinMs`. Answers whether all ended by itself.
 * `server.close()` alone would wait for a client that never reads.
 */
export async function stopHttpServer(server: HttpServer, withinMs: number = stopMs): Promise<boolean> {
  let cut = false;
  const timer = setTimeout(() => {
    cut = true;
    server.server.closeAllConnections();
  }, withinMs);
  // A connection that is kept alive is busy now and idle in a moment: nobody would close it then.
  const sweep = setInterval(() => server.server.closeIdleConnections(), idleSweepMs);
  await server.close();
  clearInterval(sweep);
  clearTimeout(timer);
  return !cut;
}
