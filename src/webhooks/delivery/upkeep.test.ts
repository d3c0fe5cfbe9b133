// How deliveries come to be and go: fan-out, leases of dead processes, cancelling, what is late; on both databases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { eachDatabase } from '../../../test/databases.ts';
import { createEngine, ids, lastFirst, startReceiver } from '../../../test/webhooks/engine.ts';
import { createRows } from '../../../test/webhooks/rows.ts';
import type { Database } from '../../storage/database/database.ts';
import { fanOutInlineMax } from './fan-out.ts';
import { pack } from './packed.ts';
import { leaseMsDefault } from './turns.ts';
import { lanes } from './unit-rows.ts';
import { turnUnit } from './units.ts';
import { cancelOrphans, exhaustLate, takeBackAtStart, takeBackExpired } from './upkeep.ts';

const claimOne = (database: Database, webhook: string) => {
  const [now, claims] = [Date.now(), [{ webhook, lane: lanes.first, limit: 1 }]];
  return database.run(turnUnit, {
    now,
    token: `${database.node}:1`,
    leaseUntil: now + leaseMsDefault,
    outcomes: pack([]),
    returned: [],
    claims,
  });
};
const deliveriesOf = (database: Database) => database.read.selectFrom('deliveries').selectAll().orderBy('id').execute();

eachDatabase((open, engine) => {
  test(`deliveries are there with the commit of the event, and gone with its rollback (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    await it.addWebhook('http://127.0.0.1:1/');
    await it.happen();
    assert.equal((await deliveriesOf(database)).length, 1);
    await assert.rejects(
      database.write(async (tx) => {
        await it.fanOut.onRecorded({
          tx,
          event: {
            id: ids.next(),
            organization: it.organization,
            kind: 'report.ingested',
            project: null,
            facts: { organizationId: '', reports: [] },
            created: Date.now(),
          },
        });
        throw new Error('no');
      }),
    );
    assert.equal((await deliveriesOf(database)).length, 1);
  });

  test(`at start a node takes back what it held itself, of others only what has ended (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const webhook = await it.addWebhook('http://127.0.0.1:1/');
    await it.happen();
    const now = { now: () => Date.now() };
    await claimOne(database, webhook);
    const other = { ...database, node: 'another' };
    assert.equal(await takeBackAtStart({ database: other, clock: now }), 0);
    assert.equal(await takeBackAtStart({ database, clock: now }), 1);
    await claimOne(database, webhook);
    assert.equal(await takeBackExpired({ database: other, clock: now }), 0);
    assert.equal(await takeBackExpired({ database: other, clock: { now: () => Date.now() + leaseMsDefault + 1000 } }), 1);
  });

  test(`an event that many webhooks want is fanned out after its commit, to each once (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    for (let n = 0; n <= fanOutInlineMax; n += 1) await it.addWebhook('http://127.0.0.1:1/');
    const event = await it.happen();
    const mark = async () =>
      (await database.read.selectFrom('events').select('fanned_out').where('id', '=', event).executeTakeFirstOrThrow()).fanned_out;
    assert.equal(await mark(), 0);
    assert.equal((await deliveriesOf(database)).length, fanOutInlineMax);
    // Who comes later did not want it when it happened.
    await new Promise((resolve) => setTimeout(resolve, 5));
    await it.addWebhook('http://127.0.0.1:1/');
    assert.ok((await Promise.all([it.fanOut.sweep(), it.fanOut.sweep()])).flat().length > 0);
    assert.equal(await mark(), 1);
    const rows = await deliveriesOf(database);
    assert.equal(rows.length, fanOutInlineMax + 1);
    assert.equal(new Set(rows.map((row) => row.webhook)).size, fanOutInlineMax + 1);
    assert.equal((await database.read.selectFrom('event_bodies').selectAll().execute()).length, 1);
    assert.deepEqual(await it.fanOut.sweep(), []);
  });

  test(`an event recorded without a fan-out is found by the sweep (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database });
    await it.addWebhook(receiver.url);
    const { recordEvent } = await import('../../events/record.ts');
    await database.write((tx) =>
      recordEvent({
        tx,
        organization: it.organization,
        kind: 'report.updated',
        project: null,
        facts: { organizationId: it.organization, reports: [] },
        ids,
        clock: { now: () => Date.now() },
      }),
    );
    await it.worker.start();
    await receiver.count(1);
  });

  test(`what waits for a deleted webhook is cancelled, however it came to wait (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const [gone, other] = [await it.addWebhook('http://127.0.0.1:1/a'), await it.addWebhook('http://127.0.0.1:1/b')];
    for (let n = 0; n < 3; n += 1) await it.happen();
    await database.write((tx) =>
      tx
        .updateTable('deliveries')
        .set({ attempts: 1 })
        .where('id', 'in', tx.selectFrom('deliveries').select(sql<string>`min(id)`.as('id')).where('webhook', '=', gone))
        .execute(),
    );
    await database.write((tx) => tx.deleteFrom('webhooks').where('id', '=', gone).execute());
    assert.equal(await cancelOrphans({ database, clock: { now: () => 5 } }), 3);
    for (const row of await deliveriesOf(database)) {
      assert.equal(row.state, row.webhook === other ? 'pending' : 'cancelled');
    }
  });

  test(`a lease that lies far ahead is taken back too, and what is taken back keeps its place (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { clock, database } = it;
    const webhook = await it.addWebhook();
    const happened = clock.now();
    const event = await it.addEvent();
    clock.ms += 3_600_000;
    const made = clock.now();
    const leased = (row: object) => ({ state: 'leased' as const, lease_token: 'x', ...row });
    const first = await it.addDelivery(event, webhook, leased({ lane: lanes.first, due: made + 2 * leaseMsDefault + 1 }));
    const replayed = await it.addDelivery(await it.addEvent(), await it.addWebhook(), leased({ lane: lanes.replay, event, due: made }));
    const retried = await it.addDelivery(await it.addEvent(), webhook, leased({ lane: lanes.retry, due: made - 1 }));
    const held = await it.addDelivery(await it.addEvent(), webhook, leased({ due: made + 2 * leaseMsDefault }));
    assert.equal(await takeBackExpired({ database, clock }), 3);
    for (const [id, due] of [
      [first, made],
      [replayed, happened],
      [retried, made],
    ] as const) {
      const row = await it.delivery(id);
      assert.deepEqual([row['state'], row['lease_token'], row['due']], ['pending', null, due]);
    }
    assert.equal((await it.delivery(held))['state'], 'leased');
  });

  test(`what waits past its time is exhausted where its webhook is off or fails still, and nowhere else (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { clock, database } = it;
    const retryForMs = 5 * 86_400_000;
    const [off, fails, failed, well] = [await it.addWebhook(), await it.addWebhook(), await it.addWebhook(), await it.addWebhook()];
    const made = clock.now();
    const retry_until = made + retryForMs;
    const add = async (webhook: string, row = {}) => it.addDelivery(await it.addEvent(), webhook, { retry_until, ...row });
    const late = [
      await add(off),
      await add(off, { attempts: 3, last_error: 'timeout' }),
      await add(fails),
      await add(fails, { attempts: 2, last_status: 500 }),
    ];
    const stay = [
      await add(failed),
      await add(well),
      await add(off, { retry_until: retry_until + 2 }),
      await add(off, { state: 'leased' }),
    ];
    await database.write(async (tx) => {
      await tx.updateTable('webhooks').set({ active: 0 }).where('id', '=', off).execute();
      const states = tx.updateTable('webhook_states').where('failures', '=', 0);
      await states
        .set({ failing_since: made, last_failure: retry_until + 1 })
        .where('webhook', '=', fails)
        .execute();
      // It has not been tried since: the server may have been away for as long.
      await states
        .set({ failing_since: made, last_failure: retry_until - 1 })
        .where('webhook', '=', failed)
        .execute();
    });
    const options = { database, clock, steady: clock, retryForMs };
    clock.ms = retry_until;
    assert.equal(await exhaustLate(options), 0);
    clock.ms += 1;
    assert.equal(await exhaustLate(options), 4);
    assert.equal(await exhaustLate(options), 0);
    const rows = await Promise.all(late.map((id) => it.delivery(id)));
    assert.deepEqual(
      rows.map((row) => [row['state'], row['last_error'], row['settled']]),
      ['webhook_off', 'timeout', 'webhook_failing', null].map((error) => ['exhausted', error, clock.now()]),
    );
    for (const id of stay) assert.equal((await it.delivery(id))['settled'], null);
  });
});
