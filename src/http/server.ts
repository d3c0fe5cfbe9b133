import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify';
import Fastify, { LogController } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { FindCaller } from './authentication.ts';
import { callerOf, requireScope } from './authentication.ts';
import type { Caller } from './caller.ts';
import { ErrorBody, sendError } from './errors.ts';
import { createValidatorCompiler } from './validation.ts';

export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** A request line of 64 KiB and headers of 64 KiB (report API contract, section 4: a thousand ids in one GET). */
export const headerBytesMax = 2 * 64 * 1024 + 1024;
/** JSON bodies; uploads have limits of their own. */
export const jsonBytesMax = 1024 * 1024;
/** A project key of 400 characters, percent-encoded to at most four bytes each. */
export const parameterCharactersMax = 400 * 4 * 3;
/** A connection on which nothing moves for so long is closed: a client that stalls does not hold a file or a socket for ever. */
export const idleMs = 120_000;
/** Headers must be complete within this. */
export const headersMs = 30_000;
/** A whole request, an upload of a gibibyte over a slow line included. */
export const requestMs = 3_600_000;

export interface HttpServerOptions {
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly findCaller: FindCaller;
  /** Whose forwarded headers count, as addresses and CIDRs; nobody's by default. */
  readonly trustProxy?: readonly string[];
  /** The path prefix, such as `/gatepost`; `` or `/` for none. */
  readonly path?: string;
  /** The public base URL with its path; null: as the request came. */
  readonly publicUrl?: string | null;
}

/** The server without a route. Nouns add theirs by full path; the prefix is put before here. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const prefix = (options.path ?? '').replace(/\/+$/, '');
  const server: HttpServer = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => options.ids.next(),
    trustProxy: options.trustProxy === undefined || options.trustProxy.length === 0 ? false : [...options.trustProxy],
    bodyLimit: jsonBytesMax,
    http: { maxHeaderSize: headerBytesMax, headersTimeout: headersMs },
    requestTimeout: requestMs,
    connectionTimeout: idleMs,
    routerOptions: { maxParamLength: parameterCharactersMax, ignoreTrailingSlash: false },
    rewriteUrl: (request) => withoutPrefix(request.url ?? '/', prefix),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  }).withTypeProvider<TypeBoxTypeProvider>();
  server.setValidatorCompiler(createValidatorCompiler());
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.setErrorHandler(sendError);
  server.addSchema(ErrorBody);
  server.decorate('publicUrl', (request) => options.publicUrl ?? `${request.protocol}://${request.host}${prefix}`);
  server.decorate('beginIdempotent', async () => false);
  addAuthentication(server, options.findCaller);
  return server;
}

/** `/gatepost/v1/x` is `/v1/x` to us. What comes without the prefix was stripped of it by the proxy, or is a probe from inside. */
function withoutPrefix(url: string, prefix: string): string {
  if (prefix === '' || !url.startsWith(prefix)) return url;
  const rest = url.slice(prefix.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : url;
}

const nobody: Caller = { organization: '', slug: '', token: '', scopes: [], project: null };

function addAuthentication(server: HttpServer, findCaller: FindCaller): void {
  server.decorateRequest('caller');
  server.decorateRequest('notes');
  server.decorate('authenticate', (request) => callerOf(request, findCaller));
  server.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) throw new Error(`The route ${String(route.method)} ${route.url} names no scope.`);
  });
  server.addHook('onRequest', async (request) => {
    request.notes = {};
    request.caller = nobody;
    const scope = request.routeOptions.config.scope;
    if (scope === null || scope === undefined) return;
    request.caller = requireScope(await callerOf(request, findCaller), scope);
  });
}
