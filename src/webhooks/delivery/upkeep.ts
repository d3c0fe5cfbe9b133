import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import type { Database, Tx } from '../../storage/database/database.ts';

/** Rows of one unit of a purge: enough to keep up, few enough that nobody feels it. */
export const purgedOfUnitMax = 100;
/** Units of one round; what is left waits for the next. */
export const purgeUnitsMax = 50;
/** Deliveries that one unit cancels. */
export const cancelledOfUnitMax = 1_000;

export interface UpkeepOptions {
  readonly database: Database;
  readonly clock: Clock;
}

/** Gives back at start what the process before us had under way on this node: it will never end, and waiting for its leases would be idle. */
export async function takeBackAtStart({ database, clock }: UpkeepOptions): Promise<number> {
  return takeBack({ database, clock }, sql<boolean>`lease_token like ${`${database.node}:%`}`);
}

/** Gives back what is leased past its time: its node died, or stalls. Nothing that node writes later counts. */
export async function takeBackExpired({ database, clock }: UpkeepOptions): Promise<number> {
  return takeBack({ database, clock }, sql<boolean>`due <= ${clock.now()}`);
}

async function takeBack({ database, clock }: UpkeepOptions, which: RawBuilder<boolean>): Promise<number> {
  const now = clock.now();
  const result = await database.write((tx) =>
    tx
      .updateTable('deliveries')
      .set({ state: 'pending', due: now, lease_token: null, again: 0 })
      .where(sql<boolean>`state = 'leased'`)
      .where(which)
      .executeTakeFirst(),
  );
  return Number(result.numUpdatedRows);
}

/**
 * Cancels what waits for a webhook that is no more: its deletion cancels the first of them, and what was under way then comes back later.
 * Looks at each webhook that something waits for once, however much waits.
 */
export async function cancelOrphans({ database, clock }: UpkeepOptions): Promise<number> {
  let cancelled = 0;
  for (const waits of [sql`state = 'pending' and attempts = 0`, sql`state = 'pending' and attempts > 0`]) {
    const gone = await sql<{ organization: string; webhook: string }>`
      with recursive waiting (webhook) as (
        select min(webhook) from deliveries where ${waits}
        union all
        select (select min(d.webhook) from deliveries d where d.webhook > waiting.webhook and ${waits}) from waiting where waiting.webhook is not null
      )
      select waiting.webhook, (select max(d.organization) from deliveries d where d.webhook = waiting.webhook) as organization
      from waiting left join webhooks on webhooks.id = waiting.webhook
      where waiting.webhook is not null and webhooks.id is null
    `.execute(database.read);
    for (const { organization, webhook } of gone.rows) {
      for (let piece = cancelledOfUnitMax; piece === cancelledOfUnitMax; cancelled += piece) {
        piece = await database.write((tx) => cancelPending({ tx, organization, webhook, now: clock.now() }));
      }
    }
  }
  return cancelled;
}

/** Cancels at most `cancelledOfUnitMax` of what waits for a webhook, and answers how many. */
export async function cancelPending(options: {
  readonly tx: Tx;
  readonly organization: string;
  readonly webhook: string;
  readonly now: number;
}): Promise<number> {
  const { tx, organization, webhook, now } = options;
  const result = await tx
    .updateTable('deliveries')
    .set({ state: 'cancelled', settled: now })
    .where('id', 'in', (row) =>
      row
        .selectFrom('deliveries')
        .select('id')
        .where('organization', '=', organization)
        .where('webhook', '=', webhook)
        .where('state', '=', 'pending')
        .limit(cancelledOfUnitMax),
    )
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

export interface PurgeOptions extends UpkeepOptions {
  /** How long what is settled is kept. */
  readonly keptMs: number;
}

/** Deletes what was settled longer ago than it is kept, with its attempts; then events that no delivery needs. Never what is pending. */
export async function purge({ database, clock, keptMs }: PurgeOptions): Promise<{ readonly deliveries: number; readonly events: number }> {
  const before = clock.now() - keptMs;
  const deliveries = await inPieces(() => purgeDeliveries(database, before));
  return { deliveries, events: await inPieces(() => purgeEvents(database, before)) };
}

async function inPieces(step: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let unit = 0; unit < purgeUnitsMax; unit += 1) {
    const purged = await step();
    total += purged;
    if (purged < purgedOfUnitMax) break;
  }
  return total;
}

async function purgeDeliveries(database: Database, before: number): Promise<number> {
  const old = await database.read
    .selectFrom('deliveries')
    .select('id')
    .where('settled', '<', before)
    .orderBy('settled')
    .limit(purgedOfUnitMax)
    .execute();
  if (old.length === 0) return 0;
  return database.write(async (tx) => {
    const ids = old.map((row) => row.id);
    // Looked at again: one that was asked for again meanwhile is pending, and stays with its attempts.
    const gone = await tx.deleteFrom('deliveries').where('id', 'in', ids).where('settled', '<', before).returning('id').execute();
    if (gone.length === 0) return 0;
    const goneIds = gone.map((row) => row.id);
    await tx.deleteFrom('attempts').where('delivery', 'in', goneIds).execute();
    return gone.length;
  });
}

async function purgeEvents(database: Database, before: number): Promise<number> {
  const old = await database.read
    .selectFrom('events')
    .select('id')
    .where('created', '<', before)
    .where('fanned_out', '=', 1)
    .where((row) =>
      row.not(row.exists(row.selectFrom('deliveries').select('deliveries.id').whereRef('deliveries.event', '=', 'events.id'))),
    )
    .orderBy('created')
    .limit(purgedOfUnitMax)
    .execute();
  if (old.length === 0) return 0;
  const ids = old.map((row) => row.id);
  await database.write(async (tx) => {
    await tx.deleteFrom('event_bodies').where('event', 'in', ids).execute();
    await tx.deleteFrom('events').where('id', 'in', ids).execute();
  });
  return old.length;
}

/** Forgets secrets whose overlap has ended: they sign nothing any more. */
export async function forgetOldSecrets({ database, clock }: UpkeepOptions): Promise<void> {
  const now = clock.now();
  const old = await database.read.selectFrom('webhooks').select('id').where('previous_secret_until', '<=', now).limit(1).execute();
  if (old.length === 0) return;
  await database.write((tx) =>
    tx
      .updateTable('webhooks')
      .set({ previous_secret: null, previous_secret_until: null })
      .where('previous_secret_until', '<=', now)
      .execute(),
  );
}
