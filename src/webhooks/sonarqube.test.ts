// A whole server whose webhooks speak as SonarQube's: with and without a secret, what we compose and what is relayed, retried by another process
// than the one that saw the event.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { call, configure, startApp, tenant } from '../../test/app.ts';
import { engines } from '../../test/databases.ts';
import type { Arrived } from '../../test/webhooks/engine.ts';
import { lastFirst, startReceiver } from '../../test/webhooks/engine.ts';
import type { AnalysisCompletedFacts } from '../events/event.ts';

const settings = { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.0/8', GATEPOST_RETRY_INTERVAL: '1s', GATEPOST_SONARQUBE_VERSION: '26.9.0.1' };
const facts: AnalysisCompletedFacts = {
  organization: 'example',
  analysis: 'a',
  origin: 'sarif',
  serverUrl: 'https://gatepost.example.test',
  task: 'the-task',
  status: 'SUCCESS',
  analysedAt: '2026-11-22T10:00:00.123+00:00',
  changedAt: '2026-11-22T10:00:00.123+00:00',
  revision: null,
  project: { key: 'harbour:api', name: 'Häfen' },
  branch: { name: 'main', type: 'BRANCH', isMain: true },
  gate: null,
  properties: {},
  relayed: null,
};
/** Not as we would write it, so that it shows where it was not relayed as it is. */
const relayed = '{"status":"SUCCESS", "project" : {"key":"relayed","name":"é\\u003d"},"more":1}';
const hmac = 'x-sonar-webhook-hmac-sha256';
const told = ({ headers }: Arrived) => [
  headers['x-sonarqube-project'],
  headers['content-type'],
  headers['user-agent'],
  headers['x-gatepost-attempt'],
];

for (const engine of engines) {
  test(`an analysis goes out as SonarQube’s payload, and is retried with the same bytes by a process that never saw the event (${engine})`, async (context) => {
    const t = lastFirst(context);
    const configuration = await configure(context, engine, settings);
    const first = await startApp(context, configuration);
    const { token: as, id: organization } = await tenant(first.app, 'Example');
    let isDown = true;
    const receiver = await startReceiver(t, (response) => response.writeHead(isDown ? 500 : 200).end());
    const common = { dialect: 'sonarqube', events: ['analysis.completed'] };
    const bare = { ...common, name: 'bare', url: receiver.url.replace('//', '//user:p%40ss@'), secret: null };
    const signed = { ...common, name: 'signed', url: `${receiver.url}/signed`, secret: 'sixteen-chars-ok' };
    for (const body of [bare, signed]) assert.equal((await call(first.app, 'POST', '/v1/webhooks', { as, body })).status, 201);
    const record = { organization, kind: 'analysis.completed', project: null } as const;
    await first.app.record({ ...record, facts });
    await receiver.count(2);
    await first.app.stop();
    isDown = false;
    const second = await startApp(context, configuration);
    await receiver.count(4);
    await second.app.record({ ...record, facts: { ...facts, relayed } });
    await receiver.count(6);
    const [plain, isSigned] = [
      receiver.arrived.filter(({ url }) => url === '/hook'),
      receiver.arrived.filter(({ url }) => url === '/hook/signed'),
    ];
    const expected = [
      ['harbour:api', 'application/json; charset=utf-8', 'SonarQube/26.9.0.1', '1'],
      ['harbour:api', 'application/json; charset=utf-8', 'SonarQube/26.9.0.1', '2'],
      ['relayed', 'application/json; charset=utf-8', 'SonarQube/26.9.0.1', '1'],
    ];
    assert.deepEqual([plain.map(told), isSigned.map(told)], [expected, expected]);
    const composed = String.raw`{"serverUrl":"https://gatepost.example.test","taskId":"the-task","status":"SUCCESS","analysedAt":"2026-11-22T10:00:00+0000","changedAt":"2026-11-22T10:00:00+0000","project":{"key":"harbour:api","name":"Häfen","url":"https://gatepost.example.test/dashboard?id\u003dharbour%3Aapi"},"branch":{"name":"main","type":"BRANCH","isMain":true,"url":"https://gatepost.example.test/dashboard?id\u003dharbour%3Aapi"},"properties":{}}`;
    for (const arrived of [plain, isSigned]) {
      assert.deepEqual(
        arrived.map(({ body }) => body),
        [composed, composed, relayed],
      );
    }
    for (const { headers } of plain) {
      assert.equal(headers.authorization, `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
      assert.equal(headers[hmac], undefined);
    }
    for (const { headers, body } of isSigned) {
      assert.equal(headers[hmac], createHmac('sha256', 'sixteen-chars-ok').update(body).digest('hex'));
      assert.equal(headers.authorization, undefined);
    }
    assert.equal(plain[0]?.headers['x-gatepost-delivery'], plain[1]?.headers['x-gatepost-delivery']);
  });

  test(`a test delivery says what an analysis would, and what is shown of it holds no signature (${engine})`, async (context) => {
    const t = lastFirst(context);
    const { app } = await startApp(
      context,
      await configure(context, engine, { ...settings, GATEPOST_URL: 'https://gatepost.example.test/x' }),
    );
    const { token: as } = await tenant(app, 'Example');
    const receiver = await startReceiver(t);
    const body = { name: 'a webhook', dialect: 'sonarqube', url: receiver.url, events: ['analysis.completed'], secret: 'sixteen-chars-ok' };
    const made = await call(app, 'POST', '/v1/webhooks', { as, body });
    const tested = await call(app, 'POST', `/v1/webhooks/${String(made.json['id'])}/test?wait=10s`, { as });
    assert.equal(tested.json['state'], 'delivered');
    const [arrived] = receiver.arrived;
    const payload = JSON.parse(arrived?.body ?? '') as Record<string, Record<string, unknown>>;
    assert.deepEqual(
      [payload['status'], payload['project']?.['url'], payload['qualityGate']?.['status'], typeof payload['taskId']],
      ['SUCCESS', 'https://gatepost.example.test/x/dashboard?id=gatepost-test', 'OK', 'string'],
    );
    assert.equal(arrived?.headers['x-gatepost-event'], 'webhook.test');
    const signature = String(arrived?.headers[hmac]);
    assert.match(signature, /^[0-9a-f]{64}$/);
    assert.ok(!JSON.stringify(tested.json).includes(signature));
    assert.match(JSON.stringify(tested.json), /"x-sonar-webhook-hmac-sha256":"\*\*\*"/);
  });

  test(`a webhook of this dialect asks for nothing that it cannot tell of, neither when it is made nor later (${engine})`, async (context) => {
    const { app } = await startApp(context, await configure(context, engine, settings));
    const { token: as } = await tenant(app, 'Example');
    const body = { name: 'a webhook', dialect: 'sonarqube', url: 'http://127.0.0.1:1/', events: ['analysis.completed'] };
    const refused = await call(app, 'POST', '/v1/webhooks', { as, body: { ...body, events: ['report.ingested', 'analysis.completed'] } });
    assert.deepEqual([refused.status, refused.json['code']], [400, 'event_not_of_dialect']);
    const made = await call(app, 'POST', '/v1/webhooks', { as, body: { ...body, retry: 'none' } });
    assert.deepEqual([made.status, made.json['retry']], [201, 'none']);
    const changed = await call(app, 'PATCH', `/v1/webhooks/${String(made.json['id'])}`, { as, body: { events: ['webhook.failing'] } });
    assert.deepEqual([changed.status, changed.json['code']], [400, 'event_not_of_dialect']);
  });
}
