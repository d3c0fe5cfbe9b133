import { sql } from 'kysely';
import { taggedFacts } from '../../test/delivery/facts.ts';
import type { MadeWebhook } from '../../test/delivery/tenants.ts';
import type { Database } from '../../src/storage/database/database.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { openDatabase } from '../../src/storage/database/open.ts';

// Rows as recording leaves them, put straight into the database: what waits before a server is there, in any number.

const eventsAtOnce = 500;
/** Rows that one statement makes by itself. */
const deliveriesAtOnce = 20_000;
const day = 86_400_000;

/** Opens the database beside whoever has it open, and closes it. */
export async function withDatabase<T>(location: DatabaseLocation, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(location, 'tool');
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

export interface Waiting {
  readonly webhooks: readonly MadeWebhook[];
  /** Events, each for one webhook in turn. */
  readonly count: number;
}

/** Events with their deliveries, recorded and not yet claimed: each webhook's in turn, numbered from 0. */
export async function insertWaiting(database: Database, { webhooks, count }: Waiting): Promise<void> {
  const now = Date.now();
  for (let from = 0; from < count; from += eventsAtOnce) {
    const numbers = Array.from({ length: Math.min(eventsAtOnce, count - from) }, (_, index) => from + index);
    const of = (number: number): MadeWebhook => webhooks[number % webhooks.length] ?? { id: '', organization: '' };
    const facts = numbers.map((number) => JSON.stringify(taggedFacts(of(number).organization, number)));
    await database.write(async (tx) => {
      await tx
        .insertInto('events')
        .values(numbers.map((number, index) => ({ ...event(number, of(number).organization, now), facts: facts[index] ?? '' })))
        .execute();
      await tx
        .insertInto('event_bodies')
        .values(
          numbers.map((number, index) => ({
            event: idOf(1, number),
            dialect: 'report',
            organization: of(number).organization,
            content_type: 'application/json',
            body: Buffer.from(facts[index] ?? ''),
          })),
        )
        .execute();
      await tx
        .insertInto('deliveries')
        .values(numbers.map((number) => delivery(number, of(number), now)))
        .execute();
    });
  }
}

function event(number: number, organization: string, now: number) {
  return { id: idOf(1, number), organization, kind: 'report.ingested', project: null, created: now, fanned_out: 1 };
}

function delivery(number: number, webhook: MadeWebhook, now: number) {
  return {
    id: idOf(2, number),
    organization: webhook.organization,
    event: idOf(1, number),
    kind: 'report.ingested',
    webhook: webhook.id,
    state: 'pending' as const,
    lane: 1,
    due: now,
    lease_token: null,
    last_status: null,
    last_error: null,
    created: now,
    retry_until: now + 5 * day,
    settled: null,
  };
}

/** UUIDv7 in form and order. `kind` keeps ids of events and deliveries apart. */
function idOf(kind: number, number: number): string {
  return `01980000-000${kind}-7000-8000-${String(number).padStart(12, '0')}`;
}

/** The same events for each of these webhooks of one organization: `count` deliveries in all, made by the database itself. */
export async function insertParked(
  database: Database,
  { webhooks, count }: { readonly webhooks: readonly MadeWebhook[]; readonly count: number },
): Promise<void> {
  const [first] = webhooks;
  if (first === undefined) return;
  const events = Math.ceil(count / webhooks.length);
  await insertWaiting(database, { webhooks: [first], count: events });
  const now = Date.now();
  for (const [index, webhook] of webhooks.entries()) {
    if (index === 0) continue;
    for (let from = 0; from < events; from += deliveriesAtOnce) {
      const to = Math.min(events, from + deliveriesAtOnce);
      await database.write((tx) => parkedRange(webhook, { index, from, to, now }).execute(tx));
    }
  }
  await database.write((tx) => sql`analyze deliveries`.execute(tx));
}

function parkedRange(
  webhook: MadeWebhook,
  { index, from, to, now }: { readonly index: number; readonly from: number; readonly to: number; readonly now: number },
) {
  const prefix = `01980000-1${String(index).padStart(3, '0')}-7000-8000-`;
  return sql`
    with recursive series(i) as (select cast(${sql.lit(from)} as bigint) union all select i + 1 from series where i + 1 < ${sql.lit(to)})
    insert into deliveries (id, organization, event, kind, webhook, state, lane, due, attempts, created, retry_until)
    select ${sql.lit(prefix)} || substr(cast(1000000000000 + i as text), 2), ${sql.lit(webhook.organization)},
      '01980000-0001-7000-8000-' || substr(cast(1000000000000 + i as text), 2), 'report.ingested', ${sql.lit(webhook.id)}, 'pending', 1,
      ${sql.lit(now)}, 0, ${sql.lit(now)}, ${sql.lit(now + 5 * day)}
    from series`;
}
