import { Writable } from 'node:stream';
import type { Logger } from 'pino';
import { destination, pino, stdSerializers } from 'pino';
import type { LogLevel } from '../configuration.ts';
import type { HttpServer } from './http-server.ts';
import { whenSettled } from './settled.ts';

/** What may not reach a log, wherever in a line it stands: our own tokens and secrets, credentials, and what follows `?` in a URL. */
const secrets: readonly (readonly [RegExp, string])[] = [
  [/gp_[A-Za-z0-9]{8,}/g, 'gp_…'],
  [/whsec_[A-Za-z0-9+/=_-]+/g, 'whsec_…'],
  [/\b(Bearer|Basic)\s+[^\s"\\]+/gi, '$1 …'],
  [/(:\/\/)[^\s"\\/@]*@/g, '$1…@'],
  [/(\w:\/\/[^\s"\\?]*\?)[^\s"\\]+/g, '$1…'],
  [/([?&](?:token|secret|password|key|signature|sig|org|access_token|api_key)=)[^&\s"\\]+/gi, '$1…'],
  [/"(authorization|cookie|secret)":"(?:[^"\\]|\\.)*"/gi, '"$1":"…"'],
];

/** Lines are written when so many bytes of them wait, or after so long. */
const logBytesTogether = 16_384;
const logFlushMs = 50;

/** Whether any of them could be found: most lines hold nothing of the kind, and this is one look instead of seven. */
const suspicious = /gp_|whsec_|bearer|basic|@|[?&]|"(?:authorization|cookie|secret)"/i;

/** The text without what may not be logged. */
export function withoutSecrets(line: string): string {
  if (!suspicious.test(line)) return line;
  return secrets.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}

/** One JSON object a line, on stderr unless told otherwise; every line passes `withoutSecrets`, whoever wrote it. */
export function createLog({ level, write }: { readonly level: LogLevel; readonly write?: (line: string) => void }): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: createTimestamp(),
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.errWithCause },
      hooks: { streamWrite: withoutSecrets },
    },
    write === undefined
      ? // Lines of a moment are written together; what is left at the end is written by an exit hook.
        destination({ fd: 2, sync: false, minLength: logBytesTogether, maxWrite: 2 * logBytesTogether, periodicFlush: logFlushMs })
      : new Writable({
          write(chunk: Buffer, _encoding, done) {
            write(chunk.toString('utf8'));
            done();
          },
        }),
  );
}

/** When a line was written, as RFC 3339; lines of one millisecond share the text, since making it costs as much as a short line. */
function createTimestamp(): () => string {
  let at = Number.NaN;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = `,"time":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
}

/** Routes that are asked every few seconds: one line each only where someone wants it all. */
const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);
const pathCharactersMax = 256;

/** One wide line per request, when its last byte is sent or its client has gone. Without query: that may hold anything. */
export function logRequests(server: HttpServer): void {
  whenSettled(server, (request, reply, aborted) => {
    const route = request.routeOptions.url;
    const question = request.url.indexOf('?');
    const facts = {
      method: request.method,
      route: route ?? null,
      path: (question < 0 ? request.url : request.url.slice(0, question)).slice(0, pathCharactersMax),
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
      address: request.ip,
      ...request.notes,
      ...(aborted ? { aborted } : {}),
    };
    if (route !== undefined && probes.has(route)) request.log.debug(facts, 'request');
    else request.log.info(facts, 'request');
  });
}
