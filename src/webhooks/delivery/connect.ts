import type { Socket } from 'node:net';
import { connect as connectTcp, isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { basicAuthorization } from '../subscriptions/url.ts';
import { failureOf, SendFailed } from './failure.ts';
import type { Guard } from './guard.ts';
import { AddressRefused } from './guard.ts';
import { openTunnel } from './proxy.ts';

/** Of a name with many addresses so many are tried through a proxy, one after another; directly the system tries them all. */
export const proxiedAddressesMax = 4;
/** TCP asks a silent receiver whether it is still there after this, so that a line that is gone is noticed. */
const keepAliveProbeMs = 30_000;

export interface Proxy {
  readonly url: URL;
  /** The operator's choice; any other is guarded as a receiver is. */
  readonly trusted: boolean;
}

/** How the connections of one pool are made. */
export interface Route {
  readonly url: URL;
  readonly proxy: Proxy | null;
  /** Whom TLS believes; undefined: whom the system does. */
  readonly authorities: SecureContext | undefined;
  /** What the receiver gave to take a TLS connection up again quicker. */
  session: Buffer | undefined;
}

export interface Connector {
  /**
   * A connection to the receiver, ready for its first request. Its name is looked up once, every address is checked, and the connection is made
   * to a checked one, through a proxy too. Fails with AddressRefused, SendFailed, or the socket's own error; with the signal's reason where that
   * comes first, and nothing is left open then.
   */
  open(route: Route, signal: AbortSignal): Promise<Socket>;
}

export function createConnector({ guard }: { readonly guard: Guard }): Connector {
  return {
    async open(route, signal) {
      const { url } = route;
      if (route.proxy !== null) return secured(await throughProxy(guard, route, route.proxy, signal), route, signal);
      const refusal = guard.refuses(url);
      if (refusal !== null) throw new AddressRefused(refusal);
      return secured(await tcp({ url, lookup: guard.lookup }, signal), route, signal);
    },
  };
}

interface TcpOptions {
  readonly url: URL;
  readonly lookup: Guard['lookup'] | undefined;
}

async function tcp({ url, lookup }: TcpOptions, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({
    host: hostOf(url),
    port: portOf(url),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveProbeMs,
    ...(lookup === undefined ? {} : { lookup }),
  });
  return ready(socket, 'connect', signal);
}

/** TLS over an open connection where the URL asks for it. */
async function secured(socket: Socket, route: Route, signal: AbortSignal): Promise<Socket> {
  if (route.url.protocol !== 'https:') return socket;
  const secure = await tls(socket, { url: route.url, authorities: route.authorities, session: route.session }, signal);
  secure.on('session', (session) => {
    route.session = session;
  });
  return secure;
}

async function tls(socket: Socket, { url, authorities, session }: Omit<Route, 'proxy'>, signal: AbortSignal) {
  const host = hostOf(url);
  const secure = connectTls({
    socket,
    // The name that the certificate must be for, even where it is an address, which SNI does not carry.
    host,
    servername: isIP(host) === 0 ? host.replace(/\.$/, '') : '',
    ALPNProtocols: ['http/1.1'],
    secureContext: authorities,
    session,
  });
  secure.once('close', () => socket.destroy());
  return ready(secure, 'secureConnect', signal);
}

async function throughProxy(guard: Guard, route: Route, proxy: Proxy, signal: AbortSignal): Promise<Socket> {
  const addresses = await unlessAborted(guard.addressesOf(route.url), signal);
  const authorization = basicAuthorization(proxy.url);
  for (const [index, { address }] of addresses.slice(0, proxiedAddressesMax).entries()) {
    const socket = await toProxy(guard, { ...route, url: proxy.url }, proxy, signal);
    const cut = () => socket.destroy();
    signal.addEventListener('abort', cut, { once: true });
    try {
      await openTunnel(socket, { address, port: portOf(route.url), authorization });
      return socket;
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      // A proxy says 5xx where it did not get there itself; another address of the receiver's may do.
      const mayDo = error instanceof SendFailed && error.reason?.startsWith('5') === true && index + 1 < addresses.length;
      if (!mayDo || index + 1 === proxiedAddressesMax) throw error;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }
  throw new SendFailed('name_not_found');
}

async function toProxy(guard: Guard, route: Route, { url, trusted }: Proxy, signal: AbortSignal): Promise<Socket> {
  const refusal = trusted ? null : guard.refuses(url);
  if (refusal !== null) throw new AddressRefused(`proxy:${refusal}`);
  try {
    const socket = await tcp({ url, lookup: trusted ? undefined : guard.lookup }, signal);
    return url.protocol === 'https:' ? await tls(socket, { ...route, session: undefined }, signal) : socket;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AddressRefused) throw new AddressRefused(`proxy:${error.reason}`);
    throw new SendFailed('proxy_failed', failureOf(error).code);
  }
}

/** Waits until a socket is connected; where it fails, or the signal comes first, it is destroyed. */
async function ready<Connecting extends Socket>(socket: Connecting, event: string, signal: AbortSignal): Promise<Connecting> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => socket.destroy(signal.reason as Error);
  // This one stays: until undici listens, nobody else takes an error of the socket's.
  socket.on('error', reject);
  socket.once(event, resolve);
  socket.once('close', () => reject(new SendFailed('connection_closed')));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
  return socket;
}

/** A lookup cannot be broken off, but need not be waited for. */
async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}
