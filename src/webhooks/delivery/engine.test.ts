// The whole way of a delivery, on both databases, with receivers of our own on loopback: recorded, fanned out, claimed, sent, settled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { eachDatabase } from '../../../test/databases.ts';
import { createEngine, ids, lastFirst, sealer, startReceiver, until } from '../../../test/webhooks/engine.ts';
import { report } from '../../../test/webhooks/listed-report.ts';
import { systemClock } from '../../clock.ts';
import type { Database } from '../../storage/database/database.ts';
import { abandonMs } from '../../worker.ts';
import { updateWebhook } from '../subscriptions/change.ts';
import { pack, unpack } from './packed.ts';
import { resend } from './resend.ts';
import { leaseMsDefault } from './turns.ts';
import type { ClaimRow, OutcomeRow } from './unit-rows.ts';
import { lanes } from './unit-rows.ts';
import { turnUnit } from './units.ts';
import { takeBackExpired } from './upkeep.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const deliveriesOf = (database: Database) => database.read.selectFrom('deliveries').selectAll().orderBy('id').execute();
const attemptsOf = (database: Database) => database.read.selectFrom('attempts').selectAll().orderBy('id').execute();

/** One turn as the engine makes it: what is settled, and what is claimed. */
function turn(
  database: Database,
  what: { readonly outcomes?: readonly OutcomeRow[]; readonly claims?: readonly ClaimRow[]; readonly now?: number },
) {
  const { outcomes = [], claims = [], now = Date.now() } = what;
  return database.run(turnUnit, {
    now,
    token: `${database.node}:${ids.random()}`,
    leaseUntil: now + leaseMsDefault,
    outcomes: pack(outcomes),
    returned: [],
    claims,
  });
}

const settled = (database: Database, n: number) =>
  until(async () => (await deliveriesOf(database)).filter((row) => row.settled !== null).length === n);

eachDatabase((open, engine) => {
  test(`an event reaches the webhooks that want it, signed, in the list's shape (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database });
    await it.addWebhook(`${receiver.url}/wants`);
    await it.addWebhook(`${receiver.url}/updated-only`, { events: ['report.updated'] });
    await it.addWebhook(`${receiver.url}/other-project`, { project: ids.next() });
    await it.worker.start();
    await it.happen({ reports: [report] });
    await receiver.count(1);
    await settled(database, 1);
    const [arrived] = receiver.arrived;
    assert.equal(arrived?.url, '/hook/wants');
    assert.equal(arrived?.body, JSON.stringify({ organizationId: it.organization, reports: [report] }));
    new Webhook(secret).verify(arrived?.body ?? '', arrived?.headers as Record<string, string>);
    assert.equal(arrived?.headers['content-type'], 'application/json');
    assert.equal(arrived?.headers['x-gatepost-event'], 'report.ingested');
    assert.equal(arrived?.headers['x-gatepost-attempt'], '1');
    assert.match(String(arrived?.headers['x-gatepost-signature-256']), /^sha256=[0-9a-f]{64}$/);
    const [delivery, more] = await deliveriesOf(database);
    assert.equal(more, undefined);
    assert.equal(delivery?.state, 'delivered');
    assert.equal(delivery?.id, arrived?.headers['webhook-id']);
    assert.equal((await attemptsOf(database)).length, 1);
  });

  test(`a failed delivery is retried under the same id until it succeeds (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t, (response, _arrived, nth) => response.writeHead(nth < 3 ? 500 : 200).end('oops'));
    const it = await createEngine(t, { database, intervalMs: 50 });
    await it.addWebhook(receiver.url);
    await it.worker.start();
    await it.happen();
    await settled(database, 1);
    assert.deepEqual(
      receiver.arrived.map((each) => each.headers['x-gatepost-attempt']),
      ['1', '2', '3'],
    );
    assert.equal(new Set(receiver.arrived.map((each) => each.headers['webhook-id'])).size, 1);
    assert.deepEqual(
      (await attemptsOf(database)).map((row) => [row.number, row.status]),
      [
        [1, 500],
        [2, 500],
        [3, 200],
      ],
    );
  });

  test(`a delivery whose time is over is exhausted, kept, and resendable under the same id (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    let well = false;
    const receiver = await startReceiver(t, (response) => response.writeHead(well ? 200 : 503).end());
    const it = await createEngine(t, { database, intervalMs: 50, retryForMs: 120 });
    const webhook = await it.addWebhook(receiver.url);
    await it.worker.start();
    await it.happen();
    await settled(database, 1);
    const [exhausted] = await deliveriesOf(database);
    assert.equal(exhausted?.state, 'exhausted');
    assert.equal(exhausted?.last_status, 503);
    well = true;
    await database.write((tx) =>
      resend({ tx, organization: it.organization, delivery: exhausted?.id ?? '', clock: { now: () => Date.now() }, retryForMs: 1000 }),
    );
    it.worker.wake(webhook);
    await until(async () => (await deliveriesOf(database))[0]?.state === 'delivered');
    assert.equal(new Set(receiver.arrived.map((each) => each.headers['webhook-id'])).size, 1);
    assert.equal((await attemptsOf(database)).length, receiver.arrived.length);
  });

  test(`a resend of what is delivered, or under way, is never swallowed (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const waiting: (() => void)[] = [];
    const receiver = await startReceiver(t, (response) => waiting.push(() => response.writeHead(200).end()));
    const it = await createEngine(t, { database });
    const webhook = await it.addWebhook(receiver.url);
    await it.worker.start();
    await it.happen();
    await receiver.count(1);
    const [delivery] = await deliveriesOf(database);
    const again = () =>
      database.write((tx) =>
        resend({ tx, organization: it.organization, delivery: delivery?.id ?? '', clock: { now: () => Date.now() }, retryForMs: 60_000 }),
      );
    // While the first attempt is under way; it will succeed.
    await again();
    waiting.shift()?.();
    await receiver.count(2);
    waiting.shift()?.();
    await settled(database, 1);
    // And once it is delivered.
    await again();
    it.worker.wake(webhook);
    await receiver.count(3);
    waiting.shift()?.();
    await settled(database, 1);
    assert.deepEqual(
      receiver.arrived.map((each) => each.headers['x-gatepost-attempt']),
      ['1', '2', '3'],
    );
    assert.equal((await deliveriesOf(database))[0]?.state, 'delivered');
  });

  test(`a delivery claimed twice is sent once, and a stale worker's outcome changes nothing (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const webhook = await it.addWebhook('http://127.0.0.1:1/');
    for (let n = 0; n < 6; n += 1) await it.happen();
    const claims = [{ webhook, lane: lanes.first, limit: 100 }];
    const turns = await Promise.all([0, 1, 2].map(() => turn(database, { claims })));
    const taken = turns.flatMap(({ claimed }) => claimed.flatMap((each) => unpack(each.rows)));
    assert.equal(taken.length, 6);
    assert.equal(new Set(taken.map((each) => each.delivery)).size, 6);
    const [before] = await deliveriesOf(database);
    // Its lease ends, another takes it.
    const now = Date.now() + leaseMsDefault + 1;
    assert.equal(await takeBackExpired({ database, clock: { now: () => now } }), 6);
    await turn(database, { claims, now });
    const [after] = await deliveriesOf(database);
    const outcome = (token: string | null | undefined): OutcomeRow => ({
      delivery: before?.id ?? '',
      organization: it.organization,
      webhook,
      token: token ?? '',
      state: 'delivered',
      lane: lanes.first,
      due: now,
      number: 1,
      now,
      attempt: ids.next(),
      at: now,
      durationMs: 1,
      request: '{}',
      status: 200,
      answerHeaders: null,
      answerBody: null,
      error: null,
      worked: true,
      quiet: false,
      slow: false,
      restingUntil: null,
      gone: true,
    });
    const state = async (token: string | null | undefined) => (await turn(database, { outcomes: [outcome(token)], now })).states;
    assert.deepEqual(await state(before?.lease_token), [null]);
    assert.equal((await attemptsOf(database)).length, 0);
    // What does not count says nothing about the webhook either.
    assert.equal((await database.read.selectFrom('webhooks').select('active').executeTakeFirstOrThrow()).active, 1);
    assert.deepEqual(await state(after?.lease_token), ['delivered']);
    assert.deepEqual(await state(after?.lease_token), [null]);
    assert.equal((await attemptsOf(database)).length, 1);
  });

  test(`what a killed process had sent and not settled is sent again under the same id (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database });
    const webhook = await it.addWebhook(receiver.url);
    await it.happen();
    // A process that claims and sends, and dies before it settles.
    const { claimed } = await turn(database, { claims: [{ webhook, lane: lanes.first, limit: 1 }] });
    const [taken] = claimed.flatMap((each) => unpack(each.rows));
    assert.ok(taken);
    await it.worker.start();
    await settled(database, 1);
    assert.equal(receiver.arrived.length, 1);
    assert.equal(receiver.arrived[0]?.headers['webhook-id'], taken.delivery);
    assert.equal(receiver.arrived[0]?.headers['x-gatepost-attempt'], '1');
  });

  test(`a webhook that hangs holds its own slots alone; the others do not feel it (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const hanging = await startReceiver(t, () => undefined);
    const healthy = await startReceiver(t);
    // Nothing times out here: what hangs holds its slots to the end of the test.
    const it = await createEngine(t, { database, deadlineMs: 60_000 });
    await it.addWebhook(hanging.url);
    await it.addWebhook(healthy.url);
    await it.worker.start();
    for (let n = 0; n < 30; n += 1) await it.happen();
    await healthy.count(30);
    await hanging.count(1);
    // Two more turns, each of which would claim more if it could: one that never answered gets no more than one.
    for (let n = 31; n <= 32; n += 1) {
      await it.happen();
      await healthy.count(n);
    }
    assert.equal(hanging.arrived.length, 1);
  });

  test(`a webhook that has failed is probed by one at a time (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const underWay = { now: 0, most: 0 };
    const [well, inFlightMax] = [20, 8];
    const receiver = await startReceiver(t, (response, _arrived, nth) => {
      underWay.now += 1;
      // Those that were sent together before the first of them failed; what comes later is a probe.
      if (nth > well + inFlightMax) underWay.most = Math.max(underWay.most, underWay.now);
      response.once('close', () => {
        underWay.now -= 1;
      });
      if (nth <= well) response.end();
    });
    const it = await createEngine(t, { database, deadlineMs: 300, bounds: { inFlightMax, restMsMin: 1, restMsMax: 1 } });
    await it.addWebhook(receiver.url);
    for (let n = 0; n < well + inFlightMax + 10; n += 1) await it.happen();
    await it.worker.start();
    await receiver.count(well + inFlightMax + 2);
    assert.equal(underWay.most, 1);
  });

  test(`what a stop breaks off is no failure of the receiver's, and nobody waits for it (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const hanging = await startReceiver(t, () => undefined);
    const it = await createEngine(t, { database, deadlineMs: 60_000 });
    await it.addWebhook(hanging.url);
    await it.worker.start();
    await it.happen();
    await hanging.count(1);
    const began = performance.now();
    await it.worker.stop(0);
    assert.ok(performance.now() - began < abandonMs, 'work that heeds the stop is not waited for as work that does not');
    assert.equal((await attemptsOf(database)).length, 0);
    assert.deepEqual(
      (await deliveriesOf(database)).map((row) => [row.state, row.attempts]),
      [['leased', 0]],
    );
  });

  test(`first attempts go before retries (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const receiver = await startReceiver(t);
    await it.addWebhook(receiver.url);
    for (let n = 0; n < 3; n += 1) await it.happen();
    await database.write((tx) => tx.updateTable('deliveries').set({ attempts: 1, lane: lanes.retry, due: 1 }).execute());
    const fresh = await it.happen();
    await it.worker.start();
    await receiver.count(4);
    const first = (await deliveriesOf(database)).find((row) => row.event === fresh);
    assert.equal(receiver.arrived[0]?.headers['webhook-id'], first?.id);
  });

  test(`while a webhook is off nothing is made for it, and what waits is neither sent nor lost (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database });
    const webhook = await it.addWebhook(receiver.url);
    await it.happen();
    const who = { organization: it.organization, onlyProject: null, webhook, sealer, actor: 'cli', ids, clock: systemClock } as const;
    const turn = (active: boolean) => database.write((tx) => updateWebhook({ ...who, tx, change: { active } }));
    await turn(false);
    await it.happen();
    await it.worker.start();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(
      (await deliveriesOf(database)).map((row) => row.state),
      ['pending'],
    );
    await turn(true);
    it.worker.wake(webhook);
    await settled(database, 1);
    assert.equal(receiver.arrived.length, 1);
  });

  test(`what is refused at sending is an attempt with its reason and reaches nobody (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database, allow: [], retryForMs: 1 });
    await it.addWebhook(receiver.url);
    await it.worker.start();
    await it.happen();
    await settled(database, 1);
    const [attempt] = await attemptsOf(database);
    assert.equal(attempt?.error, 'address_refused');
    assert.equal(JSON.parse(attempt?.request ?? '{}').reason, 'loopback');
    assert.equal(receiver.arrived.length, 0);
  });

  test(`no secret reaches the log or the database in clear, though the receiver throws it all back (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t, (response, arrived) =>
      response
        .writeHead(500, { 'x-echo': String(arrived.headers.authorization), 'set-cookie': 'a=planted-cookie' })
        .end(`\0 ${arrived.url} ${JSON.stringify(arrived.headers)}`),
    );
    const it = await createEngine(t, { database, retryForMs: 1 });
    const url = receiver.url.replace('http://', 'http://bob:planted-password@');
    await it.addWebhook(`${url}?token=planted-token`, { secret: 'planted-secret-of-the-webhook' });
    await it.worker.start();
    await it.happen();
    await settled(database, 1);
    const [arrived] = receiver.arrived;
    assert.equal(arrived?.headers.authorization, `Basic ${Buffer.from('bob:planted-password').toString('base64')}`);
    assert.equal(arrived?.url, '/hook?token=planted-token');
    const [attempt] = await attemptsOf(database);
    assert.match(attempt?.response_body ?? '', /\uFFFD/);
    assert.match(attempt?.request ?? '', /"url":"http:\/\/\*\*\*@127\.0\.0\.1:\d+\/hook\?token=\*\*\*"/);
    const tables = ['webhooks', 'deliveries', 'attempts', 'events', 'audit'] as const;
    const rows = await Promise.all(tables.map((table) => database.read.selectFrom(table).selectAll().execute()));
    const everything = JSON.stringify(rows) + it.log.join('');
    for (const planted of ['planted', Buffer.from('bob:planted-password').toString('base64')])
      assert.ok(!everything.includes(planted), planted);
    await until(() => it.lines.some((each) => each['msg'] === 'delivery.attempted'));
    const [line] = it.lines.filter((each) => each['msg'] === 'delivery.attempted');
    assert.equal(line?.['organization'], 'example');
    assert.equal(line?.['outcome'], 'exhausted');
    assert.ok(!it.log.join('').includes(it.organization));
  });
});
