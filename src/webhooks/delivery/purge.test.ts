// What is purged and what stays, over rows that the test puts in place, on both databases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import type { Rows } from '../../../test/webhooks/rows.ts';
import { createRows } from '../../../test/webhooks/rows.ts';
import { writeMail } from '../../mail/outbox.ts';
import { createPurge, lookedAtMax } from './purge.ts';
import { insertReplay } from './replay.ts';

const day = 86_400_000;
const keptMs = 30 * day;

async function addAttempt({ database, ids, organization, clock }: Rows, delivery: string): Promise<void> {
  const empty = { status: null, response_headers: null, response_body: null, error: null };
  const values = { id: ids.next(), organization, delivery, number: 1, at: clock.now(), duration_ms: 1, request: '{}', ...empty };
  await database.write((tx) => tx.insertInto('attempts').values(values).execute());
}

const countOf = async ({ database }: Rows, table: 'deliveries' | 'attempts' | 'events' | 'event_bodies' | 'replays' | 'mails') =>
  (
    await database.read
      .selectFrom(table)
      .select((row) => row.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
  ).n;

eachDatabase((open, engine) => {
  test(`what was settled long ago is purged with its attempts and its event; what waits, or is not old enough, stays whole (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { clock, database } = it;
    const webhook = await it.addWebhook();
    const begun = clock.now();
    const events: string[] = [];
    for (let n = 0; n < 6; n += 1) events.push(await it.addEvent());
    const [done = '', waiting = '', late = '', shared = '', unwanted = '', marked = ''] = events;
    await database.write((tx) => tx.updateTable('events').set({ fanned_out: 0 }).where('id', '=', marked).execute());
    const body = { dialect: 'report', organization: it.organization, content_type: 'text/plain', body: Buffer.from('x') };
    await database.write((tx) =>
      tx
        .insertInto('event_bodies')
        .values(events.map((event) => ({ ...body, event })))
        .execute(),
    );
    const settled = { state: 'delivered' as const, settled: begun };
    const stay = [
      await it.addDelivery(waiting, webhook),
      await it.addDelivery(late, webhook, { ...settled, settled: begun + day }),
      await it.addDelivery(shared, await it.addWebhook(), { state: 'leased' }),
    ];
    const go = [await it.addDelivery(done, webhook, settled), await it.addDelivery(shared, webhook, { ...settled, state: 'exhausted' })];
    for (const delivery of [...stay, ...go]) await addAttempt(it, delivery);
    const purge = createPurge({ database, clock, keptMs });
    clock.ms = begun + keptMs;
    assert.deepEqual(await purge.round(), { deliveries: 0, events: 0, ended: 0 });
    clock.ms += 1;
    assert.deepEqual(await purge.round(), { deliveries: 2, events: 2, ended: 0 });
    assert.deepEqual(await purge.round(), { deliveries: 0, events: 0, ended: 0 });
    const left = await database.read.selectFrom('deliveries').select('id').orderBy('id').execute();
    assert.deepEqual(
      left.map((row) => row.id),
      stay.toSorted(),
    );
    assert.equal(await countOf(it, 'attempts'), 3);
    const kept = (await database.read.selectFrom('events').select('id').orderBy('id').execute()).map((row) => row.id);
    assert.deepEqual(kept, [waiting, late, shared, marked]);
    assert.ok(!kept.includes(unwanted));
    assert.equal(await countOf(it, 'event_bodies'), 4);
  });

  test(`a round that runs out of time is gone on with, past what must stay (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { clock, database } = it;
    const webhook = await it.addWebhook();
    const begun = clock.now();
    const all = 2 * lookedAtMax + 10;
    for (let from = 0; from < all; from += 101) {
      const rows = Array.from({ length: Math.min(101, all - from) }, (_, n) => {
        const id = it.ids.next();
        const isOld = from + n >= lookedAtMax;
        const empty = { lease_token: null, last_status: null, last_error: null, retry_until: begun };
        const base = {
          id,
          organization: it.organization,
          event: id,
          kind: 'report.ingested',
          webhook,
          due: begun,
          created: begun,
          ...empty,
        };
        return { ...base, state: isOld ? ('delivered' as const) : ('pending' as const), settled: isOld ? begun : null };
      });
      await database.write((tx) => tx.insertInto('deliveries').values(rows).execute());
    }
    clock.ms += keptMs + 1;
    const purge = createPurge({ database, clock, keptMs, roundMsMax: 0 });
    const rounds: number[] = [];
    for (let n = 0; n < 3; n += 1) rounds.push((await purge.round()).deliveries);
    assert.deepEqual(rounds, [0, lookedAtMax, 10]);
    assert.equal(await countOf(it, 'deliveries'), lookedAtMax);
  });

  test(`replays and mails go when they ended long ago, and not before (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { clock, database, organization, ids } = it;
    const who = { organization, onlyProject: null, actor: 'cli' as const, ids, clock };
    const begun = clock.now();
    for (let n = 0; n < 3; n += 1) {
      const webhook = await it.addWebhook();
      await database.write((tx) => insertReplay({ ...who, tx, webhook, since: 0, until: begun, only: 'all' }));
      await database.write((tx) => writeMail({ tx, organization, recipients: [], subject: '', body: '', ids, clock }));
    }
    const ended = async (table: 'replays' | 'mails', at: number) => {
      const { id } = await database.read
        .selectFrom(table)
        .select('id')
        .orderBy('id', at === begun ? 'asc' : 'desc')
        .limit(1)
        .executeTakeFirstOrThrow();
      if (table === 'replays')
        await database.write((tx) => tx.updateTable(table).set({ state: 'done', finished: at }).where('id', '=', id).execute());
      else await database.write((tx) => tx.updateTable(table).set({ state: 'sent', settled: at }).where('id', '=', id).execute());
    };
    for (const table of ['replays', 'mails'] as const) {
      await ended(table, begun);
      await ended(table, begun + 1);
    }
    const purge = createPurge({ database, clock, keptMs });
    clock.ms = begun + keptMs + 1;
    assert.equal((await purge.round()).ended, 2);
    clock.ms += 1;
    assert.equal((await purge.round()).ended, 2);
    clock.ms += 90 * day;
    assert.equal((await purge.round()).ended, 0);
    assert.deepEqual([await countOf(it, 'replays'), await countOf(it, 'mails')], [1, 1]);
  });
});
