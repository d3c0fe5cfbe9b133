import { sql } from 'kysely';
import type { Clock } from '../clock.ts';
import { GatepostError } from '../errors.ts';
import type { Sealer } from '../secret-key.ts';
import type { Database, Tx } from '../storage/database/database.ts';
import type { IdempotencyPlace, IdempotencyState, IdempotencyStore } from './idempotency.ts';
import { idempotencyAbandonedMs, idempotencyKeptMs } from './idempotency.ts';

/** The status of a row whose first call has not ended yet. */
const underWay = 0;

interface Deps {
  readonly database: Database;
  readonly clock: Clock;
  /** Answers may hold what is shown once, such as a new token: they lie sealed. */
  readonly sealer: Sealer;
}

/** Keys and answers in the database: they hold across nodes and restarts. */
export function createIdempotencyStore({ database, clock, sealer }: Deps): IdempotencyStore {
  return {
    async begin(place, requestSha256) {
      const state = await database.write((tx) => begin({ tx, place, requestSha256, now: clock.now() }));
      return state.kind === 'repeat' ? { ...state, answer: sealer.open(state.answer, boundTo(place)) } : state;
    },
    async finish(place, status, answer) {
      const response = sealer.seal(answer, boundTo(place));
      await database.write(async (tx) => {
        await rowOf(tx.updateTable('idempotency'), place).where('status', '=', underWay).set({ status, response }).execute();
      });
    },
    async release(place) {
      await database.write(async (tx) => {
        await rowOf(tx.deleteFrom('idempotency'), place).where('status', '=', underWay).execute();
      });
    },
  };
}

interface BeginOptions {
  readonly tx: Tx;
  readonly place: IdempotencyPlace;
  readonly requestSha256: string;
  readonly now: number;
}

async function begin({ tx, place, requestSha256, now }: BeginOptions): Promise<IdempotencyState> {
  const fresh = { ...place, request_sha256: requestSha256, status: underWay, response: '', created: now };
  const inserted = await tx
    .insertInto('idempotency')
    .values(fresh)
    .onConflict((on) => on.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 1n) return { kind: 'first' };
  const row = await rowOf(tx.selectFrom('idempotency'), place)
    .select(['request_sha256', 'status', 'response', 'created'])
    .executeTakeFirst();
  if (row === undefined) return { kind: 'under way' };
  const endedMs = row.status === underWay ? idempotencyAbandonedMs : idempotencyKeptMs;
  if (row.created <= now - endedMs) {
    // Compare-and-set on what was read: of two that find the row stale, one takes it.
    const { organization: _organization, route: _route, key: _key, ...values } = fresh;
    const taken = await rowOf(tx.updateTable('idempotency'), place)
      .where('created', '=', row.created)
      .where('status', '=', row.status)
      .set(values)
      .executeTakeFirst();
    return taken.numUpdatedRows === 1n ? { kind: 'first' } : { kind: 'under way' };
  }
  if (row.request_sha256 !== requestSha256) return { kind: 'reused' };
  return row.status === underWay ? { kind: 'under way' } : { kind: 'repeat', status: row.status, answer: row.response };
}

interface Narrowable<Q> {
  where(column: 'organization' | 'route' | 'key', operator: '=', value: string): Q;
}

function rowOf<Q extends Narrowable<Q>>(query: Q, place: IdempotencyPlace): Q {
  return query.where('organization', '=', place.organization).where('route', '=', place.route).where('key', '=', place.key);
}

function boundTo(place: IdempotencyPlace): string {
  return `idempotency:${place.organization}:${place.route}:${place.key}`;
}

/** Removes answers that are past their time, at most `limit` of them. Answers how many: fewer than `limit` means that none are left. */
export async function purgeIdempotency({
  tx,
  now,
  limit,
}: {
  readonly tx: Tx;
  readonly now: number;
  readonly limit: number;
}): Promise<number> {
  const rows = await tx
    .selectFrom('idempotency')
    .select(['organization', 'route', 'key'])
    .where('created', '<', now - idempotencyKeptMs)
    .orderBy('created')
    .limit(limit)
    .execute();
  for (const row of rows) await rowOf(tx.deleteFrom('idempotency'), row).execute();
  return rows.length;
}

/** For a database that one process has for itself: what its last run left under way will never end. */
export async function clearUnderWay({ tx }: { readonly tx: Tx }): Promise<void> {
  await tx.deleteFrom('idempotency').where('status', '=', underWay).execute();
}

/** Answers of one unit of `resealAnswers`. */
export const resealedOfUnitMax = 100;

/**
 * Seals what is kept of answers anew, in small units: whatever is not under the sealer's current key. What is done is passed over, so that it may
 * break off anywhere and be begun again. An answer that no key opens stays until its time is over. Answers how many were changed.
 */
export async function resealAnswers(options: {
  readonly database: Database;
  readonly sealer: Sealer;
  /** Called after each unit is on disk. */
  readonly afterUnit?: () => void;
}): Promise<number> {
  const { database, sealer, afterUnit } = options;
  let changed = 0;
  for (let after: IdempotencyPlace | null = { organization: '', route: '', key: '' }; after !== null; ) {
    const from: IdempotencyPlace = after;
    const unit = await database.write((tx) => resealUnit({ tx, sealer, after: from }));
    changed += unit.changed;
    after = unit.last;
    afterUnit?.();
  }
  return changed;
}

async function resealUnit({ tx, sealer, after }: { readonly tx: Tx; readonly sealer: Sealer; readonly after: IdempotencyPlace }) {
  const rows = await tx
    .selectFrom('idempotency')
    .select(['organization', 'route', 'key', 'response'])
    .where(sql<boolean>`(organization, route, key) > (${after.organization}, ${after.route}, ${after.key})`)
    .orderBy('organization')
    .orderBy('route')
    .orderBy('key')
    .limit(resealedOfUnitMax)
    .execute();
  let changed = 0;
  for (const { response, ...place } of rows) {
    if (response === '' || sealer.isCurrent(response)) continue;
    const sealed = resealed(sealer, response, boundTo(place));
    if (sealed === null) continue;
    changed += 1;
    await rowOf(tx.updateTable('idempotency'), place).set({ response: sealed }).execute();
  }
  return { changed, last: rows.length < resealedOfUnitMax ? null : (rows.at(-1) ?? null) };
}

function resealed(sealer: Sealer, response: string, place: string): string | null {
  try {
    return sealer.seal(sealer.open(response, place), place);
  } catch (error) {
    if (error instanceof GatepostError && error.code === 'secret_unreadable') return null;
    throw error;
  }
}
