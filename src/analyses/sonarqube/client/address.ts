import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { invalid } from '../../../errors.ts';

/** What sources may be reached at, where an operator says so: then nothing else may. */
export interface SourceAllowlist {
  readonly ranges: readonly { readonly base: string; readonly bits: number; readonly family: 'ipv4' | 'ipv6' }[];
  /** Lower-case names without a trailing dot; `*.example.org` stands for all below it, not for `example.org` itself. */
  readonly hosts: readonly string[];
}

/** Reads the entries of `GATEPOST_SOURCES_ALLOW`: CIDRs, addresses and hosts; null where there are none. Fails with `invalid_sources_allow`. */
export function parseSourceAllowlist(entries: readonly string[]): SourceAllowlist | null {
  if (entries.length === 0) return null;
  const ranges: SourceAllowlist['ranges'][number][] = [];
  const hosts: string[] = [];
  for (const entry of entries) {
    const range = rangeOf(entry);
    const host = range === null ? hostPattern(entry) : null;
    if (range !== null) ranges.push(range);
    else if (host !== null) hosts.push(host);
    else throw invalid('invalid_sources_allow', `GATEPOST_SOURCES_ALLOW: ${entry} is neither a CIDR, nor an address, nor a host.`);
  }
  return { ranges, hosts };
}

function rangeOf(entry: string): SourceAllowlist['ranges'][number] | null {
  const [base = '', length, more] = entry.split('/');
  const kind = isIP(base);
  if (kind === 0 || more !== undefined) return null;
  const most = kind === 4 ? 32 : 128;
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > most)) return null;
  return { base, bits: length === undefined ? most : Number(length), family: kind === 4 ? 'ipv4' : 'ipv6' };
}

function hostPattern(entry: string): string | null {
  const wild = entry.startsWith('*.');
  const name = plainHost(domainToASCII(wild ? entry.slice(2) : entry));
  // What is all digits at its end is an IPv4 address to the URL parser, never a name.
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name) || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) return null;
  return wild ? `*.${name}` : name;
}

function plainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/**
 * What no source is at, and what must never be read out by one: the addresses that hand out a cloud's credentials, link-local, multicast,
 * broadcast and "this network". Private and loopback addresses are not among them: that is where people's SonarQube is.
 */
const never: readonly (readonly [base: string, bits: number, name: string])[] = [
  ['169.254.0.0', 16, 'link_local'],
  ['100.100.100.200', 32, 'cloud_metadata'],
  ['168.63.129.16', 32, 'cloud_metadata'],
  ['192.0.0.192', 32, 'cloud_metadata'],
  ['0.0.0.0', 8, 'wildcard'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
  ['fd00:ec2::254', 128, 'cloud_metadata'],
  ['fd20:ce::254', 128, 'cloud_metadata'],
  ['::', 128, 'wildcard'],
  ['fe80::', 10, 'link_local'],
  ['ff00::', 8, 'multicast'],
];
/** IPv6 forms that carry an IPv4 address to somebody who takes it out again. Mapped ones (`::ffff:0:0/96`) a BlockList judges as IPv4 itself. */
const wrapped: readonly (readonly [base: string, bits: number])[] = [
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['2001::', 32],
  ['::ffff:0:0:0', 96],
];

const neverLists = never.map(([base, bits, name]) => ({ list: listOf([{ base, bits, family: familyOf(base) }]), name }));
const wrappedList = listOf(wrapped.map(([base, bits]) => ({ base, bits, family: 'ipv6' as const })));

function listOf(ranges: SourceAllowlist['ranges']): BlockList {
  const list = new BlockList();
  for (const { base, bits, family } of ranges) list.addSubnet(base, bits, family);
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** Thrown where an address is refused; `reason` is a stable word, the address itself is not told. */
export class SourceAddressRefused extends Error {
  readonly code = 'SOURCE_ADDRESS_REFUSED';
  readonly reason: string;
  constructor(reason: string) {
    super(`The source's address is refused: ${reason}.`);
    this.name = 'SourceAddressRefused';
    this.reason = reason;
  }
}

export type ResolveHost = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

export interface SourceGuard {
  /** Why a URL's host is refused as far as it can be told without DNS; null where it is not. */
  refuses(url: URL): string | null;
  /**
   * For `net.connect`: resolves once, checks every address, and gives only checked ones to connect to, so that there is no second lookup that a
   * rebinding name could answer otherwise. Fails with SourceAddressRefused where any address is refused.
   */
  readonly lookup: LookupFunction;
}

export function createSourceGuard(options: { readonly allow: SourceAllowlist | null; readonly resolve?: ResolveHost }): SourceGuard {
  const { allow, resolve = everyAddress } = options;
  const allowed = allow === null ? null : listOf(allow.ranges);
  const hostAllowed = (host: string) =>
    allow?.hosts.some((pattern) => (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern)) === true;
  const judge = (address: string): string | null => {
    // An IPv6 address may carry a zone.
    const plain = address.replace(/%.*$/, '');
    if (isIP(plain) === 0) return 'not_an_address';
    const family = familyOf(plain);
    if (allowed !== null) return allowed.check(plain, family) ? null : 'not_allowed';
    const known = neverLists.find(({ list }) => list.check(plain, family));
    if (known !== undefined) return known.name;
    return family === 'ipv6' && wrappedList.check(plain, family) ? 'wrapped' : null;
  };
  const checked = async (name: string) => {
    const addresses = await resolve(name);
    if (hostAllowed(plainHost(name))) return addresses;
    for (const { address } of addresses) {
      const reason = judge(address);
      if (reason !== null) throw new SourceAddressRefused(reason);
    }
    return addresses;
  };
  return {
    refuses(url) {
      const host = plainHost(url.hostname);
      if (hostAllowed(host)) return null;
      if (isIP(host) !== 0) return judge(host);
      // Whether a name is in a range that is allowed only DNS can tell.
      return allow !== null && allow.ranges.length === 0 ? 'not_allowed' : null;
    },
    lookup: (name, options, callback) => {
      checked(name).then(
        (addresses) => {
          const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
          const fitting = addresses.filter((each) => family === 0 || each.family === family);
          const [first] = fitting;
          if (first === undefined) callback(Object.assign(new Error('The name has no address.'), { code: 'ENOTFOUND' }), '', 0);
          else if (options.all === true) callback(null, [...fitting]);
          else callback(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, '', 0),
      );
    },
  };
}

async function everyAddress(host: string): ReturnType<ResolveHost> {
  return systemLookup(host, { all: true });
}
