// What holds deliveries up is put into the database row by row, and the doctor must find all of it and nothing else, on both databases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Insertable, Updateable } from 'kysely';
import { gatepost, gatepostJson } from '../../../test/cli/command-line.ts';
import { eachDatabase, engines, newLocation } from '../../../test/databases.ts';
import { createTestClock } from '../../../test/http.ts';
import type { Rows } from '../../../test/webhooks/rows.ts';
import { createRows } from '../../../test/webhooks/rows.ts';
import { timestampText } from '../../clock.ts';
import { insertEvent } from '../../events/record.ts';
import { mailLeaseMs } from '../../mail/send.ts';
import { openDatabase } from '../../storage/database/open.ts';
import type { MailsTable, ReplaysTable, WebhooksTable, WebhookStatesTable } from '../../storage/database/schema.ts';
import { lanes } from '../../webhooks/delivery/unit-rows.ts';
import type { Check } from './check.ts';
import { countedMax, itemsShownMax } from './check.ts';
import { differenceMsMax, skewMsMax, spanText } from './clock.ts';
import { fanOutMsMax, leaseGraceMs, replayMsMin } from './engine.ts';
import { mailsLookedBackMs } from './mails.ts';
import { overdueMsMin } from './webhooks.ts';
import type { WorkOptions } from './work.ts';
import { checkWork } from './work.ts';

const minute = 60_000;

async function look(it: Rows, options: Partial<WorkOptions> = {}): Promise<Readonly<Record<string, Check>>> {
  const usual = { read: it.database.read, clock: it.clock, shared: null, isServing: true, sendsMail: true, lookAgainMs: 1 };
  const checks = await checkWork({ ...usual, ...options });
  return Object.fromEntries(checks.map((check) => [check.name, check]));
}

function wrong(checks: Readonly<Record<string, Check>>): readonly string[] {
  return Object.values(checks)
    .filter(({ state }) => state !== 'ok')
    .map(({ name, state }) => `${name} ${state}`);
}

function says(check: Check | undefined): string {
  return [check?.says, ...(check?.items ?? []).map((item) => item.says)].join('\n');
}

async function stand(it: Rows, webhook: string, state: Updateable<WebhookStatesTable>, row: Updateable<WebhooksTable> = {}): Promise<void> {
  await it.database.write(async (tx) => {
    await tx
      .updateTable('webhook_states')
      .set({ failures: 0, ...state })
      .where('webhook', '=', webhook)
      .execute();
    if (Object.keys(row).length > 0) await tx.updateTable('webhooks').set(row).where('id', '=', webhook).execute();
  });
}

async function replay(it: Rows, webhook: string, created: number): Promise<string> {
  const { ids, organization } = it;
  const span = { since: 0, until: created, which: 'all', after_event: '' };
  const row: Insertable<ReplaysTable> = {
    id: ids.next(),
    organization,
    webhook,
    ...span,
    state: 'running',
    events: 0,
    deliveries: 0,
    created,
  };
  await it.database.write((tx) =>
    tx
      .insertInto('replays')
      .values({ ...row, finished: null })
      .execute(),
  );
  return row.id;
}

async function mail(it: Rows, given: Partial<Insertable<MailsTable>>): Promise<void> {
  const { ids, organization, clock } = it;
  const now = clock.now();
  const row = { id: ids.next(), organization, recipients: '["secret@example.com"]', subject: 's', body: 'b', state: 'pending', due: now };
  const rest = { attempts: 0, last_error: null, created: now, settled: null };
  await it.database.write((tx) =>
    tx
      .insertInto('mails')
      .values({ ...row, ...rest, ...given })
      .execute(),
  );
}

eachDatabase((open, engine) => {
  test(`nothing is wrong where all is sent, rests for a moment, or was switched off by hand with nothing waiting (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const now = it.clock.now();
    const webhook = await it.addWebhook();
    const off = await it.addWebhook({ name: 'off' });
    await stand(it, off, {}, { active: 0, off_since: now, off_reason: 'by_hand' });
    await it.addDelivery(await it.addEvent(), webhook, { due: now - overdueMsMin });
    await it.addDelivery(await it.addEvent(), webhook, { state: 'leased', lease_token: 'node:x', due: now - leaseGraceMs });
    // A replay's deliveries are as old as their events, and are not late for it.
    await it.addDelivery(await it.addEvent(), webhook, { lane: lanes.replay, due: 0 });
    await it.addDelivery(await it.addEvent(), webhook, { lane: lanes.retry, due: now + minute });
    await replay(it, webhook, now - replayMsMin);
    await mail(it, { due: now - mailLeaseMs });
    await mail(it, { state: 'failed', last_error: 'EAUTH', settled: now - mailsLookedBackMs - 1 });
    assert.deepEqual(wrong(await look(it)), []);
  });

  test(`webhooks that fail, rest or are off are told with why, since when, and how much waits (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const now = it.clock.now();
    const since = timestampText(now - 5 * minute);
    const failing = await it.addWebhook({ name: 'failing' });
    await stand(it, failing, { failures: 7, failing_since: now - 5 * minute, last_status: 503, resting_until: now + minute, slow: 1 });
    const gone = await it.addWebhook({ name: 'gone' });
    await stand(it, gone, {}, { active: 0, off_since: now - 5 * minute, off_reason: 'gone' });
    const off = await it.addWebhook({ name: 'by hand' });
    await stand(it, off, {}, { active: 0, off_since: now - 5 * minute, off_reason: 'by_hand' });
    for (const webhook of [failing, failing, off]) await it.addDelivery(await it.addEvent(), webhook, { due: now - overdueMsMin - 1 });
    const checks = await look(it);
    assert.deepEqual(wrong(checks), ['webhooks warning']);
    assert.equal(checks['webhooks']?.says, '1 failing, 2 off');
    assert.deepEqual(
      checks['webhooks']?.items?.toSorted((one, other) => String(one['name']).localeCompare(String(other['name']))),
      [
        {
          says: `by hand (${off}) of ${it.slug}: off since ${since} (switched off by hand), 1 waiting`,
          webhook: off,
          name: 'by hand',
          organization: it.slug,
          standing: 'off',
          since,
          reason: 'by_hand',
          restingUntil: null,
          waiting: 1,
        },
        {
          says: `failing (${failing}) of ${it.slug}: failing since ${since} (7 failures, the last: status 503, in the slow lane), rests until ${timestampText(now + minute)}, 2 waiting`,
          webhook: failing,
          name: 'failing',
          organization: it.slug,
          standing: 'failing',
          since,
          reason: 'status 503',
          restingUntil: timestampText(now + minute),
          waiting: 2,
        },
        {
          says: `gone (${gone}) of ${it.slug}: off since ${since} (it answered 410), 0 waiting`,
          webhook: gone,
          name: 'gone',
          organization: it.slug,
          standing: 'off',
          since,
          reason: 'gone',
          restingUntil: null,
          waiting: 0,
        },
      ],
    );
  });

  test(`of many webhooks that fail the first are shown, and all are counted (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    for (let n = 0; n <= itemsShownMax; n += 1) await stand(it, await it.addWebhook(), { failing_since: it.clock.now() - n });
    const { webhooks } = await look(it);
    assert.deepEqual([webhooks?.says, webhooks?.items?.length], [`${itemsShownMax + 1} failing, 0 off`, itemsShownMax]);
  });

  test(`what waits is counted up to a bound (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const webhook = await it.addWebhook();
    await stand(it, webhook, { failing_since: 1 });
    const delivery = await it.addDelivery(await it.addEvent(), webhook);
    const row = await it.database.read.selectFrom('deliveries').selectAll().where('id', '=', delivery).executeTakeFirstOrThrow();
    for (let from = 1; from < countedMax + 5; from += 1_000) {
      const rows = Array.from({ length: 1_000 }, (_, n) => ({ ...row, id: `${from + n}`, event: `${from + n}` }));
      await it.database.write((tx) => tx.insertInto('deliveries').values(rows).execute());
    }
    const { webhooks } = await look(it);
    assert.equal(webhooks?.items?.[0]?.['waiting'], countedMax);
    assert.match(says(webhooks), /10,000 or more waiting/);
  });

  test(`what should have been sent to a webhook that works is told, with what may hold it up (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const now = it.clock.now();
    const late = now - overdueMsMin - 1;
    const [first, retry, limited] = [await it.addWebhook({ name: 'first' }), await it.addWebhook({ name: 'retry' }), await it.addWebhook()];
    await it.addDelivery(await it.addEvent(), first, { due: late - 2 });
    await it.addDelivery(await it.addEvent(), retry, { lane: lanes.retry, due: late - 1 });
    await it.addDelivery(await it.addEvent(), limited, { lane: lanes.asked, due: late });
    await stand(it, limited, { slow: 1 }, { ordered: 1, rate_count: 30, rate_period_ms: minute });
    const checks = await look(it);
    assert.deepEqual(wrong(checks), ['deliveries warning']);
    assert.deepEqual(
      checks['deliveries']?.items?.map(({ webhook, reason, since, waiting }) => [webhook, reason, since, waiting]),
      [
        [first, null, timestampText(late - 2), 1],
        [retry, null, timestampText(late - 1), 1],
        [limited, 'in strict order, at most 30 in 60 s, in the slow lane', timestampText(late), 1],
      ],
    );
    assert.match(checks['deliveries']?.remedy ?? '', /GATEPOST_IN_FLIGHT_OF_ALL/);
    assert.match((await look(it, { isServing: false }))['deliveries']?.remedy ?? '', /start it/);
  });

  test(`leases that ended untouched are told by node, and events that nobody makes deliveries of (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const now = it.clock.now();
    const webhook = await it.addWebhook();
    const leased = (token: string, due: number) => ({ state: 'leased' as const, lease_token: token, due });
    await it.addDelivery(await it.addEvent(), webhook, leased('one:a', now - leaseGraceMs - 1));
    await it.addDelivery(await it.addEvent(), webhook, leased('one:b', now - leaseGraceMs - 2));
    await it.addDelivery(await it.addEvent(), webhook, leased('two:c', now - leaseGraceMs - 3));
    const event = {
      organization: it.organization,
      kind: 'report.ingested',
      project: null,
      facts: { organizationId: '', reports: [] },
    } as const;
    for (const created of [now - fanOutMsMax, now - fanOutMsMax - 1]) {
      await it.database.write((tx) => insertEvent({ tx, event: { ...event, id: it.ids.next(), created } }));
    }
    const checks = await look(it);
    assert.deepEqual(wrong(checks), ['events warning', 'leases warning']);
    assert.equal(checks['events']?.says, `1 wait for their deliveries to be made, the first since ${timestampText(now - fanOutMsMax - 1)}`);
    const since = (ms: number) => timestampText(now - leaseGraceMs - ms);
    assert.deepEqual(checks['leases']?.items?.map(({ node, deliveries, since: at }) => [node, deliveries, at]).toSorted(), [
      ['one', 2, since(2)],
      ['two', 1, since(3)],
    ]);
  });

  test(`a replay whose webhook is off or fails is told, and one that nobody brings on, but none that moves (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const old = it.clock.now() - replayMsMin - 1;
    const [off, failing, left, sending] = [await it.addWebhook(), await it.addWebhook(), await it.addWebhook(), await it.addWebhook()];
    await stand(it, off, {}, { active: 0, off_since: 0, off_reason: 'by_hand' });
    await stand(it, failing, { failing_since: old });
    const replays = [await replay(it, off, old), await replay(it, failing, old), await replay(it, left, old)];
    await it.addDelivery(await it.addEvent(), sending, { lane: lanes.replay });
    const moving = await replay(it, sending, it.clock.now() - replayMsMin - 1);
    await it.database.write((tx) => tx.updateTable('replays').set({ until: 0 }).where('id', '=', moving).execute());
    const checks = await look(it);
    assert.deepEqual(wrong(checks), ['webhooks warning', 'replays warning']);
    assert.equal(checks['replays']?.says, '3 of 4 that run do not move');
    const told = checks['replays']?.items?.map((item) => [item['replay'], item['reason']]);
    const reasons = ['its webhook is off', 'its webhook fails', 'nobody brings it on'];
    assert.deepEqual(
      told,
      replays.map((id, number) => [id, reasons[number]]),
    );
  });

  test(`mails that failed or that nobody sends are told by their error, without whom they are for (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const now = it.clock.now();
    await mail(it, { state: 'failed', last_error: 'smtp_550', settled: now - mailsLookedBackMs });
    await mail(it, { state: 'failed', last_error: 'smtp_550', settled: now });
    await mail(it, { last_error: 'EAUTH', due: now + minute });
    await mail(it, { due: now - mailLeaseMs - 1 });
    const checks = await look(it, { sendsMail: false });
    assert.deepEqual(wrong(checks), ['mails warning']);
    assert.match(says(checks['mails']), /^4 did not go out\n2 given up, the first of .*: smtp_550\n/);
    assert.match(says(checks['mails']), /\n1 to be tried again, .*: EAUTH/);
    assert.match(says(checks['mails']), /\n1 not sent, /);
    assert.match(checks['mails']?.remedy ?? '', /GATEPOST_SMTP_URL is not set/);
    assert.doesNotMatch(JSON.stringify(checks['mails']), /secret@/);
  });

  test(`a clock that differs is told, from what was recorded and from the one that deliveries go by (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const at = (ms: number) => ({ clock: createTestClock(it.clock.now() + ms) });
    const told = async (options: Partial<WorkOptions>) => {
      const { clock } = await look(it, options);
      return `${clock?.state}: ${clock?.says}`;
    };
    assert.match(await told(at(-skewMsMax)), /^ok/);
    assert.match(await told(at(-skewMsMax - 1)), /^failed: .*but something was recorded at/);
    const shared = createTestClock(it.clock.now() - differenceMsMax);
    assert.match(await told({ shared }), /^ok/);
    shared.ms -= 1;
    assert.match(await told({ shared }), /^warning: this machine's is 2 s ahead of the database's/);
    shared.ms = it.clock.now() + skewMsMax + 1;
    assert.match(await told({ shared }), /^failed: this machine's is 5 min behind the database's/);
    const keep = (ms: number) =>
      it.database.write(async (tx) => {
        await tx.deleteFrom('settings').where('name', '=', 'delivery_clock').execute();
        await tx
          .insertInto('settings')
          .values({ name: 'delivery_clock', value: String(ms) })
          .execute();
      });
    await keep(it.clock.now() + differenceMsMax);
    assert.match(await told({}), /^ok/);
    await keep(it.clock.now() + 3_600_000);
    assert.match(await told({}), /^warning: it was set back: .* 60 min ahead/);
    await keep(it.clock.now() - 3 * minute);
    assert.match(await told({}), /^ok/);
    await keep(it.clock.now() - 86_400_000);
    assert.match(await told({}), /^warning: it was set forward, .* 24 h behind/);
    assert.match(await told({ isServing: false }), /^ok/);
  });
});

for (const engine of engines) {
  test(`doctor says what is stuck beside the process that holds the place, to people and to programs (${engine})`, async (context) => {
    const steps: (() => Promise<void>)[] = [];
    context.after(async () => {
      for (const step of steps.toReversed()) await step();
    });
    const location = await newLocation({ after: (step) => void steps.push(step) }, engine);
    const database = await openDatabase(location, 'server');
    steps.push(() => database.close());
    const it = await createRows(database, createTestClock(Date.now()));
    const webhook = await it.addWebhook({ name: 'dashboard' });
    await stand(it, webhook, { failures: 2, failing_since: it.clock.now() - minute, last_error: 'connection_refused' });
    await it.addDelivery(await it.addEvent(), webhook);
    const databaseUrl: Readonly<Record<string, string>> = location.url === undefined ? {} : { DATABASE_URL: location.url };
    const environment = { GATEPOST_DATA: location.directory, GATEPOST_PORT: '9', ...databaseUrl };
    const { code, stdout } = await gatepost(['doctor'], environment);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^look {4}webhooks: 1 failing, 0 off\n {10}dashboard \(.*connection_refused\), 1 waiting\n {8}-> GET /m);
    const { json } = await gatepostJson(['doctor'], environment);
    const found = (json['checks'] as readonly Check[]).find(({ name }) => name === 'webhooks');
    assert.deepEqual([json['ok'], found?.items?.[0]?.['webhook'], found?.items?.[0]?.['waiting']], [true, webhook, 1]);
  });
}

test('spans are told in one unit', () => {
  assert.deepEqual([-1_600, 119_000, 120_000, 7_200_000, -172_800_000].map(spanText), ['2 s', '119 s', '2 min', '2 h', '2 d']);
});
