// Replays over rows that the test puts in place, on both databases: nothing is sent, what is asked for is looked at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { createTestClock, createTestServer } from '../../../test/http.ts';
import type { Rows } from '../../../test/webhooks/rows.ts';
import { createRows } from '../../../test/webhooks/rows.ts';
import type { Database } from '../../storage/database/database.ts';
import { cancelReplay, eventsOfUnitMax, insertReplay, readReplay, replayedWaitingMax } from './replay.ts';
import { createReplays, lateCommitMs } from './replay-round.ts';
import { replayRoutes } from './replay-routes.ts';
import { lanes } from './unit-rows.ts';

const hour = 3_600_000;
const retryForMs = 120 * hour;

function setUp(it: Rows) {
  const { database, ids, clock, organization } = it;
  const nudged: string[] = [];
  const who = { organization, onlyProject: null, actor: 'cli' as const, ids, clock };
  const replays = createReplays({ database, ids, clock, retryForMs, nudge: (webhooks) => void nudged.push(...webhooks) });
  return {
    nudged,
    replays,
    begin: (webhook: string, only: 'failed' | 'all' = 'failed', since = 0) =>
      database.write((tx) => insertReplay({ ...who, tx, webhook, since, until: clock.now(), only })),
    cancel: (replay: string) => database.write((tx) => cancelReplay({ ...who, tx, replay })),
    progress: (replay: string) => readReplay({ read: database.read, organization, onlyProject: null, replay }),
    async run(rounds = 100) {
      clock.ms += lateCommitMs;
      for (let n = 0; n < rounds && (await replays.round()); n += 1);
    },
  };
}

const replayed = (database: Database, webhook: string) =>
  database.read
    .selectFrom('deliveries')
    .selectAll()
    .where('webhook', '=', webhook)
    .where('lane', '=', lanes.replay)
    .orderBy('due')
    .execute();

const send = (database: Database, rows: readonly { readonly id: string }[]) => {
  const ids = rows.map((row) => row.id);
  return database.write((tx) =>
    tx.updateTable('deliveries').set({ state: 'delivered', lane: 1, settled: 1 }).where('id', 'in', ids).execute(),
  );
};

eachDatabase((open, engine) => {
  test(`a replay asks for what did not arrive, under its own id, and leaves alone what did or will (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { begin, run, progress, nudged } = setUp(it);
    const before = await it.addEvent();
    it.clock.ms += hour;
    const webhook = await it.addWebhook({ events: ['report.ingested'] });
    const events: string[] = [];
    for (let n = 0; n < 6; n += 1, it.clock.ms += hour) events.push(await it.addEvent());
    const other = await it.addEvent({ kind: 'report.updated' });
    const [delivered, exhausted, cancelled, pending, leased, never] = events as [string, string, string, string, string, string];
    const settled = it.clock.now();
    const made = {
      delivered: await it.addDelivery(delivered, webhook, { state: 'delivered', settled, attempts: 1, last_status: 200 }),
      exhausted: await it.addDelivery(exhausted, webhook, { state: 'exhausted', settled, attempts: 7, last_error: 'timeout' }),
      cancelled: await it.addDelivery(cancelled, webhook, { state: 'cancelled', settled }),
      pending: await it.addDelivery(pending, webhook),
      leased: await it.addDelivery(leased, webhook, { state: 'leased', lease_token: 'x' }),
    };
    it.clock.ms += hour;
    const { id } = await begin(webhook);
    await run();
    const rows = await replayed(it.database, webhook);
    assert.deepEqual([(await progress(id)).state, (await progress(id)).waitsFor], ['running', 'deliveries']);
    assert.deepEqual(
      rows.map((row) => row.event),
      [exhausted, cancelled, never],
    );
    assert.deepEqual([rows[0]?.id, rows[1]?.id, rows[0]?.attempts], [made.exhausted, made.cancelled, 7]);
    for (const row of rows) {
      const event = await it.database.read.selectFrom('events').selectAll().where('id', '=', row.event).executeTakeFirstOrThrow();
      assert.deepEqual([row.state, row.settled, row.due], ['pending', null, event.created]);
      assert.equal(row.retry_until, it.clock.now() + retryForMs);
    }
    assert.equal((await it.delivery(made.delivered))['state'], 'delivered');
    assert.equal((await it.delivery(made.leased))['lease_token'], 'x');
    assert.equal((await it.delivery(made.pending))['lane'], lanes.first);
    const bodies = await it.database.read.selectFrom('event_bodies').select('event').execute();
    assert.deepEqual(bodies, [{ event: never }]);
    await send(it.database, rows);
    await run();
    const { state, events: seen, deliveries, eventsLeft } = await progress(id);
    assert.deepEqual({ state, seen, deliveries, eventsLeft }, { state: 'done', seen: 8, deliveries: 3, eventsLeft: 0 });
    assert.deepEqual(nudged, [webhook]);
    // All of it: what arrived too, and what was there before the webhook. Kinds that it does not want never.
    await begin(webhook, 'all');
    await run();
    const all = (await replayed(it.database, webhook)).map((row) => row.event);
    assert.deepEqual(all, [before, delivered, exhausted, cancelled, never]);
    assert.ok(!all.includes(other));
  });

  test(`a span is kept to the millisecond, and a project's webhook gets its project alone, never news of itself (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { begin, run } = setUp(it);
    const project = it.ids.next();
    const webhook = await it.addWebhook({ project });
    const one = { id: webhook, name: '', url: '' };
    const facts = { organization: '', webhook: one, since: null, failures: 1, lastStatus: null, lastError: null, reason: null };
    const wanted: string[] = [];
    await it.addEvent({ project });
    it.clock.ms += 1;
    const since = it.clock.now();
    wanted.push(await it.addEvent({ project }));
    await it.addEvent({ project: it.ids.next() });
    await it.addEvent();
    await it.addEvent({ project, kind: 'webhook.failing', facts });
    wanted.push(await it.addEvent({ project, kind: 'webhook.failing', facts: { ...facts, webhook: { ...one, id: 'another' } } }));
    await begin(webhook, 'failed', since);
    it.clock.ms += 1;
    await it.addEvent({ project });
    await run();
    assert.deepEqual((await replayed(it.database, webhook)).map((row) => row.event).toSorted(), wanted.toSorted());
  });

  test(`however long the span, at most ${replayedWaitingMax} wait to be sent, and the order of the events stays (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { begin, run, progress } = setUp(it);
    const webhook = await it.addWebhook();
    const events: string[] = [];
    for (let n = 0; n < 780; n += 1, it.clock.ms += 1) events.push(await it.addEvent());
    const { id } = await begin(webhook);
    const sent: string[] = [];
    for (let n = 0; n < 50 && sent.length < events.length; n += 1) {
      await run();
      const waiting = await replayed(it.database, webhook);
      assert.ok(waiting.length <= replayedWaitingMax);
      if (sent.length === 0) {
        const { waitsFor, eventsLeft, deliveries } = await progress(id);
        assert.deepEqual({ waitsFor, eventsLeft, deliveries }, { waitsFor: 'deliveries', eventsLeft: 280, deliveries: 500 });
      }
      const first = waiting.slice(0, 150);
      sent.push(...first.map((row) => row.event));
      await send(it.database, first);
    }
    assert.deepEqual(sent, events);
    await run();
    assert.equal((await progress(id)).state, 'done');
  });

  test(`nodes that replay the same span at once, and a crash in a unit, ask for each delivery once (${engine})`, async (context) => {
    const database = await open(context);
    const it = await createRows(database);
    const { begin, progress, run } = setUp(it);
    const webhook = await it.addWebhook();
    for (let n = 0; n < 250; n += 1) await it.addEvent();
    const { id } = await begin(webhook);
    it.clock.ms += lateCommitMs;
    let crashes = 3;
    const crashing: Database = {
      ...database,
      write: (unit) =>
        database.write(async (tx) => {
          const done = await unit(tx);
          if (crashes > 0) {
            crashes -= 1;
            throw new Error('the process is gone');
          }
          return done;
        }),
    };
    const options = { ids: it.ids, clock: it.clock, retryForMs, nudge: () => undefined };
    const dying = createReplays({ ...options, database: crashing });
    for (let n = 0; n < 3; n += 1) await assert.rejects(dying.round());
    assert.equal((await progress(id)).events, 0);
    const nodes = [createReplays({ ...options, database }), createReplays({ ...options, database })];
    for (let n = 0; n < 4; n += 1) await Promise.all(nodes.map((node) => node.round()));
    await run();
    const asked = await replayed(database, webhook);
    assert.equal(asked.length, 250);
    await send(database, asked);
    await run();
    const { state, events, deliveries } = await progress(id);
    assert.deepEqual({ state, events, deliveries }, { state: 'done', events: 250, deliveries: 250 });
  });

  test(`an event that is committed late is not passed over (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { begin, replays, run, progress } = setUp(it);
    const webhook = await it.addWebhook();
    it.clock.ms += hour;
    const lateId = it.ids.next();
    await it.addEvent();
    const { id } = await begin(webhook);
    await replays.round();
    assert.equal((await progress(id)).state, 'running');
    const late = { id: lateId, organization: it.organization, kind: 'report.ingested', project: null, created: it.clock.now() };
    const facts = JSON.stringify({ organizationId: it.organization, reports: [] });
    await it.database.write((tx) =>
      tx
        .insertInto('events')
        .values({ ...late, facts, fanned_out: 1 })
        .execute(),
    );
    await run();
    await send(it.database, await replayed(it.database, webhook));
    await run();
    const shown = await progress(id);
    assert.deepEqual([shown.state, shown.deliveries], ['done', 2]);
    // A clock that was set back does not make a replay wait until it has caught up.
    const { id: second } = await begin(webhook);
    it.clock.ms -= hour;
    await replays.round();
    await replays.round();
    assert.equal((await progress(second)).state, 'done');
  });

  test(`a replay that is cancelled gives back what nobody has begun to send (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { begin, run, cancel } = setUp(it);
    const webhook = await it.addWebhook();
    const events = [await it.addEvent(), await it.addEvent(), await it.addEvent(), await it.addEvent()];
    const [arrived = '', failed = '', never = '', tried = ''] = events;
    const settled = it.clock.now();
    const rows = {
      arrived: await it.addDelivery(arrived, webhook, { state: 'delivered', settled, attempts: 1, last_status: 204 }),
      failed: await it.addDelivery(failed, webhook, {
        state: 'exhausted',
        settled,
        attempts: 2,
        last_status: 200,
        last_error: 'answer_too_slow',
      }),
      tried: await it.addDelivery(tried, webhook, { state: 'exhausted', settled, attempts: 2, last_status: 500 }),
    };
    const { id } = await begin(webhook, 'all');
    await run();
    await it.database.write((tx) => tx.updateTable('deliveries').set({ lane: lanes.retry }).where('id', '=', rows.tried).execute());
    assert.equal((await cancel(id)).state, 'cancelled');
    assert.equal((await it.delivery(rows.arrived))['state'], 'delivered');
    assert.equal((await it.delivery(rows.failed))['state'], 'exhausted');
    assert.equal((await it.delivery(rows.tried))['state'], 'pending');
    const made = await it.database.read.selectFrom('deliveries').selectAll().where('event', '=', never).executeTakeFirstOrThrow();
    assert.deepEqual([made.state, made.settled], ['cancelled', it.clock.now()]);
    await assert.rejects(cancel(id), { code: 'replay_ended' });
  });

  test(`a replay waits while its webhook is off, and ends when it is deleted (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { begin, run, progress } = setUp(it);
    const webhook = await it.addWebhook();
    await it.addEvent();
    const { id } = await begin(webhook);
    const set = (active: number) => it.database.write((tx) => tx.updateTable('webhooks').set({ active }).execute());
    await set(0);
    await run();
    assert.deepEqual(
      [(await progress(id)).state, (await progress(id)).waitsFor, (await progress(id)).eventsLeft],
      ['running', 'webhook', 1],
    );
    await assert.rejects(begin(webhook), { code: 'webhook_off' });
    await set(1);
    await assert.rejects(begin(webhook), { code: 'replay_running' });
    await it.database.write((tx) => tx.deleteFrom('webhooks').execute());
    await run();
    assert.equal((await progress(id)).state, 'cancelled');
  });

  test(`replays by HTTP: begun, listed, shown, cancelled, and nobody else's (${engine})`, async (context) => {
    const database = await open(context);
    const server = await createTestServer({ database, clock: createTestClock() });
    const it = await createRows(database, server.clock);
    let begun = 0;
    replayRoutes(server.server, { database, clock: server.clock, ids: server.ids, begun: () => void (begun += 1) });
    const mine = await server.organization('Mine');
    const stranger = await server.organization('Stranger');
    const webhook = await it.addWebhook();
    await database.write((tx) => tx.updateTable('webhooks').set({ organization: mine.id }).execute());
    const url = `/v1/webhooks/${webhook}/replays`;
    const as = mine.token;
    const since = new Date(server.clock.now() - hour).toISOString();
    assert.equal((await server.call('POST', url, { as, body: { since: 'yesterday' } })).json['code'], 'invalid_since');
    const later = new Date(server.clock.now() + hour).toISOString();
    assert.equal((await server.call('POST', url, { as, body: { since: later } })).json['code'], 'invalid_span');
    assert.equal((await server.call('POST', url, { as: stranger.token, body: { since } })).status, 404);
    assert.equal(begun, 0);
    const made = await server.call('POST', url, { as, body: { since, until: later, only: 'all' } });
    assert.equal(made.status, 202);
    assert.equal(begun, 1);
    assert.equal(made.json['state'], 'running');
    assert.equal(made.json['until'], new Date(server.clock.now()).toISOString().replace('Z', '+00:00'));
    assert.equal((await server.call('POST', url, { as, body: { since } })).json['code'], 'replay_running');
    const path = new URL(String(made.headers['location'])).pathname;
    assert.equal((await server.call('GET', path, { as })).json['only'], 'all');
    assert.equal((await server.call('GET', path, { as: stranger.token })).status, 404);
    assert.equal((await server.call('DELETE', path, { as: stranger.token })).status, 404);
    assert.equal((await server.call('DELETE', path, { as })).json['state'], 'cancelled');
    assert.equal((await server.call('DELETE', path, { as })).json['code'], 'replay_ended');
    await server.call('POST', url, { as, body: { since } });
    const page = await server.call('GET', `${url}?limit=1`, { as });
    assert.deepEqual(
      (page.json['replays'] as { only: string }[]).map((one) => one.only),
      ['failed'],
    );
    const next = new URL(/<(.+)>/.exec(String(page.headers['link']))?.[1] ?? '');
    const rest = await server.call('GET', next.pathname + next.search, { as });
    assert.deepEqual(
      (rest.json['replays'] as { only: string }[]).map((one) => one.only),
      ['all'],
    );
    assert.equal(rest.headers['link'], undefined);
    assert.equal((await server.call('GET', url, { as: stranger.token })).status, 404);
  });
});

test('a unit leaves room for itself', () => assert.equal(replayedWaitingMax % eventsOfUnitMax, 0));
