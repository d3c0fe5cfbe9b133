import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';

/** Where ids come from. Handed in, so that a test can foretell them. */
export interface Identifiers {
  /** UUIDv7 (RFC 9562, 5.7): ordered by the time it was made, also within one millisecond of one process. */
  next(): string;
  /** UUIDv4: for organizations, whose id is all a report reader must know and must not be guessable. */
  random(): string;
}

export function createIdentifiers(clock: Clock = systemClock): Identifiers {
  let lastMs = 0;
  let sequence = 0;
  return {
    random: () => randomUUID(),
    next() {
      const now = clock.now();
      if (now > lastMs) {
        lastMs = now;
        sequence = randomBytes(2).readUInt16BE() & 0x7ff;
      } else {
        sequence += 1;
        // The 12 bits of rand_a count within a millisecond; past them the time is borrowed from the next one.
        if (sequence > 0xfff) {
          lastMs += 1;
          sequence = 0;
        }
      }
      return format(lastMs, sequence);
    },
  };
}

/** What every UUIDv7 made at this time or later begins with, or is greater than: a time as a bound of a range of ids. */
export function firstIdAt(ms: number): string {
  const time = Math.min(Math.max(ms, 0), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

function format(ms: number, sequence: number): string {
  const time = ms.toString(16).padStart(12, '0');
  const rest = variantTail();
  const counted = sequence.toString(16).padStart(3, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counted}-${rest.slice(0, 4)}-${rest.slice(4)}`;
}

/** Random bytes are fetched from the system for many ids at once: one fetch costs more than all else about an id. */
const poolBytes = 8 * 512;
let pool = Buffer.alloc(0);
let poolAt = 0;

function variantTail(): string {
  if (poolAt === pool.length) {
    pool = randomBytes(poolBytes);
    poolAt = 0;
  }
  pool[poolAt] = ((pool[poolAt] ?? 0) & 0x3f) | 0x80;
  poolAt += 8;
  return pool.toString('hex', poolAt - 8, poolAt);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Any 8-4-4-4-12 hexadecimal UUID, whatever its version (report API contract, section 3, "IDs"). */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}
