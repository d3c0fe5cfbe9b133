import type { AddressInfo } from 'node:net';
import type { Configuration } from './configuration.ts';
import { GatepostError } from './errors.ts';
import type { HttpServer } from './http/http-server.ts';

/** Fails with `address_unusable` where the address is taken, is none of this machine, or is not ours to take. */
export async function listen(server: HttpServer, { host, port }: Configuration): Promise<void> {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'Another process listens there already.',
    EADDRNOTAVAIL: 'This machine has no such address.',
    ENOTFOUND: 'This name does not resolve.',
    EACCES: 'This process may not listen there; ports below 1024 need a privilege.',
  };
  try {
    await server.listen({ host, port });
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? reasons[String(error.code)] : undefined;
    if (reason === undefined) throw error;
    const message = `Cannot listen on ${host} port ${port}: ${reason} Set GATEPOST_HOST or GATEPOST_PORT.`;
    throw new GatepostError('unavailable', 'address_unusable', message, { cause: error });
  }
}

/** `GATEPOST_URL` as it is; one without a path is the site, so our prefix is put behind it. */
export function publicUrlOf({ url, path }: Configuration): string | null {
  if (url === null || path === '/' || new URL(url).pathname !== '/') return url;
  return url + path;
}

/** Where it can be reached from this machine: an address that stands for all is shown as the loopback one. */
export function addressOf(server: HttpServer, { host, path }: Configuration): string {
  const bound = server.server.address() as AddressInfo | null;
  if (bound === null) return '';
  const name = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `http://${name}:${bound.port}${path === '/' ? '' : path}`;
}
