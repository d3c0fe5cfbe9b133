import type { Clock } from '../clock.ts';
import { sha256Hex } from '../hmac.ts';
import type { Caller, Scope } from '../http/caller.ts';
import type { Database, Reader } from '../storage/database/database.ts';
import type { LastSeen } from '../storage/database/last-seen.ts';
import { createLastSeen } from '../storage/database/last-seen.ts';
import { readOrganization } from './store.ts';
import { isTokenText } from './tokens.ts';

/** How exact "last used" is: a token in use is written down once in this time, whatever it is used for. */
export const lastUsedEveryMs = 60_000;
/** Uses are gathered for this long, then written in one unit. */
export const lastUsedGatherMs = 1_000;
/** Tokens whose last use is remembered here; past that, all are forgotten and written down once more. */
export const lastUsedRememberedMax = 100_000;

export const slugsRememberedMax = 10_000;

export interface TokenLookupOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: { warn(facts: Readonly<Record<string, unknown>>, message: string): void };
}

export interface TokenLookup {
  /** Who the token belongs to; null where it is none of ours or was revoked. One indexed read; what it costs to note its use, it costs later. */
  find(token: string): Promise<Caller | null>;
  /** Writes down what uses are still gathered. */
  stop(): Promise<void>;
}

interface Row {
  readonly id: string;
  readonly organization: string;
  readonly scopes: string;
  readonly project: string | null;
}

export function createTokenLookup({ database, clock, log }: TokenLookupOptions): TokenLookup {
  // Compiled once, and without a join: building the statement anew, or reading the slug with it, would take longer than the rest.
  const compiled = database.read
    .selectFrom('tokens')
    .select(['id', 'organization', 'scopes', 'project'])
    .where('hash', '=', '')
    .where('revoked', 'is', null)
    .compile();
  const slugOf = createSlugs(database.read);
  const uses = createUses({ database, clock, log });
  return {
    async find(token) {
      if (!isTokenText(token)) return null;
      const { rows } = await database.read.executeQuery<Row>({ ...compiled, parameters: [sha256Hex(token)] });
      const row = rows[0];
      const slug = row === undefined ? null : await slugOf(row.organization);
      if (row === undefined || slug === null) return null;
      uses.note(row);
      return {
        organization: row.organization,
        slug,
        token: row.id,
        scopes: JSON.parse(row.scopes) as readonly Scope[],
        project: row.project,
      };
    },
    stop: uses.stop,
  };
}

/** Slugs by organization id. They never change, and a deleted organization has no token left to ask with. */
function createSlugs(read: Reader): (organization: string) => Promise<string | null> {
  const known = new Map<string, string>();
  return async (organization) => {
    const held = known.get(organization);
    if (held !== undefined) return held;
    const found = await readOrganization({ read, organization });
    if (found === null) return null;
    if (known.size >= slugsRememberedMax) known.clear();
    known.set(organization, found.slug);
    return found.slug;
  };
}

function createUses({ database, clock, log }: TokenLookupOptions): LastSeen {
  return createLastSeen({
    database,
    clock,
    log,
    everyMs: lastUsedEveryMs,
    gatherMs: lastUsedGatherMs,
    rememberedMax: lastUsedRememberedMax,
    lost: 'last uses not written',
    write: ({ tx, id, organization, at }) =>
      tx.updateTable('tokens').set({ last_used: at }).where('organization', '=', organization).where('id', '=', id).execute(),
  });
}
