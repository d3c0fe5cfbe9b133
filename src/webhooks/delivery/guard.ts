import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { domainToASCII } from 'node:url';
import { invalid } from '../../errors.ts';
import type { AddressBytes, AddressRange } from './address.ts';
import { addressBytes, parseRange, refusalOf } from './address.ts';
import type { Address, Resolve } from './lookups.ts';
import { createLookups } from './lookups.ts';

/** What webhooks may reach although it is refused by default. */
export interface Allowlist {
  readonly ranges: readonly AddressRange[];
  /** Lower-case names without a trailing dot; `*.example.org` stands for all below, not for `example.org` itself. */
  readonly hosts: readonly string[];
}

export const nothingAllowed: Allowlist = { ranges: [], hosts: [] };

/** A name is not looked up longer than this where somebody waits for the answer. */
export const lookupMsMax = 3_000;
/** How long the list of this machine's own addresses is believed. */
export const interfacesMs = 5_000;

/** Thrown where a receiver is refused. The reason is a stable word; the address itself is told to nobody but the log. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED';
  readonly reason: string;
  constructor(reason: string) {
    super(`The receiver's address is refused: ${reason}.`);
    this.name = 'AddressRefused';
    this.reason = reason;
  }
}

export interface Guard {
  /** Why nothing is sent to this host, as far as it can be told without asking DNS: null, or the reason. */
  refuses(url: URL): string | null;
  /** The same with DNS asked once, for the moment when a webhook is made. A name that does not resolve now is not refused: it may later. */
  refusesNow(url: URL): Promise<string | null>;
  /** Every address of a host, be it a name or an address itself, all of them checked. Fails with AddressRefused where any is refused. */
  addressesOf(url: URL): Promise<readonly Address[]>;
  /**
   * For `net.connect`: resolves once, checks every address, and gives only checked ones to connect to, so that there is no second lookup
   * that a rebinding name could answer otherwise. Fails with AddressRefused where any address is refused.
   */
  readonly lookup: LookupFunction;
}

export interface GuardOptions {
  readonly allow: Allowlist;
  readonly resolve?: Resolve;
  readonly ownAddresses?: () => readonly string[];
  readonly clock: { now(): number };
}

/** Reads the entries of `GATEPOST_WEBHOOKS_ALLOW`: CIDRs, addresses and hosts. Fails with `invalid_webhooks_allow`. */
export function parseAllowlist(entries: readonly string[]): Allowlist {
  const ranges: AddressRange[] = [];
  const hosts: string[] = [];
  for (const entry of entries) {
    const range = parseRange(entry);
    const host = range === null ? hostPattern(entry) : null;
    if (range !== null) ranges.push(range);
    else if (host !== null) hosts.push(host);
    else throw invalid('invalid_webhooks_allow', `GATEPOST_WEBHOOKS_ALLOW: ${entry} is neither a CIDR, nor an address, nor a host.`);
  }
  return { ranges, hosts };
}

function hostPattern(entry: string): string | null {
  const wild = entry.startsWith('*.');
  const name = canonicalHost(domainToASCII(wild ? entry.slice(2) : entry));
  // What is all digits at its end is an IPv4 address to the URL parser, never a name.
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name) || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) return null;
  return wild ? `*.${name}` : name;
}

function canonicalHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

function hostAllowed(host: string, allow: Allowlist): boolean {
  return allow.hosts.some((pattern) => (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern));
}

export function createGuard({ allow, resolve = everyAddress, ownAddresses = interfaceAddresses, clock }: GuardOptions): Guard {
  let own: readonly AddressBytes[] = [];
  let ownSince = Number.NEGATIVE_INFINITY;
  const rules = () => {
    const now = clock.now();
    if (Math.abs(now - ownSince) >= interfacesMs) {
      own = ownAddresses()
        .map(addressBytes)
        .filter((bytes) => bytes !== null);
      ownSince = now;
    }
    return { allowed: allow.ranges, own };
  };
  const judge = (address: string) => {
    const bytes = addressBytes(address);
    return bytes === null ? 'not_an_address' : refusalOf(bytes, rules());
  };
  const lookups = createLookups({ resolve });
  const checked = async (name: string) => {
    const addresses = await lookups(name);
    if (hostAllowed(canonicalHost(name), allow)) return addresses;
    for (const { address } of addresses) {
      const reason = judge(address);
      if (reason !== null) throw new AddressRefused(reason);
    }
    return addresses;
  };
  const refuses = (url: URL) => {
    const host = canonicalHost(url.hostname);
    if (hostAllowed(host, allow)) return null;
    const bytes = addressBytes(host);
    if (bytes !== null) return refusalOf(bytes, rules());
    // RFC 6761: these are this machine, whatever DNS says. They are left to it where a range is allowed, which is then looked at.
    return /(^|\.)localhost$/.test(host) && allow.ranges.length === 0 ? 'loopback' : null;
  };
  return {
    refuses,
    async refusesNow(url) {
      const reason = refuses(url);
      if (reason !== null || addressBytes(url.hostname) !== null) return reason;
      return withinTime(checked(url.hostname));
    },
    async addressesOf(url) {
      const reason = refuses(url);
      if (reason !== null) throw new AddressRefused(reason);
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
      const family = isIP(host);
      return family === 0 ? checked(host) : [{ address: host, family }];
    },
    lookup: (name, options, callback) => {
      checked(name).then(
        (addresses) => answer(addresses, options, callback),
        (error: NodeJS.ErrnoException) => callback(error, '', 0),
      );
    },
  };
}

type LookupOptions = Parameters<LookupFunction>[1];
type LookupCallback = Parameters<LookupFunction>[2];

function answer(addresses: Awaited<ReturnType<Resolve>>, options: LookupOptions, callback: LookupCallback): void {
  const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
  const fitting = addresses.filter((each) => family === 0 || each.family === family);
  const [first] = fitting;
  if (first === undefined) {
    callback(Object.assign(new Error('The name has no address.'), { code: 'ENOTFOUND' }), '', 0);
  } else if (options.all === true) {
    callback(null, [...fitting]);
  } else {
    callback(null, first.address, first.family);
  }
}

/** The reason of a refusal, or null for anything else: a name that is slow or unknown now is judged when something is sent to it. */
async function withinTime(checked: Promise<unknown>): Promise<string | null> {
  const time = new Promise<null>((resolve) => setTimeout(resolve, lookupMsMax, null).unref());
  const outcome = checked.then(
    () => null,
    (error: unknown) => (error instanceof AddressRefused ? error.reason : null),
  );
  return Promise.race([outcome, time]);
}

async function everyAddress(host: string): ReturnType<Resolve> {
  return systemLookup(host, { all: true });
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map((each) => each.address));
}
