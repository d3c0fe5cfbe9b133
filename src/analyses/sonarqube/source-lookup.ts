import type { KeyObject } from 'node:crypto';
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { isUuid } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import type { SourceSettings } from './source.ts';
import { sealedIn } from './source.ts';

/** How long a source is believed to be what it was: what another node changes counts here after this at the latest. */
export const sourceBelievedMs = 2_000;
export const sourcesHeldMax = 10_000;

/** A source as its webhooks are taken in: the secrets open, as keys that are ready to verify with. */
export interface KnownSource {
  readonly id: string;
  readonly organization: string;
  /** The organization's. */
  readonly slug: string;
  readonly settings: SourceSettings;
  /** Whether one of the secrets that count now made this signature (32 bytes) over these bytes. Takes as long whatever is wrong with it. */
  isSignedBy(signature: Uint8Array, bytes: Uint8Array): boolean;
}

export interface SourceLookup {
  /** The source of this id; null where there is none, be it that it never was or that it was deleted. */
  find(id: string): Promise<KnownSource | null>;
  /** This source was changed or deleted here: it is read anew at once. */
  forget(id: string): void;
}

interface Held {
  readonly source: Promise<KnownSource | null>;
  readonly until: number;
}

export interface SourceLookupOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

export function createSourceLookup({ database, sealer, clock }: SourceLookupOptions): SourceLookup {
  const held = new Map<string, Held>();
  const query = database.prepare(
    `select s.organization, o.slug, s.secret, s.previous_secret, s.previous_secret_until, s.settings
     from sources s join organizations o on o.id = s.organization where s.id = ? and s.kind = 'sonarqube'`,
  );
  const read = async (id: string): Promise<KnownSource | null> => {
    const [row] = await query.rows([id]);
    return row === undefined ? null : knownSource({ id, row: row as Row, sealer, clock });
  };
  return {
    find(id) {
      const now = clock.now();
      const known = held.get(id);
      // Where the clock was set back, what is held would be believed for too long.
      if (known !== undefined && known.until > now && known.until - now <= sourceBelievedMs) return known.source;
      if (!isUuid(id)) return Promise.resolve(null);
      const source = read(id);
      if (held.size >= sourcesHeldMax) held.delete(held.keys().next().value ?? '');
      const entry = { source, until: now + sourceBelievedMs };
      held.set(id, entry);
      const forget = (): void => {
        if (held.get(id) === entry) held.delete(id);
      };
      // Ids of nothing are not held: whoever guesses them would push out what is used. Nor is a failure, which is told to whoever waits.
      source.then((found) => found === null && forget(), forget);
      return source;
    },
    forget: (id) => void held.delete(id),
  };
}

type Row = readonly [
  organization: string,
  slug: string,
  secret: string,
  previousSecret: string | null,
  previousSecretUntil: number | string | null,
  settings: string,
];

function knownSource(options: { readonly id: string; readonly row: Row; readonly sealer: Sealer; readonly clock: Clock }): KnownSource {
  const { id, row, sealer, clock } = options;
  const [organization, slug, secret, previous, previousUntil, settings] = row;
  const places = sealedIn(id);
  const current = keyOf(sealer.open(secret, places.secret));
  const before = previous === null ? null : keyOf(sealer.open(previous, places.previousSecret));
  const until = Number(previousUntil ?? 0);
  return {
    id,
    organization,
    slug,
    settings: JSON.parse(settings) as SourceSettings,
    isSignedBy: (signature, bytes) =>
      isSigned(current, signature, bytes) || (before !== null && clock.now() < until && isSigned(before, signature, bytes)),
  };
}

/** Node signs several times as fast with a key that is held ready. */
function keyOf(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret, 'utf8'));
}

function isSigned(key: KeyObject, signature: Uint8Array, bytes: Uint8Array): boolean {
  return timingSafeEqual(createHmac('sha256', key).update(bytes).digest(), signature);
}
