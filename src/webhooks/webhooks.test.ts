// A whole server: webhooks that fail are told of and switched off, what was missed is replayed, a test says what came of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, configure, startApp, tenant } from '../../test/app.ts';
import { engines } from '../../test/databases.ts';
import { bodyOf, startSmtp } from '../../test/mail/smtp.ts';
import { lastFirst, startReceiver, until } from '../../test/webhooks/engine.ts';
import { createIdentifiers } from '../identifiers.ts';

const settings = { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.0/8', GATEPOST_RETRY_INTERVAL: '200ms' };

for (const engine of engines) {
  test(`a webhook that goes on failing is warned of, then switched off; others hear of it, people by mail, itself never (${engine})`, async (context) => {
    const t = lastFirst(context);
    const inbox = await startSmtp(t);
    const mail = { GATEPOST_SMTP_URL: inbox.url, GATEPOST_MAIL_FROM: 'gatepost@example.com' };
    const patience = { GATEPOST_WARN_AFTER: '1s', GATEPOST_OFF_AFTER: '3s' };
    const { app } = await startApp(context, await configure(context, engine, { ...settings, ...patience, ...mail }));
    const { token: as } = await tenant(app, 'Example');
    const failing = await startReceiver(t, (response) => response.writeHead(500).end());
    const well = await startReceiver(t);
    assert.deepEqual((await call(app, 'PATCH', '/v1/organization', { as, body: { mailTo: ['a@example.com'] } })).json['mailTo'], [
      'a@example.com',
    ]);
    const events = ['webhook.failing', 'webhook.disabled', 'report.ingested'];
    const made = await call(app, 'POST', '/v1/webhooks', { as, body: { name: 'fails', url: failing.url, events } });
    await call(app, 'POST', '/v1/webhooks', { as, body: { name: 'works', url: well.url, events } });
    const tested = await call(app, 'POST', `/v1/webhooks/${String(made.json['id'])}/test?wait=10s`, { as });
    // Tried once; asked for again by hand it is retried like all others.
    await call(app, 'POST', `/v1/deliveries/${String(tested.json['id'])}/resend`, { as });
    await until(() => well.arrived.length === 2);
    const told = well.arrived.map(({ body }) => JSON.parse(body) as { type: string; data: { webhook: { name: string }; reason?: string } });
    assert.deepEqual(
      told.map(({ type, data }) => [type, data.webhook.name, data.reason]),
      [
        ['webhook.failing', 'fails', undefined],
        ['webhook.disabled', 'fails', 'failing'],
      ],
    );
    assert.ok(failing.arrived.length > 2);
    assert.ok(failing.arrived.every(({ headers }) => headers['x-gatepost-event'] === 'webhook.test'));
    const shown = await call(app, 'GET', `/v1/webhooks/${String(made.json['id'])}`, { as });
    assert.equal(shown.json['active'], false);
    await until(() => inbox.mails.length === 2);
    assert.match(bodyOf(inbox.mails[0]?.text ?? ''), /“fails” of Example has had no success since/);
    assert.match(bodyOf(inbox.mails[1]?.text ?? ''), /was switched off/);
  });

  test(`what happened while a webhook was off is replayed, in order, behind nothing else (${engine})`, async (context) => {
    const t = lastFirst(context);
    const { app } = await startApp(context, await configure(context, engine, settings));
    const { token: as, id: organization } = await tenant(app, 'Example');
    const receiver = await startReceiver(t);
    const body = { name: 'a webhook', url: receiver.url, events: ['report.ingested'] };
    const webhook = String((await call(app, 'POST', '/v1/webhooks', { as, body })).json['id']);
    await call(app, 'PATCH', `/v1/webhooks/${webhook}`, { as, body: { active: false } });
    const since = Date.now();
    const kept = { organization, kind: 'report.ingested', project: null, fanned_out: 1 };
    const ids = createIdentifiers();
    const facts = (n: number) => JSON.stringify({ organizationId: String(n), reports: [] });
    const rows = Array.from({ length: 150 }, (_, n) => ({ ...kept, id: ids.next(), facts: facts(n), created: since + n }));
    await app.database.write((tx) => tx.insertInto('events').values(rows).execute());
    await call(app, 'PATCH', `/v1/webhooks/${webhook}`, { as, body: { active: true } });
    const asked = await call(app, 'POST', `/v1/webhooks/${webhook}/replays`, { as, body: { since: new Date(since).toISOString() } });
    assert.equal(asked.status, 202);
    const url = `/v1/replays/${String(asked.json['id'])}`;
    await until(async () => (await call(app, 'GET', url, { as })).json['state'] === 'done');
    const { json } = await call(app, 'GET', url, { as });
    assert.deepEqual([json['events'], json['deliveries'], json['eventsLeft'], json['waitsFor']], [150, 150, 0, null]);
    await receiver.count(150);
    const arrived = new Set(receiver.arrived.map((one) => one.body));
    assert.equal(arrived.size, 150);
  });

  test(`a test delivery that is waited for says what came of it: an answer, a refusal, or that nothing has come yet (${engine})`, async (context) => {
    const t = lastFirst(context);
    const { app } = await startApp(context, await configure(context, engine, settings));
    const { token: as } = await tenant(app, 'Example');
    const receiver = await startReceiver(t, (response) => response.writeHead(418).end('short and stout'));
    const slow = await startReceiver(t, () => undefined);
    const make = async (url: string) => {
      const made = await call(app, 'POST', '/v1/webhooks', { as, body: { name: 'a webhook', url, events: ['report.ingested'] } });
      return String(made.json['id']);
    };
    const ask = async (webhook: string, wait: string) =>
      (await call(app, 'POST', `/v1/webhooks/${webhook}/test?wait=${wait}`, { as })).json;
    const answered = await ask(await make(receiver.url), '10s');
    assert.equal(answered['state'], 'exhausted');
    const [attempt] = answered['attempts'] as { response: { status: number; body: string } }[];
    assert.deepEqual([attempt?.response.status, attempt?.response.body], [418, 'short and stout']);
    const hanging = await ask(await make(slow.url), '100ms');
    assert.deepEqual([hanging['state'], hanging['attempts']], ['pending', []]);
    const refused = await make('http://127.0.0.1:1/');
    const failed = await ask(refused, '10s');
    const [tried] = failed['attempts'] as { response: null; error: { code: string } }[];
    assert.deepEqual([failed['state'], tried?.response, tried?.error.code], ['exhausted', null, 'connection_refused']);
    assert.equal((await ask(refused, '16s'))['code'], 'invalid_wait');
    assert.equal((await ask('nothing', '1s'))['code'], 'unknown_webhook');
  });
}
