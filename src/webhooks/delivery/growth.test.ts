// Days of steady load in quick motion: events recorded, delivered, settled and purged by the clock's days, and the database looked at after each.
// What a day leaves behind must be the room for the next one. PostgreSQL's autovacuum comes by the minute, so the test vacuums in its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { eachDatabase } from '../../../test/databases.ts';
import type { Rows } from '../../../test/webhooks/rows.ts';
import { createRows } from '../../../test/webhooks/rows.ts';
import type { Database } from '../../storage/database/database.ts';
import { createPurge } from './purge.ts';

const day = 86_400_000;
const keptDays = 3;
const eventsOfDay = 600;
const pieces = 12;
const tables = ['events', 'event_bodies', 'deliveries', 'attempts', 'webhook_states'];

/** One day: recorded as they happen, leased with their commit, then settled, with the webhook's state, as the engine writes them. */
async function live({ database, ids, clock, organization }: Rows, webhook: string): Promise<void> {
  for (let piece = 0; piece < pieces; piece += 1, clock.ms += day / pieces) {
    const now = clock.now();
    const rows = Array.from({ length: eventsOfDay / pieces }, () => ({ id: ids.next(), delivery: ids.next(), attempt: ids.next() }));
    await database.write(async (tx) => {
      const event = {
        organization,
        kind: 'report.ingested',
        project: null,
        facts: JSON.stringify('x'.repeat(500)),
        created: now,
        fanned_out: 1,
      };
      await tx
        .insertInto('events')
        .values(rows.map(({ id }) => ({ ...event, id })))
        .execute();
      const body = { dialect: 'report', organization, content_type: 'application/json', body: Buffer.alloc(500, 'x') };
      await tx
        .insertInto('event_bodies')
        .values(rows.map(({ id }) => ({ ...body, event: id })))
        .execute();
      const leased = {
        organization,
        kind: event.kind,
        webhook,
        state: 'leased' as const,
        lease_token: 'node:token',
        due: now + 20_000,
        created: now,
      };
      const blank = { last_status: null, last_error: null, retry_until: now + 5 * day, settled: null };
      await tx
        .insertInto('deliveries')
        .values(rows.map(({ id, delivery }) => ({ ...leased, ...blank, id: delivery, event: id })))
        .execute();
    });
    const answer = {
      request: 'r'.repeat(300),
      status: 200,
      response_headers: 'h'.repeat(200),
      response_body: 'b'.repeat(100),
      error: null,
    };
    await database.write(async (tx) => {
      const done = { state: 'delivered' as const, settled: now, lease_token: null, attempts: 1, last_status: 200 };
      await tx
        .updateTable('deliveries')
        .set(done)
        .where(
          'id',
          'in',
          rows.map((row) => row.delivery),
        )
        .execute();
      const made = { organization, number: 1, at: now, duration_ms: 5, ...answer };
      await tx
        .insertInto('attempts')
        .values(rows.map((row) => ({ ...made, id: row.attempt, delivery: row.delivery })))
        .execute();
      await tx.updateTable('webhook_states').set({ last_success: now, last_status: 200 }).where('webhook', '=', webhook).execute();
    });
  }
}

async function bytesOf(database: Database): Promise<number> {
  if (database.engine === 'sqlite') {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(database.read);
    return (rows[0]?.page_count ?? 0) * 4096;
  }
  await sql.raw(`vacuum ${tables.join(', ')}`).execute(database.read);
  const sizes = tables.map((table) => `pg_total_relation_size('${table}')`).join(' + ');
  const { rows } = await sql<{ bytes: number }>`select ${sql.raw(sizes)} as bytes`.execute(database.read);
  return rows[0]?.bytes ?? 0;
}

/** Six days more that kept what they added would be three quarters more; a step by which files grow, or a vacuum that comes a little later, is not. */
const grownMax = 1.1;

eachDatabase((open, engine) => {
  test(`under steady load the database does not grow with its age (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { database, clock } = it;
    const webhook = await it.addWebhook();
    const waiting = await it.addDelivery(await it.addEvent(), webhook);
    const purge = createPurge({ database, clock, keptMs: keptDays * day });
    const sizes: number[] = [];
    for (let n = 0; n < 5 * keptDays; n += 1) {
      await live(it, webhook);
      await purge.round();
      sizes.push(await bytesOf(database));
    }
    const { n } = await database.read
      .selectFrom('deliveries')
      .select((row) => row.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    assert.ok(n <= keptDays * eventsOfDay + 1, 'what is old is gone');
    assert.equal((await it.delivery(waiting))['state'], 'pending');
    // The first day beyond what is kept has the rows of its whole day beside the old ones, and files grow by steps: the days after that are held
    // against those that follow, when nothing may be added any more.
    const settled = Math.max(...sizes.slice(keptDays + 1, 3 * keptDays));
    const late = sizes.slice(3 * keptDays);
    context.diagnostic(`bytes by day: ${sizes.join(' ')}`);
    assert.ok(Math.max(...late) <= settled * grownMax, `grew from ${settled} to ${Math.max(...late)}`);
  });
});
