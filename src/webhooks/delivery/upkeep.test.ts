// How deliveries come to be and go: fan-out, leases of dead processes, cancelling, purging; on both databases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { eachDatabase } from '../../../test/databases.ts';
import { createEngine, ids, lastFirst, startReceiver, until } from '../../../test/webhooks/engine.ts';
import type { Database } from '../../storage/database/database.ts';
import { fanOutInlineMax } from './fan-out.ts';
import { leaseMsDefault } from './turns.ts';
import { lanes } from './unit-rows.ts';
import { turnUnit } from './units.ts';
import { cancelOrphans, purge, takeBackAtStart, takeBackExpired } from './upkeep.ts';

const claimOne = (database: Database, webhook: string) => {
  const [now, claims] = [Date.now(), [{ webhook, lane: lanes.first, limit: 1 }]];
  return database.run(turnUnit, { now, token: `${database.node}:1`, leaseUntil: now + leaseMsDefault, outcomes: [], returned: [], claims });
};
const deliveriesOf = (database: Database) => database.read.selectFrom('deliveries').selectAll().orderBy('id').execute();
const attemptsOf = (database: Database) => database.read.selectFrom('attempts').selectAll().orderBy('id').execute();
const settled = (database: Database, n: number) =>
  until(async () => (await deliveriesOf(database)).filter((row) => row.settled !== null).length === n);

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

  test(`what is old and settled is purged with its attempts, what is pending never (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database });
    const webhook = await it.addWebhook(receiver.url);
    await it.worker.start();
    for (let n = 0; n < 3; n += 1) await it.happen();
    await settled(database, 3);
    await database.write((tx) => tx.updateTable('webhooks').set({ active: 0 }).where('id', '=', webhook).execute());
    await database.write((tx) => tx.updateTable('webhooks').set({ active: 1 }).execute());
    await it.worker.stop();
    const waiting = await it.happen();
    const day = 86_400_000;
    const after = (days: number) => ({ now: () => Date.now() + days * day });
    assert.deepEqual(await purge({ database, clock: after(29.9), keptMs: 30 * day }), { deliveries: 0, events: 0 });
    assert.deepEqual(await purge({ database, clock: after(30.1), keptMs: 30 * day }), { deliveries: 3, events: 3 });
    assert.deepEqual(
      (await deliveriesOf(database)).map((row) => row.event),
      [waiting],
    );
    assert.equal((await attemptsOf(database)).length, 0);
    assert.equal((await database.read.selectFrom('event_bodies').selectAll().execute()).length, 1);
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
});
