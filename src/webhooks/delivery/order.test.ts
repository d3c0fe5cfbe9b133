// What a webhook asked for about order and rate, and what a receiver says of itself, through the whole engine on both databases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { createEngine, lastFirst, startReceiver, until } from '../../../test/webhooks/engine.ts';
import type { Database } from '../../storage/database/database.ts';

const change = (database: Database, webhook: string, what: Readonly<Record<string, number | string>>) =>
  database.write((tx) => tx.updateTable('webhooks').set(what).where('id', '=', webhook).execute());
const deliveriesOf = (database: Database) => database.read.selectFrom('deliveries').selectAll().orderBy('id').execute();

eachDatabase((open, engine) => {
  test(`in strict order the next waits until the one before is delivered or given up (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    let underWay = 0;
    let most = 0;
    const receiver = await startReceiver(t, (response, _arrived, nth) => {
      underWay += 1;
      most = Math.max(most, underWay);
      setTimeout(() => {
        underWay -= 1;
        response.writeHead(nth === 3 || nth === 4 ? 500 : 200).end();
      }, 5);
    });
    const it = await createEngine(t, { database, intervalMs: 100 });
    const webhook = await it.addWebhook(receiver.url);
    await change(database, webhook, { ordered: 1 });
    await it.worker.start();
    for (let n = 0; n < 4; n += 1) await it.happen();
    const facts = { organizationId: it.organization, reports: [] };
    for (let n = 0; n < 4; n += 1) await it.worker.record({ organization: it.organization, kind: 'report.ingested', project: null, facts });
    await receiver.count(10);
    const order = (await deliveriesOf(database)).map((row) => row.id);
    const arrived = receiver.arrived.map((each) => String(each.headers['webhook-id']));
    // The third is tried three times, and nothing is sent in between.
    assert.deepEqual(arrived, [order[0], order[1], order[2], order[2], order[2], ...order.slice(3)]);
    assert.equal(most, 1);
  });

  test(`a rate limit holds for all that waits, from the first on (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const at: number[] = [];
    const receiver = await startReceiver(t, (response) => {
      at.push(performance.now());
      response.end();
    });
    const it = await createEngine(t, { database });
    const webhook = await it.addWebhook(receiver.url);
    await change(database, webhook, { rate_count: 10, rate_period_ms: 1_000 });
    for (let n = 0; n < 15; n += 1) await it.happen();
    await it.worker.start();
    await receiver.count(15);
    for (const [index, time] of at.entries()) {
      const inSpan = at.filter((other) => other > time - 950 && other <= time).length;
      assert.ok(inSpan <= 10, `${inSpan} within a second, up to the ${index + 1}st`);
    }
    assert.ok((at.at(-1) ?? 0) - (at[0] ?? 0) < 4_000, 'and is used');
  });

  test(`410 ends the delivery and switches the webhook off, once and with a mark for whoever tells of it (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t, (response) => response.writeHead(410).end());
    const it = await createEngine(t, { database });
    await it.addWebhook(receiver.url);
    await it.worker.start();
    await it.happen();
    await until(async () => (await deliveriesOf(database))[0]?.state === 'exhausted');
    const row = await database.read.selectFrom('webhooks').selectAll().executeTakeFirstOrThrow();
    assert.deepEqual([row.active, row.off_reason, row.revision], [0, 'gone', 1]);
    assert.ok(Math.abs((row.off_since ?? 0) - Date.now()) < 10_000);
    assert.equal((await database.read.selectFrom('webhook_states').select('announce').executeTakeFirstOrThrow()).announce, 'disabled');
    assert.deepEqual(await database.read.selectFrom('subscriptions').selectAll().execute(), []);
    await it.happen();
    assert.equal((await deliveriesOf(database)).length, 1, 'while it is off nothing is made for it');
    assert.equal(receiver.arrived.length, 1);
  });

  test(`failures and successes are kept with the webhook (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    let well = false;
    const receiver = await startReceiver(t, (response) => response.writeHead(well ? 204 : 503).end());
    const it = await createEngine(t, { database, intervalMs: 50 });
    await it.addWebhook(receiver.url);
    await it.worker.start();
    await it.happen();
    const state = () => database.read.selectFrom('webhook_states').selectAll().executeTakeFirstOrThrow();
    await until(async () => (await state()).failures >= 2);
    const failing = await state();
    assert.ok(failing.failing_since !== null && failing.failing_since <= (failing.last_failure ?? 0));
    assert.deepEqual([failing.last_status, failing.last_success], [503, null]);
    well = true;
    await until(async () => (await state()).last_success !== null);
    const working = await state();
    assert.deepEqual([working.failures, working.failing_since, working.resting_until, working.last_status], [0, null, null, 204]);
  });

  test(`a hundred webhooks that hang leave a healthy one its pace (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const hanging = await startReceiver(t, () => undefined);
    const healthy = await startReceiver(t);
    const it = await createEngine(t, { database, deadlineMs: 60_000, bounds: { slowMs: 100 } });
    for (let n = 0; n < 100; n += 1) await it.addWebhook(`${hanging.url}/${n}`);
    await it.addWebhook(healthy.url);
    await it.worker.start();
    for (let n = 0; n < 8; n += 1) {
      const began = performance.now();
      await it.happen();
      await healthy.count(n + 1);
      assert.ok(performance.now() - began < 5_000);
    }
    // Each hanging one was tried once, and none of them a second time.
    assert.ok(hanging.arrived.length <= 100, `${hanging.arrived.length}`);
  });
});
