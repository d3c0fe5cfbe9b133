import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import { firstIdAt } from '../../identifiers.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { leaseMsDefault } from './turns.ts';
import { lanes } from './unit-rows.ts';

/** Deliveries that one unit changes. */
export const cancelledOfUnitMax = 1_000;

export interface UpkeepOptions {
  readonly database: Database;
  readonly clock: Clock;
}

/** Gives back at start what the process before us had under way on this node: it will never end, and waiting for its leases would be idle. */
export async function takeBackAtStart({ database, clock }: UpkeepOptions): Promise<number> {
  return takeBack({ database, clock }, sql<boolean>`lease_token like ${`${database.node}:%`}`);
}

/**
 * Gives back what is leased past its time, or for longer than anybody leases (a clock was set back): its node died, or stalls. Nothing that node
 * writes later counts.
 */
export async function takeBackExpired({ database, clock }: UpkeepOptions): Promise<number> {
  const now = clock.now();
  return takeBack({ database, clock }, sql<boolean>`(due <= ${now} or due > ${now + 2 * leaseMsDefault})`);
}

async function takeBack({ database, clock }: UpkeepOptions, which: RawBuilder<boolean>): Promise<number> {
  const result = await database.write((tx) =>
    tx
      .updateTable('deliveries')
      .set({ state: 'pending', due: placeInLane(clock.now()), lease_token: null, again: 0 })
      .where(sql<boolean>`state = 'leased'`)
      .where(which)
      .executeTakeFirst(),
  );
  return Number(result.numUpdatedRows);
}

/** While it was leased its time was the lease's end. Of a retry it is when it is due; of all others their order, which must not be lost. */
function placeInLane(now: number) {
  return sql<number>`case lane
    when ${sql.lit(lanes.retry)} then cast(${now} as bigint)
    when ${sql.lit(lanes.replay)} then coalesce((select events.created from events where events.id = deliveries.event), deliveries.created)
    else created end`;
}

/**
 * Cancels what waits for a webhook that is no more: its deletion cancels the first of them, and what was under way then comes back later.
 * Looks at each webhook that something waits for once, however much waits.
 */
export async function cancelOrphans({ database, clock }: UpkeepOptions): Promise<number> {
  let cancelled = 0;
  const gone = await sql<{ organization: string; webhook: string }>`
    with recursive waiting (webhook) as (
      select min(webhook) from deliveries where state = 'pending'
      union all
      select (select min(d.webhook) from deliveries d where d.webhook > waiting.webhook and d.state = 'pending')
      from waiting where waiting.webhook is not null
    )
    select waiting.webhook,
      (select d.organization from deliveries d where d.webhook = waiting.webhook and d.state = 'pending' limit 1) as organization
    from waiting left join webhooks on webhooks.id = waiting.webhook
    where waiting.webhook is not null and webhooks.id is null
  `.execute(database.read);
  for (const { organization, webhook } of gone.rows) {
    for (let piece = cancelledOfUnitMax; piece === cancelledOfUnitMax; cancelled += piece) {
      piece = await database.write((tx) => cancelPending({ tx, organization, webhook, now: clock.now() }));
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

export interface ExpireOptions extends UpkeepOptions {
  /** What promises are kept by: never jumps. */
  readonly steady: Clock;
  /** How long a delivery is retried. */
  readonly retryForMs: number;
}

/** Deliveries that are looked at in one piece. */
const lookedAtMax = 500;

/**
 * Ends what is still waiting though its time is over, since its webhook is off, or has failed after that time too: `exhausted`, with the last error
 * that it had, or `webhook_off` or `webhook_failing` where it was never tried. What else is late is tried at least once. Answers how many.
 */
export async function exhaustLate(options: ExpireOptions): Promise<number> {
  const { database } = options;
  const organizations = await database.read
    .selectFrom('webhooks')
    .innerJoin('webhook_states', 'webhook_states.webhook', 'webhooks.id')
    .select('webhooks.organization')
    .distinct()
    .where((row) => row.or([row('webhooks.active', '=', 0), row('webhook_states.failing_since', 'is not', null)]))
    .execute();
  let count = 0;
  for (const { organization } of organizations) {
    for (let after: string | null = ''; after !== null; ) {
      const rows = await oldOpen({ ...options, organization, after });
      for (const active of [0, 1]) count += await exhaust(options, { organization, active, rows });
      after = rows.length < lookedAtMax ? null : (rows.at(-1)?.id ?? null);
    }
  }
  return count;
}

type OldOpen = Awaited<ReturnType<typeof oldOpen>>[number];

/** What is open and was made long enough ago, by id, which is the order of time. */
function oldOpen(options: ExpireOptions & { readonly organization: string; readonly after: string }) {
  const { database, organization, after, steady, retryForMs } = options;
  return database.read
    .selectFrom('deliveries')
    .leftJoin('webhooks', 'webhooks.id', 'deliveries.webhook')
    .leftJoin('webhook_states', 'webhook_states.webhook', 'deliveries.webhook')
    .select(['deliveries.id', 'deliveries.retry_until', 'webhooks.active', 'webhook_states.last_failure'])
    .where('deliveries.organization', '=', organization)
    .where(sql<boolean>`deliveries.state in ('pending', 'leased')`)
    .where('deliveries.id', '>', after)
    .where('deliveries.id', '<', firstIdAt(steady.now() - retryForMs))
    .orderBy('deliveries.id')
    .limit(lookedAtMax)
    .execute();
}

async function exhaust(
  { database, clock, steady }: ExpireOptions,
  { organization, active, rows }: { readonly organization: string; readonly active: number; readonly rows: readonly OldOpen[] },
): Promise<number> {
  const now = steady.now();
  const late = rows.filter(
    (row) => row.active === active && row.retry_until < now && (active === 0 || (row.last_failure ?? 0) > row.retry_until),
  );
  if (late.length === 0) return 0;
  const result = await database.write((tx) =>
    tx
      .updateTable('deliveries')
      .set({
        state: 'exhausted',
        settled: clock.now(),
        last_error: sql`case when attempts = 0 then cast(${active === 0 ? 'webhook_off' : 'webhook_failing'} as text) else last_error end`,
      })
      .where('organization', '=', organization)
      .where(
        'id',
        'in',
        late.map((row) => row.id),
      )
      .where(sql<boolean>`state = 'pending'`)
      .where('retry_until', '<', now)
      .executeTakeFirst(),
  );
  return Number(result.numUpdatedRows);
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
