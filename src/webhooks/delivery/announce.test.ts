// Webhooks whose states the test sets fail for as long as it says, on both databases; who is told is read from the rows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Updateable } from 'kysely';
import { eachDatabase } from '../../../test/databases.ts';
import type { Rows } from '../../../test/webhooks/rows.ts';
import { createRows } from '../../../test/webhooks/rows.ts';
import type { WebhookFacts } from '../../events/event.ts';
import type { WebhookStatesTable } from '../../storage/database/schema.ts';
import type { AnnounceOptions } from './announce.ts';
import { announce } from './announce.ts';
import { announceCatalogues, announceMail } from './announce-mail.ts';
import { createFanOut } from './fan-out.ts';

const day = 86_400_000;

function setUp(it: Rows) {
  const { database, ids, clock, sealer, organization } = it;
  const { onRecorded } = createFanOut({ database, ids, clock, retryForMs: day, accepted: () => undefined });
  const options: AnnounceOptions = {
    database,
    ids,
    clock,
    steady: clock,
    sealer,
    onRecorded,
    warnAfterMs: day,
    offAfterMs: 5 * day,
    sendsMail: true,
  };
  return {
    announce: (more: Partial<AnnounceOptions> = {}) => announce({ ...options, ...more }),
    state: (webhook: string, set: Updateable<WebhookStatesTable>) =>
      database.write((tx) => tx.updateTable('webhook_states').set(set).where('webhook', '=', webhook).execute()),
    mailTo: (addresses: readonly string[], language = 'en') =>
      database.write((tx) =>
        tx
          .updateTable('organizations')
          .set({ mail_to: JSON.stringify(addresses), language })
          .where('id', '=', organization)
          .execute(),
      ),
    async told() {
      const events = await database.read.selectFrom('events').selectAll().orderBy('id').execute();
      return events.map(({ kind, facts }) => ({ kind, ...(JSON.parse(facts) as WebhookFacts) }));
    },
    deliveries: () => database.read.selectFrom('deliveries').select(['webhook', 'kind']).orderBy('id').execute(),
    mails: () => database.read.selectFrom('mails').selectAll().orderBy('id').execute(),
    webhook: (id: string) => database.read.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
  };
}

eachDatabase((open, engine) => {
  test(`a webhook that fails for a day is warned of once, to others by event and to people by mail (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { announce, state, mailTo, told, deliveries, mails } = setUp(it);
    const failing = await it.addWebhook({ url: 'https://user:pass@example.com/hook?token=abcdef', name: 'Deploys' });
    const other = await it.addWebhook();
    await mailTo(['a@example.com']);
    const since = it.clock.now();
    await state(failing, { failures: 24, failing_since: since, last_failure: since + day, last_status: 500 });
    it.clock.ms = since + day - 1;
    assert.equal(await announce(), 0);
    it.clock.ms += 1;
    const nodes = await Promise.all([announce(), announce(), announce()]);
    assert.deepEqual(nodes.toSorted(), [0, 0, 1]);
    assert.equal(await announce(), 0);
    assert.deepEqual(await told(), [
      {
        kind: 'webhook.failing',
        organization: it.slug,
        webhook: { id: failing, name: 'Deploys', url: 'https://***@example.com/hook?token=***' },
        since: new Date(since).toISOString().replace('Z', '+00:00'),
        failures: 24,
        lastStatus: 500,
        lastError: null,
        reason: null,
      },
    ]);
    assert.deepEqual(await deliveries(), [{ webhook: other, kind: 'webhook.failing' }], 'it is not told about itself');
    const [mail, ...none] = await mails();
    assert.deepEqual(none, []);
    assert.deepEqual(JSON.parse(mail?.recipients ?? ''), ['a@example.com']);
    assert.match(mail?.subject ?? '', /Deploys.*Example/);
    const bodies = (await it.database.read.selectFrom('event_bodies').select('body').execute()).map(({ body }) => body.toString('utf8'));
    const whole = JSON.stringify([mail?.subject, mail?.body, await told(), bodies]);
    assert.doesNotMatch(whole, new RegExp(`pass@|abcdef|${it.organization}`), 'no secret, and no organization’s id');
  });

  test(`a webhook that fails again after a success is warned of again; one that two receivers of the warning cannot take makes no loop (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { announce, state, told } = setUp(it);
    const all = [await it.addWebhook(), await it.addWebhook(), await it.addWebhook()];
    const fail = async () => {
      const since = it.clock.now();
      for (const webhook of all) await state(webhook, { failures: 9, failing_since: since, last_failure: since + day, warned: null });
      it.clock.ms += day;
    };
    await fail();
    assert.equal(await announce(), 3);
    it.clock.ms += day;
    for (let n = 0; n < 5; n += 1) assert.equal(await announce(), 0);
    assert.equal((await told()).length, 3);
    await fail();
    assert.equal(await announce(), 3);
  });

  test(`one failure long ago is no failing for days, nor is what a success has ended (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { announce, state, webhook } = setUp(it);
    const quiet = await it.addWebhook();
    const well = await it.addWebhook();
    const since = it.clock.now();
    await state(quiet, { failures: 2, failing_since: since, last_failure: since + 0.9 * day - 1 });
    await state(well, { failures: 0, failing_since: null, last_failure: since + 5 * day });
    it.clock.ms += 30 * day;
    assert.equal(await announce(), 0);
    assert.equal((await webhook(quiet)).active, 1);
    await state(quiet, { last_failure: since + 0.9 * day });
    assert.equal(await announce(), 1);
  });

  test(`five days without a success switch a webhook off: no warning beside it, nothing is made for it, and it is said why (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { announce, state, mailTo, told, mails, webhook } = setUp(it);
    const failing = await it.addWebhook();
    await mailTo(['a@example.com'], 'ru');
    const since = it.clock.now();
    await state(failing, { failures: 120, failing_since: since, last_failure: since + 5 * day, last_error: 'timeout' });
    it.clock.ms += 5 * day;
    assert.deepEqual((await Promise.all([announce(), announce()])).toSorted(), [0, 1]);
    assert.equal(await announce(), 0);
    const row = await webhook(failing);
    assert.deepEqual([row.active, row.off_reason, row.off_since, row.revision], [0, 'failing', it.clock.now(), 1]);
    const left = await it.database.read.selectFrom('subscriptions').selectAll().where('webhook', '=', failing).execute();
    assert.deepEqual(left, []);
    assert.deepEqual(
      (await told()).map(({ kind, reason, lastError }) => ({ kind, reason, lastError })),
      [{ kind: 'webhook.disabled', reason: 'failing', lastError: 'timeout' }],
    );
    const [mail] = await mails();
    assert.match(mail?.subject ?? '', /отключён/);
    assert.match(mail?.body ?? '', /timeout/);
    const audit = await it.database.read.selectFrom('audit').selectAll().where('action', '=', 'webhook.disabled').execute();
    assert.deepEqual(
      audit.map(({ actor, details }) => [actor, details]),
      [['system', '{"reason":"failing"}']],
    );
  });

  test(`a webhook that the engine switched off is told of once, whoever looks first (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { announce, state, told, mails } = setUp(it);
    const gone = await it.addWebhook();
    const other = await it.addWebhook({ events: ['webhook.disabled'] });
    const since = it.clock.now();
    await it.database.write(async (tx) => {
      await tx.updateTable('webhooks').set({ active: 0, off_since: since, off_reason: 'gone' }).where('id', '=', gone).execute();
      await tx.deleteFrom('subscriptions').where('webhook', '=', gone).execute();
    });
    await state(gone, { failures: 1, failing_since: since, last_failure: since, last_status: 410, announce: 'disabled' });
    assert.deepEqual((await Promise.all([announce(), announce(), announce()])).toSorted(), [0, 0, 1]);
    assert.equal(await announce(), 0);
    assert.deepEqual(
      (await told()).map(({ kind, reason, lastStatus }) => ({ kind, reason, lastStatus })),
      [{ kind: 'webhook.disabled', reason: 'gone', lastStatus: 410 }],
    );
    const deliveries = await it.database.read.selectFrom('deliveries').select('webhook').execute();
    assert.deepEqual(deliveries, [{ webhook: other }]);
    assert.deepEqual(await mails(), [], 'nobody is named');
  });

  test(`without a mail server nothing is written down to be sent (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { announce, state, mailTo, mails } = setUp(it);
    const failing = await it.addWebhook();
    await mailTo(['a@example.com']);
    await state(failing, { failures: 9, failing_since: it.clock.now(), last_failure: it.clock.now() + day });
    it.clock.ms += day;
    assert.equal(await announce({ sendsMail: false }), 1);
    assert.deepEqual(await mails(), []);
  });
});

test('the texts are there in every language, take the same values, and are the only ones of their kind', () => {
  const values = (text: string) => [...new Set(text.match(/\{\w+\}/g))].toSorted();
  const english = Object.entries(announceCatalogues['en'] ?? {});
  assert.deepEqual(Object.keys(announceCatalogues), ['en', 'fr', 'ja', 'ko', 'ru']);
  for (const [language, catalogue] of Object.entries(announceCatalogues)) {
    assert.deepEqual(
      Object.keys(catalogue),
      english.map(([key]) => key),
      language,
    );
    const texts: Readonly<Record<string, string>> = catalogue;
    for (const [key, text] of english) {
      assert.deepEqual(values(texts[key] ?? ''), values(text), `${language} ${key}`);
      assert.equal(
        language === 'en' || key === 'label.url' || key.startsWith('value.utc') || texts[key] !== text || key === 'label.id',
        true,
        key,
      );
    }
  }
});

test('a mail says what happened, to whom, since when and why, in its language; a name is taken as it is', () => {
  const webhook = { id: 'w', name: 'A $& {since}', url: 'https://example.com/' };
  const since = '2027-01-15T08:00:00.000+00:00';
  const facts = { organization: 'o', webhook, since, failures: 12_345, lastStatus: 503, lastError: null, reason: null };
  const mail = announceMail({ language: 'fr', organization: 'Société', facts, offAt: Date.parse(since) + 5 * day });
  assert.equal(mail.subject, 'Le webhook « A $& {since} » (Société) ne fonctionne pas');
  assert.match(mail.body, /depuis le 15 janvier 2027.*08:00 UTC/);
  assert.match(mail.body, /désactivé le 20 janvier 2027/);
  assert.match(mail.body, /Tentatives échouées: 12\s345\nDernier résultat: HTTP 503\nID du webhook: w/u);
  for (const reason of ['gone', 'failing'] as const) {
    const off = announceMail({ language: 'tlh', organization: 'O', facts: { ...facts, reason, since: null }, offAt: 0 });
    assert.match(off.subject, /was switched off$/);
    assert.match(off.body, reason === 'gone' ? /answered 410/ : /no success since unknown/);
  }
});
