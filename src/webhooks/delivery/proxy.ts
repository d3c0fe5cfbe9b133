import type { Socket } from 'node:net';
import { isIPv6 } from 'node:net';
import { invalid } from '../../errors.ts';
import { SendFailed } from './failure.ts';

export const proxyUrlCharactersMax = 500;
/** A proxy's answer to CONNECT is no longer than this. */
export const proxyAnswerBytesMax = 16 * 1024;

/**
 * The rules of an outgoing proxy: http:// or https://, a host, a port if wanted, user and password for Basic authorization if wanted, nothing
 * else. Fails with `invalid_proxy`; the message never repeats the URL.
 */
export function parseProxyUrl(text: string): URL {
  const url = text.length > proxyUrlCharactersMax || /[\s\\\u0000-\u001f\u007f]/.test(text) ? null : URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalid('invalid_proxy', 'The proxy must be a URL that begins with http:// or https://.');
  }
  if (url.pathname !== '/' || text.includes('?') || text.includes('#')) {
    throw invalid('invalid_proxy', 'The proxy must be a host and a port, without path, query and fragment.');
  }
  if (url.port === '0') throw invalid('invalid_proxy', 'Port 0 is no port that can be reached.');
  return url;
}

export interface Tunnel {
  readonly address: string;
  readonly port: number;
  /** `Proxy-Authorization`, or null. */
  readonly authorization: string | null;
}

/**
 * Asks a proxy for a way to an address, which is checked already: it gets no name, so that it looks nothing up a second time. Resolves once the
 * way is open. Fails with SendFailed `proxy_refused` (reason: its status), or `proxy_failed` where its answer is none.
 */
export async function openTunnel(socket: Socket, { address, port, authorization }: Tunnel): Promise<void> {
  const authority = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
  const login = authorization === null ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  const answer = await readHead(socket);
  const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(answer)?.[1];
  if (status === undefined) throw new SendFailed('proxy_failed', 'answer_invalid');
  if (!status.startsWith('2')) throw new SendFailed('proxy_refused', status);
}

/** All up to the empty line. What stands behind it comes before the receiver was asked anything, so it is no answer of the receiver's. */
async function readHead(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  const read = () => {
    for (let piece = socket.read() as Buffer | null; piece !== null; piece = socket.read() as Buffer | null)
      text += piece.toString('latin1');
    const end = text.indexOf('\r\n\r\n') + 4;
    if (end === text.length && end >= 4) resolve(text);
    else if (end >= 4 || text.length > proxyAnswerBytesMax) reject(new SendFailed('proxy_failed', 'answer_invalid'));
  };
  const closed = () => reject(new SendFailed('proxy_failed', 'connection_closed'));
  socket.on('readable', read).on('end', closed).on('close', closed);
  try {
    return await promise;
  } finally {
    socket.off('readable', read).off('end', closed).off('close', closed);
  }
}
