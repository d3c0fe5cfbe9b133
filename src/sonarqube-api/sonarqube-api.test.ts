// The front door over HTTP, on both databases: who is let in, in which order things are checked, what is said, and that nothing of another dialect or
// another organization is seen.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { configure, startApp, tenant } from '../../test/app.ts';
import type { Engine } from '../../test/databases.ts';
import { eachDatabase } from '../../test/databases.ts';
import { startReceiver } from '../../test/webhooks/engine.ts';

interface Told {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

interface Door {
  readonly base: string;
  readonly admin: string;
  as(token: string | null): (method: string, path: string, form?: Record<string, string>) => Promise<Told>;
  /** A call of our own API, as the administrator. */
  v1(method: string, path: string, body?: unknown): Promise<Record<string, never>>;
  token(scopes: readonly string[], project?: string): Promise<string>;
  stranger(): Promise<string>;
}

async function open(t: TestContext, engine: Engine, more: Record<string, string> = {}): Promise<Door> {
  const { app, base } = await startApp(t, await configure(t, engine, { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.0/8', ...more }));
  const { token: admin } = await tenant(app, 'Example');
  const v1: Door['v1'] = async (method, path, body) => {
    const headers = { authorization: `Bearer ${admin}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const answer = await fetch(`${base}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return (await answer.json()) as Record<string, never>;
  };
  return {
    base,
    admin,
    v1,
    as: (token) => async (method, path, form) => {
      const headers: Record<string, string> =
        token === null ? {} : { authorization: `Basic ${Buffer.from(`${token}:`).toString('base64')}` };
      const body = form === undefined ? {} : { body: new URLSearchParams(form) };
      const answer = await fetch(`${base}${path}`, { method, headers, ...body });
      return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
    },
    async token(scopes, project) {
      const made: Record<string, unknown> = await v1('POST', '/v1/tokens', {
        name: 't',
        scopes,
        ...(project === undefined ? {} : { project }),
      });
      return String(made['token']);
    },
    stranger: async () => (await tenant(app, 'Strangers')).token,
  };
}

const scan = { version: '2.1.0', runs: [{ tool: { driver: { name: 'scanner' } }, results: [] }] };
const upload = '/v1/projects/shop%3Aapi/analyses?version=1.2.0&revision=abc123&branch=main&sonar.analysis.detectedci=ours';

function keyOf({ text }: Told): string {
  return (JSON.parse(text) as { readonly webhook: { readonly key: string } }).webhook.key;
}

function message({ text }: Told): string {
  return (JSON.parse(text) as { readonly errors: readonly { readonly msg: string }[] }).errors[0]?.msg ?? '';
}

eachDatabase((_open, engine) => {
  test(`a login comes before everything, then the method, the path, what is sent, and who may (${engine})`, async (t) => {
    const door = await open(t, engine);
    const [admin, nobody, wrong] = [door.as(door.admin), door.as(null), door.as('gp_wrong')];
    for (const call of [nobody, wrong])
      for (const [method, path] of [
        ['GET', '/api/webhooks/list'],
        ['PUT', '/api/webhooks/list'],
        ['GET', '/api/nope'],
        ['POST', '/api/webhooks/create'],
      ] as const)
        assert.deepEqual(await call(method, path), { status: 401, type: null, text: '' }, `${method} ${path}`);
    const said: readonly (readonly [string, string, number, string])[] = [
      ['GET', '/api/webhooks/create', 405, 'HTTP method POST is required'],
      ['POST', '/api/webhooks/list', 405, 'HTTP method GET is required'],
      ['POST', '/api/server/version', 405, 'HTTP method GET is required'],
      ['PUT', '/api/webhooks/create', 405, 'HTTP method PUT is not allowed'],
      ['PATCH', '/api/webhooks/list', 405, 'HTTP method PATCH is not allowed'],
      ['GET', '/api/webhooks/LIST', 404, 'Unknown url : /api/webhooks/LIST'],
      ['GET', '/api/webhooks', 404, 'Unknown url : /api/webhooks'],
      ['GET', '/api', 404, 'Unknown url : /api'],
      ['GET', '/api/constructor', 404, 'Unknown url : /api/constructor'],
      ['GET', '/api/webhooks/list/', 400, "Url is incorrect : '/api/webhooks/list/'"],
    ];
    for (const [method, path, status, words] of said) {
      const told = await admin(method, path);
      assert.deepEqual([told.status, told.type, message(told)], [status, 'application/json', words], `${method} ${path}`);
    }
    assert.deepEqual(await admin('OPTIONS', '/api/webhooks/list'), { status: 405, type: null, text: '' });
    assert.equal((await admin('GET', '/api/webhooks/list.json')).text, '{"webhooks":[]}');
    assert.deepEqual(await nobody('GET', '/api/server/version'), { status: 200, type: 'text/plain', text: '26.9.0.129388' });
    assert.match(
      (await nobody('GET', '/api/system/status')).text,
      /^\{"id":"[0-9A-F]{8}-[0-9A-F]{20}","version":"26\.9\.0\.129388","status":"UP"\}$/,
    );
    const reader = door.as(await door.token(['read']));
    assert.equal(message(await reader('POST', '/api/webhooks/create', { url: 'nope' })), "The 'name' parameter is missing");
    assert.equal(
      message(await reader('POST', '/api/webhooks/create', { name: 'x', url: 'nope', project: 'no' })),
      "Project 'no' not found",
    );
    assert.equal(message(await reader('POST', '/api/webhooks/create', { name: 'x', url: 'nope' })), 'Insufficient privileges');
    assert.equal(
      message(await reader('POST', '/api/webhooks/update', { webhook: 'no', name: 'x', url: 'nope' })),
      "Url parameter with value 'nope' is not a valid url",
    );
    assert.equal(message(await reader('POST', '/api/webhooks/delete', { webhook: '' })), "No webhook with key ''");
    assert.equal(
      message(await admin('GET', '/api/webhooks/deliveries')),
      "Either 'ceTaskId' or 'componentKey' or 'webhook' must be provided",
    );
  });

  test(`a token is shown as Bearer, as user, as password, or as long as SonarQube's (${engine})`, async (t) => {
    const door = await open(t, engine);
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
    const valid = async (authorization: string): Promise<boolean> => {
      const answer = await fetch(`${door.base}/api/authentication/validate`, { headers: { authorization } });
      return ((await answer.json()) as { readonly valid: boolean }).valid;
    };
    for (const header of [
      `Bearer ${door.admin}`,
      basic(`${door.admin}:`),
      basic(`anybody:${door.admin}`),
      basic(`sq${door.admin}:`),
      `Bearer sq${door.admin}`,
    ])
      assert.equal(await valid(header), true, header);
    for (const header of [basic(`${door.admin}:x`), basic('admin:admin'), 'Basic ', 'Basic ###', 'Bearer x', `Digest ${door.admin}`])
      assert.equal(await valid(header), false, header);
  });

  test(`only webhooks of this dialect and this organization are seen, counted and changed (${engine})`, async (t) => {
    const door = await open(t, engine, { GATEPOST_SONARQUBE_WEBHOOKS_MAX: '2' });
    const admin = door.as(door.admin);
    await door.v1('POST', upload, scan);
    const url = 'http://127.0.0.1:9/';
    const other: Record<string, unknown> = await door.v1('POST', '/v1/webhooks', { name: 'ours', url, events: ['report.ingested'] });
    const first = keyOf(await admin('POST', '/api/webhooks/create', { name: 'b <1>', url: 'http://u:p@127.0.0.1:9/' }));
    await admin('POST', '/api/webhooks/create', { name: 'B', url, secret: 'sixteen-chars-ok' });
    assert.equal(message(await admin('POST', '/api/webhooks/create', { name: 'c', url })), 'Maximum number of global webhooks reached');
    const ofProject = { name: 'p', url, project: 'shop:api' };
    const mine = keyOf(await admin('POST', '/api/webhooks/create', ofProject));
    await admin('POST', '/api/webhooks/create', ofProject);
    assert.equal(
      message(await admin('POST', '/api/webhooks/create', ofProject)),
      "Maximum number of webhook reached for project 'shop:api'",
    );
    const { text } = await admin('GET', '/api/webhooks/list');
    assert.match(
      text,
      /^\{"webhooks":\[\{"key":"[^"]+","name":"B",.*"hasSecret":true\},\{"key":"[^"]+","name":"b \\u003c1\\u003e","url":"http:\/\/\*:\*@127\.0\.0\.1:9\/","hasSecret":false\}\]\}$/,
    );
    const stranger = door.as(await door.stranger());
    for (const [call, webhook] of [
      [admin, String(other['id'])],
      [stranger, first],
    ] as const) {
      assert.equal((await call('POST', '/api/webhooks/delete', { webhook })).status, 404);
      assert.equal((await call('POST', '/api/webhooks/update', { webhook, name: 'x', url })).status, 404);
    }
    assert.equal((await stranger('GET', '/api/webhooks/list')).text, '{"webhooks":[]}');
    const projectAdmin = door.as(await door.token(['read', 'admin'], 'shop:api'));
    assert.equal(message(await projectAdmin('GET', '/api/webhooks/list')), 'Insufficient privileges');
    assert.equal(message(await projectAdmin('POST', '/api/webhooks/delete', { webhook: first })), 'Insufficient privileges');
    assert.equal((await projectAdmin('POST', '/api/webhooks/update', { webhook: mine, name: 'q', url })).status, 204);
    assert.equal((await projectAdmin('POST', '/api/webhooks/delete', { webhook: mine })).status, 204);
  });

  test(`what the list shows can be sent back: user, password and secret stay, a blank secret goes (${engine})`, async (t) => {
    const door = await open(t, engine);
    const admin = door.as(door.admin);
    const receiver = await startReceiver(t);
    const target = new URL('/hook', receiver.url);
    const url = `http://user:p%40ss@${target.host}/hook`;
    const webhook = keyOf(await admin('POST', '/api/webhooks/create', { name: 'a', url, secret: 'sixteen-chars-ok' }));
    const shown = `http://****:******@${target.host}/hook`;
    const test = async () => {
      await door.v1('POST', `/v1/webhooks/${webhook}/test?wait=10s`);
      return receiver.arrived.at(-1)?.headers ?? {};
    };
    for (const form of [{}, { secret: '  ' }] as readonly Record<string, string>[]) {
      assert.equal((await admin('POST', '/api/webhooks/update', { webhook, name: 'b', url: shown, ...form })).status, 204);
      const headers = await test();
      assert.equal(headers['authorization'], `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
      assert.equal('x-sonar-webhook-hmac-sha256' in headers, !('secret' in form));
    }
    assert.match(
      (await admin('GET', '/api/webhooks/list')).text,
      /"name":"b","url":"http:\/\/\*{4}:\*{6}@[^"]+","latestDelivery":\{"id":"[^"]+","at":"[^"]+\+0000","success":true,"httpStatus":204,"durationMs":\d+\},"hasSecret":false/,
    );
    const list = JSON.parse((await admin('GET', `/api/webhooks/deliveries?webhook=${webhook}&ps=1`)).text) as {
      readonly paging: object;
      readonly deliveries: Record<string, unknown>[];
    };
    assert.deepEqual(list.paging, { pageIndex: 1, pageSize: 1, total: 2 });
    const [delivery = {}] = list.deliveries;
    assert.deepEqual(Object.keys(delivery), ['id', 'componentKey', 'ceTaskId', 'name', 'url', 'at', 'success', 'httpStatus', 'durationMs']);
    const one = JSON.parse((await admin('GET', `/api/webhooks/delivery?deliveryId=${String(delivery['id'])}`)).text) as {
      readonly delivery: Record<string, unknown>;
    };
    assert.equal(one.delivery['payload'], receiver.arrived.at(-1)?.body);
    const byTask = JSON.parse(
      (await admin('GET', `/api/webhooks/deliveries?ceTaskId=${String(delivery['ceTaskId'])}`)).text,
    ) as typeof list;
    assert.deepEqual(byTask.deliveries, [delivery]);
    await admin('POST', '/api/webhooks/delete', { webhook });
    assert.equal((await admin('GET', `/api/webhooks/delivery?deliveryId=${String(delivery['id'])}`)).status, 404);
    assert.equal(
      (await admin('GET', `/api/webhooks/deliveries?webhook=${webhook}`)).text,
      '{"paging":{"pageIndex":1,"pageSize":10,"total":0},"deliveries":[]}',
    );
  });

  test(`a scan that was sent to us can be followed as a task, and its analysis and gate be asked for (${engine})`, async (t) => {
    const door = await open(t, engine);
    const sent: Record<string, unknown> = await door.v1('POST', upload, scan);
    const id = String(sent['id']);
    const ingest = door.as(await door.token(['ingest'], 'shop:api'));
    const task = async () =>
      (JSON.parse((await ingest('GET', `/api/ce/task?id=${id}`)).text) as { readonly task: Record<string, unknown> }).task;
    const end = Date.now() + 15_000;
    while (['PENDING', 'IN_PROGRESS'].includes(String((await task())['status'])) && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const { status, analysisId, componentKey } = await task();
    assert.deepEqual([status, analysisId, componentKey], ['SUCCESS', id, 'shop:api']);
    const reader = door.as(await door.token(['read']));
    const listed = JSON.parse((await reader('GET', '/api/project_analyses/search?project=shop%3Aapi')).text) as {
      readonly analyses: Record<string, unknown>[];
    };
    const [analysis = {}] = listed.analyses;
    assert.deepEqual(
      [analysis['key'], analysis['projectVersion'], analysis['revision'], analysis['detectedCI']],
      [id, '1.2.0', 'abc123', 'ours'],
    );
    const gate = await reader('GET', `/api/qualitygates/project_status?analysisId=${id}`);
    assert.equal(gate.text, (await reader('GET', '/api/qualitygates/project_status?projectKey=shop%3Aapi')).text);
    assert.match(gate.text, /^\{"projectStatus":\{"status":"(OK|NONE)","conditions":\[/);
    assert.equal(
      message(await reader('GET', '/api/qualitygates/project_status?projectKey=shop%3Aapi&branch=no')),
      "Branch 'no' in project 'shop:api' not found",
    );
    assert.equal(message(await reader('GET', '/api/ce/task?id=no')), "No activity found for task 'no'");
    assert.equal(message(await reader('GET', '/api/projects/search')), 'Insufficient privileges');
    assert.match((await door.as(door.admin)('GET', '/api/projects/search?q=SHOP')).text, /"total":1\},"components":\[\{"key":"shop:api"/);
    const stranger = door.as(await door.stranger());
    for (const path of [`ce/task?id=${id}`, 'project_analyses/search?project=shop%3Aapi', `qualitygates/project_status?analysisId=${id}`])
      assert.equal((await stranger('GET', `/api/${path}`)).status, 404, path);
  });
});
