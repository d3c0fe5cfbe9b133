import ipaddr from 'ipaddr.js';
import type { Clock } from '../clock.ts';
import { GatepostError } from '../errors.ts';

export interface OpenLimitsOptions {
  readonly clock: Clock;
  /** Calls per second and address. As many may come at once after a quiet second. */
  readonly perSecond: number;
  readonly archivesPerAddress: number;
  readonly archivesPerOrganization: number;
}

/** What the report API's open calls may take, per node (report API contract, section 4). */
export interface OpenLimits {
  /** Counts a call. Fails with `too_many_requests` (429). */
  admit(address: string): void;
  /** Counts an archive as under way until the function it answers is called. Fails with `too_many_archives` (429). */
  beginArchive(address: string, organization: string): () => void;
}

/** Addresses remembered at once. Past that those that have been quiet longest are forgotten, so that memory stays bounded. */
export const addressesMax = 20_000;
/** When to come again after an archive was refused, in seconds: nobody knows when one ends. */
const archiveRetrySeconds = 10;

interface Bucket {
  tokens: number;
  at: number;
}

export function createOpenLimits(options: OpenLimitsOptions): OpenLimits {
  const { clock, perSecond } = options;
  const buckets = new Map<string, Bucket>();
  const byAddress = new Map<string, number>();
  const byOrganization = new Map<string, number>();
  return {
    admit(address) {
      const key = networkOf(address);
      const now = clock.now();
      const bucket = buckets.get(key) ?? { tokens: perSecond, at: now };
      // Taken out and put back: the first of the map is then the one that has been quiet longest.
      buckets.delete(key);
      bucket.tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, now - bucket.at) * perSecond) / 1000);
      bucket.at = now;
      buckets.set(key, bucket);
      if (buckets.size > addressesMax) forgetOldest(buckets);
      if (bucket.tokens < 1) throw tooMany('too_many_requests', `More than ${perSecond} calls per second from this address.`, 1);
      bucket.tokens -= 1;
    },
    beginArchive(address, organization) {
      const key = networkOf(address);
      if ((byAddress.get(key) ?? 0) >= options.archivesPerAddress) {
        throw tooMany('too_many_archives', 'Too many archives are under way to this address.', archiveRetrySeconds);
      }
      if ((byOrganization.get(organization) ?? 0) >= options.archivesPerOrganization) {
        throw tooMany('too_many_archives', 'Too many archives of this organization are under way.', archiveRetrySeconds);
      }
      add(byAddress, key, 1);
      add(byOrganization, organization, 1);
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        add(byAddress, key, -1);
        add(byOrganization, organization, -1);
      };
    },
  };
}

function forgetOldest(buckets: Map<string, Bucket>): void {
  const oldest = buckets.keys().next();
  if (oldest.done !== true) buckets.delete(oldest.value);
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

function tooMany(code: string, message: string, retryAfterSeconds: number): GatepostError {
  return new GatepostError('rate_limited', code, message, { retryAfterSeconds });
}

/** An IPv4 address as it is, the /64 of an IPv6 one: one caller has all of it. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  if (!ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':');
}
