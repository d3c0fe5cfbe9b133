import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Four or sixteen bytes. */
export type AddressBytes = readonly number[];

/** A range of addresses: those that begin with the first `bits` of `base`. */
export interface AddressRange {
  readonly base: AddressBytes;
  readonly bits: number;
}

/** The bytes of an address as DNS or the URL parser writes it; null for anything else, odd IPv4 forms included. */
export function addressBytes(text: string): AddressBytes | null {
  const plain = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  return isIP(plain) === 0 ? null : ipaddr.parse(plain).toByteArray();
}

/** `10.0.0.0/8`, `fd00::/8`, or one address. Null where it is neither. */
export function parseRange(text: string): AddressRange | null {
  const [address = '', length, more] = text.split('/');
  const base = addressBytes(address);
  if (base === null || more !== undefined) return null;
  if (length === undefined) return { base, bits: base.length * 8 };
  if (!/^\d{1,3}$/.test(length) || Number(length) > base.length * 8) return null;
  return { base, bits: Number(length) };
}

export function inRange(address: AddressBytes, range: AddressRange): boolean {
  if (address.length !== range.base.length) return false;
  const whole = range.bits >> 3;
  for (let index = 0; index < whole; index += 1) if (address[index] !== range.base[index]) return false;
  const rest = range.bits & 7;
  return rest === 0 || (((address[whole] ?? 0) ^ (range.base[whole] ?? 0)) & (0xff << (8 - rest)) & 0xff) === 0;
}

type Named = readonly [range: string, name: string];

/** The first that fits gives the name, so the single addresses that hand out a cloud's credentials stand before their range. */
const refused: readonly Named[] = [
  ['169.254.169.254', 'cloud_metadata'],
  ['169.254.170.2', 'cloud_metadata'],
  ['100.100.100.200', 'cloud_metadata'],
  ['168.63.129.16', 'cloud_metadata'],
  ['192.0.0.192', 'cloud_metadata'],
  ['fd00:ec2::254', 'cloud_metadata'],
  ['fd20:ce::254', 'cloud_metadata'],
  ['0.0.0.0', 'unspecified'],
  ['0.0.0.0/8', 'this_network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier_nat'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link_local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'protocol_assignments'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', 'relay'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['240.0.0.0/4', 'reserved'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::/96', 'ipv4_compatible'],
  ['::ffff:0:0:0/96', 'translated'],
  ['64:ff9b:1::/48', 'local_nat64'],
  ['100::/64', 'discard'],
  ['2001:2::/48', 'benchmarking'],
  ['2001:db8::/32', 'documentation'],
  ['2001::/23', 'protocol_assignments'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment_routing'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link_local'],
  ['fec0::/10', 'site_local'],
  ['ff00::/8', 'multicast'],
];

const refusedRanges = refused.map(([text, name]) => ({ range: rangeOf(text), name }));
/** All that IANA has given out for the public IPv6 internet. What lies outside of it is nobody's receiver. */
const globalUnicast = rangeOf('2000::/3');

function rangeOf(text: string): AddressRange {
  const range = parseRange(text);
  if (range === null) throw new Error(`${text} is no range of addresses.`);
  return range;
}

interface Wrapping {
  readonly name: string;
  readonly fits: (address: AddressBytes) => boolean;
  readonly inside: (address: AddressBytes) => readonly AddressBytes[];
}

const prefixed = (text: string) => {
  const range = rangeOf(text);
  return (address: AddressBytes) => inRange(address, range);
};

/** IPv6 forms that carry an IPv4 address: what comes out at the other end is what they wrap, so that is what is judged. */
const wrappings: readonly Wrapping[] = [
  { name: 'ipv4_mapped', fits: prefixed('::ffff:0:0/96'), inside: (address) => [address.slice(12)] },
  { name: 'nat64', fits: prefixed('64:ff9b::/96'), inside: (address) => [address.slice(12)] },
  { name: '6to4', fits: prefixed('2002::/16'), inside: (address) => [address.slice(2, 6)] },
  {
    name: 'teredo',
    fits: prefixed('2001::/32'),
    // The server's address, and the client's with all its bits turned.
    inside: (address) => [address.slice(4, 8), address.slice(12).map((byte) => byte ^ 0xff)],
  },
  {
    name: 'isatap',
    fits: (address) =>
      inRange(address, globalUnicast) &&
      [0, 2].includes(address[8] ?? 1) &&
      address[9] === 0 &&
      address[10] === 0x5e &&
      address[11] === 0xfe,
    inside: (address) => [address.slice(12)],
  },
];

export interface AddressRules {
  /** Ranges that the operator has allowed although they are refused by default. */
  readonly allowed: readonly AddressRange[];
  /** This machine's own addresses. */
  readonly own: readonly AddressBytes[];
}

/**
 * Why nothing may be sent to this address, in a stable word such as `loopback` or `nat64:private`; null where it may.
 * What is not surely on the public internet is refused unless it is allowed.
 */
export function refusalOf(address: AddressBytes, rules: AddressRules): string | null {
  if (rules.allowed.some((range) => inRange(address, range))) return null;
  const wrapping = address.length === 16 ? wrappings.find((each) => each.fits(address)) : undefined;
  if (wrapping === undefined) {
    const known = refusedRanges.find(({ range }) => inRange(address, range));
    if (known !== undefined) return known.name;
    if (address.length === 16 && !inRange(address, globalUnicast)) return 'not_global';
  } else {
    for (const inside of wrapping.inside(address)) {
      const refusal = refusalOf(inside, rules);
      if (refusal !== null) return `${wrapping.name}:${refusal}`;
    }
  }
  return rules.own.some((own) => own.length === address.length && own.every((byte, index) => byte === address[index]))
    ? 'own_interface'
    : null;
}

/** The two kinds of refusal that SonarQube's clients know apart by their messages (its contract, 2.1). */
export type RefusalKind = 'loopback_or_wildcard' | 'other';

/** Whether it is this machine that was refused, in whatever form, as SonarQube has always done; or something that only newer versions or we refuse. */
export function refusalKind(reason: string): RefusalKind {
  return /^(?:ipv4_mapped:)?(?:loopback|unspecified|own_interface)$/.test(reason) ? 'loopback_or_wildcard' : 'other';
}
