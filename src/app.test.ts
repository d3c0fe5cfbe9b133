// Everything built as the server builds it: what it describes, whom it refuses, what it shows to whom, how it starts and stops.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Engine } from '../test/databases.ts';
import { engines, newLocation } from '../test/databases.ts';
import type { App } from './app.ts';
import { buildApp } from './app.ts';
import { systemClock } from './clock.ts';
import type { Configuration } from './configuration.ts';
import { readConfiguration } from './configuration.ts';
import { createIdentifiers } from './identifiers.ts';
import { createOrganization } from './organizations/store.ts';

const secretKey = Buffer.alloc(32, 5).toString('base64');

async function configure(t: TestContext, engine: Engine, more: Record<string, string> = {}): Promise<Configuration> {
  const location = await newLocation({ after: (step) => t.after(step) }, engine);
  return readConfiguration({
    GATEPOST_DATA: location.directory,
    DATABASE_URL: location.url,
    GATEPOST_SECRET_KEY: secretKey,
    GATEPOST_PORT: '0',
    GATEPOST_LOG: 'silent',
    ...more,
  });
}

async function startApp(t: TestContext, configuration: Configuration): Promise<{ readonly app: App; readonly base: string }> {
  const app = await buildApp(configuration);
  t.after(() => app.stop());
  return { app, base: await app.start() };
}

interface Tenant {
  readonly id: string;
  readonly token: string;
  readonly tokenId: string;
}

async function tenant(app: App, name: string): Promise<Tenant> {
  const ids = createIdentifiers();
  const made = await app.database.write((tx) => createOrganization({ tx, name, actor: 'cli', ids, clock: systemClock }));
  return { id: made.organization.id, token: made.token.token, tokenId: made.token.id };
}

interface Called {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

async function call(
  app: App,
  method: string,
  url: string,
  { as, body, form }: { as?: string; body?: unknown; form?: FormData } = {},
): Promise<Called> {
  const answer = await fetch(app.address() + url, {
    method,
    headers: {
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(form === undefined ? (body === undefined ? {} : { body: JSON.stringify(body) }) : { body: form }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Readonly<Record<string, object>>;
  readonly security: readonly object[];
}

interface Description {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

async function describe(app: App): Promise<Description> {
  return (await (await fetch(`${app.address()}/openapi.json`)).json()) as Description;
}

/** What `surface.md` of the product promises to scripts and checks. */
const promised: Readonly<Record<string, readonly string[]>> = {
  '/security/report/list': ['get'],
  '/security/report/files': ['get'],
  '/v1/projects': ['get'],
  '/v1/projects/{key}': ['get', 'patch', 'delete'],
  '/v1/projects/{key}/analyses': ['post'],
  '/v1/analyses/{id}': ['get'],
  '/v1/reports': ['get', 'post'],
  '/v1/reports/{id}': ['get', 'delete'],
  '/v1/reports/{id}/artifacts/{name}': ['get'],
  '/v1/webhooks': ['get', 'post'],
  '/v1/webhooks/{id}': ['get', 'patch', 'delete'],
  '/v1/webhooks/{id}/test': ['post'],
  '/v1/webhooks/{id}/secret': ['post'],
  '/v1/deliveries': ['get'],
  '/v1/deliveries/{id}': ['get'],
  '/v1/deliveries/{id}/resend': ['post'],
  '/v1/organization': ['get', 'patch', 'delete'],
  '/v1/tokens': ['get', 'post'],
  '/v1/audit': ['get'],
  '/openapi.json': ['get'],
  '/docs': ['get'],
  '/healthz': ['get'],
  '/readyz': ['get'],
  '/metrics': ['get'],
};

function checkOperation(method: string, path: string, operation: Operation, description: Description): void {
  const at = `${method.toUpperCase()} ${path}`;
  for (const part of [operation.summary, operation.description, operation.operationId])
    assert.ok((part ?? '').length > 2, `${at} is not described`);
  assert.ok(
    description.tags.some(({ name }) => name === operation.tags?.[0]),
    `${at} has no known tag`,
  );
  const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  const declared = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name);
  assert.deepEqual(declared.sort(), named.sort(), `${at}: path parameters`);
  for (const one of operation.parameters ?? [])
    assert.ok(['path', 'query', 'header'].includes(one.in) && typeof one.schema === 'object', `${at} ${one.name}`);
  assert.ok(
    ['4XX', '5XX'].every((status) => status in operation.responses),
    `${at}: answers`,
  );
  for (const [status, answer] of Object.entries(operation.responses)) {
    assert.match(status, /^([1-5]\d\d|[45]XX)$/, at);
    assert.ok('description' in answer, `${at} ${status} has no description`);
  }
  assert.equal(operation.security.length, path.startsWith('/v1/') ? 1 : 0, `${at}: security`);
}

function checkReferences(node: unknown, description: Description): void {
  if (Array.isArray(node)) for (const one of node) checkReferences(one, description);
  if (typeof node !== 'object' || node === null) return;
  if ('$ref' in node) {
    const steps = String(node.$ref).split('/');
    assert.equal(steps.shift(), '#', String(node.$ref));
    let target: unknown = description;
    for (const step of steps) target = (target as Record<string, unknown> | undefined)?.[step];
    assert.ok(target !== undefined, `${String(node.$ref)} leads nowhere`);
  }
  for (const one of Object.values(node)) checkReferences(one, description);
}

test('the OpenAPI description has every route, whole, and every reference in it resolves', async (t) => {
  const { app, base } = await startApp(t, await configure(t, 'sqlite', { GATEPOST_PATH: '/g' }));
  const description = await describe(app);
  assert.match(description.openapi, /^3\.1\./);
  assert.deepEqual(description.servers, [{ url: base }]);
  for (const [path, methods] of Object.entries(promised)) {
    for (const method of methods) assert.ok(description.paths[path]?.[method] !== undefined, `${method} ${path} is not there`);
  }
  const operations = Object.entries(description.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
  for (const { path, method, operation } of operations) checkOperation(method, path, operation, description);
  const names = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
  checkReferences(description, description);
  const upload = description.paths['/v1/projects/{key}/analyses']?.['post']?.requestBody?.content ?? {};
  assert.deepEqual(Object.keys(upload).sort(), ['application/json', 'application/sarif+json']);
});

test('the reference page names every operation and loads nothing', async (t) => {
  const { app, base } = await startApp(t, await configure(t, 'sqlite', { GATEPOST_PATH: '/g' }));
  const answer = await fetch(`${base}/docs`);
  const page = await answer.text();
  const policy = answer.headers.get('content-security-policy') ?? '';
  const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
  assert.ok(policy.startsWith("default-src 'none';"));
  assert.ok(policy.includes(`'sha256-${createHash('sha256').update(style).digest('base64')}'`), 'its own style is allowed');
  assert.doesNotMatch(page, /<script|<link|<img|<iframe|\ssrc=|\sstyle=|url\(|@import/i);
  for (const [path, methods] of Object.entries(promised)) {
    for (const method of methods) assert.ok(page.includes(`${method.toUpperCase()}</span> <code>${path}</code>`), `${method} ${path}`);
  }
  for (const match of page.matchAll(/href="([^"]+)"/g)) assert.match(match[1] ?? '', /^(#|openapi\.json$)/);
  assert.equal(app.address(), base);
});

test('a server that cannot start says why and leaves nothing open', async (t) => {
  const configuration = await configure(t, 'sqlite');
  const first = await buildApp(configuration);
  await first.start();
  await assert.rejects(buildApp(configuration), { code: 'directory_in_use' });
  await first.stop();
  await first.stop();
  await assert.rejects(buildApp({ ...configuration, secretKey: Buffer.alloc(32, 6) }), { code: 'secret_key_other' });
  await rm(configuration.artifacts, { recursive: true });
  await assert.rejects(buildApp(configuration), { code: 'artifacts_other' });
  await assert.rejects(buildApp({ ...configuration, databaseUrl: 'postgres://x', secretKey: null }), { code: 'secret_key_missing' });
  const again = await buildApp({ ...configuration, data: join(configuration.data, 'other'), artifacts: join(configuration.data, 'more') });
  await again.start();
  await again.stop();
});

for (const engine of engines) {
  test(`ready is what can do its work; what cannot is named (${engine})`, async (t) => {
    const configuration = await configure(t, engine);
    const { app } = await startApp(t, configuration);
    assert.deepEqual(await call(app, 'GET', '/readyz'), {
      status: 200,
      json: { status: 'ready', checks: { database: 'ok', artifacts: 'ok' } },
    });
    await rm(configuration.artifacts, { recursive: true });
    await writeFile(configuration.artifacts, 'no directory');
    const failing = await call(app, 'GET', '/readyz');
    assert.deepEqual(failing, { status: 503, json: { status: 'not ready', checks: { database: 'ok', artifacts: 'failing' } } });
    assert.equal((await call(app, 'GET', '/healthz')).status, 200);
    assert.match(
      await (await fetch(`${app.address()}/metrics`)).text(),
      /gatepost_http_request_duration_seconds_count\{method="GET",route="\/readyz",status="503"\} 1/,
    );
  });

  test(`no route shows, changes or deletes anything of another organization (${engine})`, async (t) => {
    const { app } = await startApp(t, await configure(t, engine, { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1' }));
    const [mine, theirs] = [await tenant(app, 'Mine'), await tenant(app, 'Theirs')];
    const ids = await fill(app, theirs);
    const before = JSON.stringify(await everything(app, theirs, ids));
    const description = await describe(app);
    let tried = 0;
    for (const [path, item] of Object.entries(description.paths)) {
      const values = { ...ids, id: idFor(path, ids) };
      const url = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(values[name as keyof typeof values] ?? 'x'));
      if (url === path || !path.startsWith('/v1/')) continue;
      for (const method of Object.keys(item)) {
        if (method === 'post' && path.endsWith('/analyses')) continue;
        const body = { patch: { name: 'taken' }, post: path.endsWith('/secret') || path.endsWith('/pulls') ? {} : undefined }[method];
        const answer = await call(app, method.toUpperCase(), url, { as: mine.token, body });
        assert.equal(answer.status, 404, `${method.toUpperCase()} ${path} answers ${answer.status} ${JSON.stringify(answer.json)}`);
        tried += 1;
      }
    }
    assert.ok(tried >= 15, `${tried} tried`);
    for (const path of Object.keys(description.paths).filter((one) => one.startsWith('/v1/') && !one.includes('{'))) {
      const answer = await call(app, 'GET', path, { as: mine.token });
      const text = JSON.stringify(answer.json);
      for (const id of [theirs.id, theirs.tokenId, ...Object.values(ids)]) assert.ok(!text.includes(id), `GET ${path} shows ${id}`);
    }
    assert.equal(JSON.stringify(await everything(app, theirs, ids)), before, 'nothing has changed');
    const open = await (await fetch(`${app.address()}/security/report/list?org=${mine.id}&version=1.0`)).text();
    assert.ok(open.endsWith('"reports":[]}'));
  });
}

/** Every table whose rows belong to an organization. */
const tables = [
  'analyses',
  'attempts',
  'audit',
  'deliveries',
  'event_bodies',
  'events',
  'findings',
  'idempotency',
  'projects',
  'reports',
  'snapshot_artifacts',
  'snapshots',
  'tokens',
  'webhooks',
] as const;

async function rowsOf(app: App, organization: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const rows = await app.database.read.selectFrom(table).select('organization').where('organization', '=', organization).execute();
    counts[table] = rows.length;
  }
  return counts;
}

for (const engine of engines) {
  test(`a deleted project takes all that is its own, a deleted organization the rest, nobody else's is touched (${engine})`, async (t) => {
    const { app } = await startApp(t, await configure(t, engine, { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1' }));
    const [mine, theirs] = [await tenant(app, 'Mine'), await tenant(app, 'Theirs')];
    const [own, others] = [await fill(app, mine), await fill(app, theirs)];
    const before = await rowsOf(app, theirs.id);
    for (const table of ['analyses', 'deliveries', 'event_bodies', 'events', 'reports', 'snapshot_artifacts', 'snapshots', 'webhooks']) {
      assert.ok((before[table] ?? 0) > 0, `${table} has something to delete`);
    }
    assert.equal((await call(app, 'DELETE', `/v1/projects/${encodeURIComponent(own.key)}`, { as: mine.token })).status, 204);
    const { audit, tokens, webhooks, ...rest } = await rowsOf(app, mine.id);
    assert.deepEqual([tokens, webhooks], [1, 1], 'the webhook is the organization’s');
    assert.ok((audit ?? 0) > 0);
    for (const [table, count] of Object.entries(rest)) assert.equal(count, 0, `${table} of the project`);
    assert.equal((await call(app, 'DELETE', '/v1/organization?confirm=mine', { as: mine.token })).status, 204);
    for (const [table, count] of Object.entries(await rowsOf(app, mine.id))) assert.equal(count, table === 'audit' ? 1 : 0, table);
    assert.equal((await call(app, 'GET', `/v1/reports/${others.report}`, { as: theirs.token })).status, 200);
    for (const table of ['events', 'reports', 'snapshot_artifacts', 'webhooks'] as const) {
      assert.equal((await rowsOf(app, theirs.id))[table], before[table], table);
    }
  });
}

interface Filled {
  readonly key: string;
  readonly analysis: string;
  readonly report: string;
  readonly name: string;
  readonly webhook: string;
  readonly delivery: string;
  readonly token: string;
}

function idFor(path: string, ids: Filled): string {
  const noun = path.split('/')[2] ?? '';
  return (
    { analyses: ids.analysis, reports: ids.report, webhooks: ids.webhook, deliveries: ids.delivery, tokens: ids.token }[noun] ?? 'unknown'
  );
}

/** One of everything that an organization can have. */
async function fill(app: App, { token, tokenId }: Tenant): Promise<Filled> {
  const webhook = await call(app, 'POST', '/v1/webhooks', {
    as: token,
    body: { name: 'theirs', url: 'http://127.0.0.1:9/their-hook', events: ['report.ingested'] },
  });
  assert.equal(webhook.status, 201, JSON.stringify(webhook.json));
  const analysis = await call(app, 'POST', '/v1/projects/theirs%3Akey/analyses?version=1.0', {
    as: token,
    body: { version: '2.1.0', runs: [] },
  });
  assert.equal(analysis.status, 202, JSON.stringify(analysis.json));
  const form = new FormData();
  const metadata = {
    projectKey: 'theirs:key',
    reportType: 'CWE Top 25',
    reportVersion: 2025,
    projectVersion: '1.0',
    vulnerabilitiesCount: 1,
    securityRating: 'B',
  };
  form.append('metadata', JSON.stringify(metadata));
  form.append('file', new Blob(['<p>theirs</p>']), 'report.html');
  const report = await call(app, 'POST', '/v1/reports', { as: token, form });
  assert.equal(report.status, 201, JSON.stringify(report.json));
  const deliveries = await call(app, 'GET', '/v1/deliveries', { as: token });
  const [delivery] = deliveries.json['deliveries'] as { id: string }[];
  return {
    key: 'theirs:key',
    analysis: String(analysis.json['id']),
    report: String(report.json['id']),
    name: 'report.html',
    webhook: String(webhook.json['id']),
    delivery: String(delivery?.id),
    token: tokenId,
  };
}

/** What the owner sees of what cannot change by itself. */
async function everything(app: App, { token }: Tenant, ids: Filled): Promise<readonly unknown[]> {
  const urls = [
    `/v1/projects/${encodeURIComponent(ids.key)}`,
    `/v1/reports/${ids.report}`,
    `/v1/webhooks/${ids.webhook}`,
    '/v1/organization',
    '/v1/audit',
  ];
  const seen: unknown[] = [];
  for (const url of urls) {
    const { status, json } = await call(app, 'GET', url, { as: token });
    assert.equal(status, 200, url);
    const { latestDelivery: _changes, ...rest } = json;
    seen.push(rest);
  }
  return seen;
}
