// The stand-in of examples/sonarqube, asked the way a client of a SonarQube asks.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { startStandIn } from '../../examples/sonarqube/server.ts';

const project = 'example:harbour';

async function started(t: TestContext) {
  const standIn = await startStandIn({ port: 0 });
  t.after(() => standIn.close());
  const ask = async (path: string, { token = standIn.token, form }: { token?: string; form?: Record<string, string> } = {}) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(
      `${standIn.url}/${path}`,
      form === undefined ? { headers } : { headers, method: 'POST', body: new URLSearchParams(form) },
    );
    const text = await answer.text();
    return { status: answer.status, text, json: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown> };
  };
  return { ...standIn, ask };
}

async function listening(t: TestContext): Promise<{ url: string; next: Promise<{ request: IncomingMessage; body: Buffer }> }> {
  const { promise, resolve } = Promise.withResolvers<{ request: IncomingMessage; body: Buffer }>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      response.writeHead(200).end();
      resolve({ request, body: Buffer.concat(parts) });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, next: promise };
}

const totalOf = ({ json }: { json: Record<string, unknown> }) => (json['paging'] as { total: number }).total;

test('without its token it tells nothing but its version', async (t) => {
  const { ask } = await started(t);
  assert.deepEqual((await ask('api/authentication/validate', { token: 'squ_wrong' })).json, { valid: false });
  for (const path of ['api/issues/search', 'api/nothing']) {
    const { status, text } = await ask(path, { token: 'squ_wrong' });
    assert.deepEqual([status, text], [401, ''], path);
  }
  assert.equal((await ask('api/server/version', { token: 'squ_wrong' })).status, 200);
  assert.deepEqual((await ask('api/authentication/validate')).json, { valid: true });
  assert.equal((await ask('api/security_reports/show')).status, 404);
});

test('an analysis that ends is told by a webhook that is signed over its very bytes', async (t) => {
  const { ask } = await started(t);
  const receiver = await listening(t);
  const secret = 'sixteen-chars-ok';
  const made = await ask('api/webhooks/create', { form: { name: 'one', url: receiver.url, secret } });
  assert.equal((made.json['webhook'] as { hasSecret: boolean }).hasSecret, true);
  const ended = await ask('demo/analyses?version=1.1.0', { form: {} });
  const { request, body } = await receiver.next;
  assert.equal(body.toString('utf8'), ended.json['payload']);
  assert.equal(request.headers['x-sonar-webhook-hmac-sha256'], createHmac('sha256', secret).update(body).digest('hex'));
  assert.equal(request.headers['x-sonarqube-project'], project);
  assert.match(body.toString('utf8'), /dashboard\?id\\u003dexample%3Aharbour/);
  assert.equal((ended.json['deliveries'] as { status: number }[])[0]?.status, 200);
  // What the webhook says of the gate is what the server says of it.
  const told = JSON.parse(body.toString('utf8')) as { qualityGate: { status: string; conditions: { metric: string; value: string }[] } };
  const { projectStatus } = (await ask(`api/qualitygates/project_status?projectKey=${project}`)).json as {
    projectStatus: { status: string; conditions: { metricKey: string; actualValue: string }[] };
  };
  assert.equal(told.qualityGate.status, projectStatus.status);
  assert.deepEqual(
    told.qualityGate.conditions.map(({ metric, value }) => [metric, value]),
    projectStatus.conditions.map(({ metricKey, actualValue }) => [metricKey, actualValue]),
  );
});

test('its findings are the scanners’ results of the version that was analysed last', async (t) => {
  const { ask } = await started(t);
  assert.equal((await ask('demo/analyses?version=2.0.0', { form: {} })).status, 400);
  assert.equal(totalOf(await ask(`api/issues/search?componentKeys=${project}`)), 0);
  for (const version of ['1.0.0', '1.1.0']) {
    await ask(`demo/analyses?version=${version}`, { form: {} });
    const log = JSON.parse(readFileSync(new URL(`../../examples/harbour/${version}/harbour.sarif`, import.meta.url), 'utf8')) as {
      runs: { results: unknown[] }[];
    };
    const results = log.runs.reduce((sum, run) => sum + run.results.length, 0);
    const issues = totalOf(await ask(`api/issues/search?componentKeys=${project}&ps=1`));
    const hotspots = totalOf(await ask(`api/hotspots/search?projectKey=${project}&ps=1`));
    assert.equal(issues + hotspots, results, version);
    const fresh = totalOf(await ask(`api/issues/search?componentKeys=${project}&inNewCodePeriod=true&ps=1`));
    assert.equal(fresh > 0, version === '1.1.0');
  }
  const { json } = await ask('api/rules/search?rule_key=gosec:G204&facets=cwe,owaspTop10-2021');
  const facets = json['facets'] as { property: string; values: { val: string }[] }[];
  assert.deepEqual(
    facets.slice(0, 2).map(({ property, values }) => [property, ...values.map(({ val }) => val)]),
    [
      ['cwe', '78'],
      ['owaspTop10-2021', 'a3'],
    ],
  );
  // What its active rules look for is asked by the profile.
  assert.ok(totalOf(await ask('api/rules/search?qprofile=harbour-way&activation=true&cwe=78,89&ps=1')) > 0);
  assert.equal(totalOf(await ask('api/rules/search?qprofile=harbour-way&activation=true&cwe=787&ps=1')), 0);
});
