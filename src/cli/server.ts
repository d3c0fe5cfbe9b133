import type { Dispatcher } from 'undici';
import { request } from 'undici';
import { readConfiguration } from '../configuration.ts';
import { GatepostError } from '../errors.ts';
import { usageError } from './command.ts';

/** A server to talk to: GATEPOST_URL, else the address that this configuration would listen on. */
export interface Server {
  readonly url: string;
  /** Fails with `server_unreachable`; an answer of 400 and above becomes the error it holds. */
  readonly send: (path: string, options?: SendOptions) => Promise<Dispatcher.ResponseData>;
  /** The same for a JSON answer. */
  readonly json: (path: string, options?: SendOptions) => Promise<JsonAnswer>;
}

export interface SendOptions {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array> | string;
  readonly signal?: AbortSignal;
}

export interface JsonAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: unknown;
}

/** An upload of hours ends in an answer that only comes after it; a server that says nothing for this long is gone. */
const silentMsMax = 5 * 60 * 1000;
const answerBytesMax = 16 * 2 ** 20;

/** `needToken`: fails with `usage` where GATEPOST_TOKEN is not set. */
export function connectServer(
  environment: Readonly<Record<string, string | undefined>>,
  { needToken }: { readonly needToken: boolean },
): Server {
  const { url, host, port, path, token } = readConfiguration(environment);
  if (needToken && token === null)
    throw usageError('GATEPOST_TOKEN is not set: a token with the scope for this (gatepost token create makes one).');
  const base = publicUrlOf({ url, path }) ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}${path === '/' ? '' : path}`;
  const send = async (
    where: string,
    { method = 'GET', headers = {}, body, signal }: SendOptions = {},
  ): Promise<Dispatcher.ResponseData> => {
    const answer = await reach(base, () =>
      request(where.startsWith('http') ? where : `${base}${where}`, {
        method,
        headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
        ...(body === undefined ? {} : { body: body as NonNullable<Dispatcher.RequestOptions['body']> }),
        ...(signal === undefined ? {} : { signal }),
        headersTimeout: silentMsMax,
        bodyTimeout: silentMsMax,
      }),
    );
    if (answer.statusCode >= 400) throw errorOf(answer.statusCode, await readText(answer));
    return answer;
  };
  return {
    url: base,
    send,
    async json(where, options) {
      const answer = await send(where, { ...options, headers: { accept: 'application/json', ...options?.headers } });
      const text = await readText(answer);
      return { status: answer.statusCode, headers: answer.headers, body: text === '' ? null : parseJson(text) };
    },
  };
}

/** As the server reads it: an address without a path is the whole site, and the server has its prefix on it. */
function publicUrlOf({ url, path }: { readonly url: string | null; readonly path: string }): string | null {
  if (url === null || path === '/' || new URL(url).pathname !== '/') return url;
  return url + path;
}

async function reach(base: string, call: () => Promise<Dispatcher.ResponseData>): Promise<Dispatcher.ResponseData> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof GatepostError || (error instanceof Error && error.name === 'AbortError')) throw error;
    const reason = error instanceof Error ? error.message || ('code' in error ? String(error.code) : error.name) : String(error);
    throw new GatepostError(
      'unavailable',
      'server_unreachable',
      `${base} cannot be reached (${reason}). Is the server running, and is GATEPOST_URL right?`,
      {
        cause: error,
      },
    );
  }
}

async function readText(answer: Dispatcher.ResponseData): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer.body as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > answerBytesMax)
      throw new GatepostError('unavailable', 'answer_too_large', 'The server sent more than an answer should hold.');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GatepostError(
      'unavailable',
      'not_gatepost',
      'What answers there is no Gatepost: its answer is not JSON. Is GATEPOST_URL right?',
    );
  }
}

/** The server's own code and message, kept. */
function errorOf(status: number, text: string): GatepostError {
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Something between us and the server answered.
  }
  const code = field(body, 'code') ?? `status_${status}`;
  const message = field(body, 'message') ?? `The server answered ${status}.`;
  const details =
    typeof body === 'object' && body !== null && 'details' in body ? (body.details as Readonly<Record<string, unknown>>) : undefined;
  const hint = status === 401 ? ' (GATEPOST_TOKEN)' : '';
  return new GatepostError('unavailable', code, `${message}${hint}`, details === undefined ? {} : { details: { status, ...details } });
}

/** A text in an object, or undefined. */
export function field(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = (value as Readonly<Record<string, unknown>>)[name];
  return typeof found === 'string' ? found : undefined;
}
