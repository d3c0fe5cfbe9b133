// Everything built as the server builds it: whom it refuses, what it shows to whom, how it starts and stops. On both databases.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Filled, Tenant } from '../test/app.ts';
import { call, configure, describe, fill, idFor, startApp, tenant } from '../test/app.ts';
import { engines } from '../test/databases.ts';
import type { App } from './app.ts';
import { buildApp } from './app.ts';

test('a server that cannot start says why and leaves nothing open', async (t) => {
  const configuration = await configure(t, 'sqlite');
  const first = await buildApp(configuration);
  await first.start();
  await assert.rejects(buildApp(configuration), { code: 'directory_in_use' });
  await first.stop();
  await first.stop();
  await assert.rejects(buildApp({ ...configuration, secretKey: Buffer.alloc(32, 6) }), { code: 'secret_key_other' });
  await assert.rejects(buildApp({ ...configuration, secretKey: null }), { code: 'secret_key_lost' });
  await rm(configuration.artifacts, { recursive: true });
  await assert.rejects(buildApp(configuration), { code: 'artifacts_other' });
  await assert.rejects(buildApp({ ...configuration, databaseUrl: 'postgres://x', secretKey: null }), { code: 'secret_key_missing' });
  const taken = await startApp(t, await configure(t, 'sqlite'));
  const port = Number(new URL(taken.base).port);
  const second = await buildApp({ ...(await configure(t, 'sqlite')), port });
  await assert.rejects(second.start(), { code: 'address_unusable' });
  await second.stop();
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
    // Its webhook leads nowhere: what the attempt that fails says of it must be there before the picture is taken.
    while (!JSON.stringify(await everything(app, theirs, ids)).includes('"lastError":"connection_refused"')) await sleep(20);
    const before = JSON.stringify(await everything(app, theirs, ids));
    const description = await describe(app);
    let tried = 0;
    for (const [path, item] of Object.entries(description.paths)) {
      const name = path.startsWith('/v1/repositories/') ? ids.repository : ids.name;
      const values = { ...ids, id: idFor(path, ids), name, number: '1' };
      const url = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(values[name as keyof typeof values] ?? 'x'));
      if (url === path || !path.startsWith('/v1/')) continue;
      for (const method of Object.keys(item)) {
        if (method === 'post' && path.endsWith('/analyses')) continue;
        const answer = await call(app, method.toUpperCase(), url, { as: mine.token, body: bodyFor(method, path) });
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

/** What a call of this kind takes, so that it is refused for nothing but whose it is. */
function bodyFor(method: string, path: string): unknown {
  if (method !== 'post' && method !== 'patch') return undefined;
  const bodies: readonly (readonly [RegExp, unknown])[] = [
    [/\/replays$/, { since: '2026-01-01T00:00:00+00:00' }],
    [/\/(secret|merge)$/, {}],
    [/\/comments(\/|$)/, { body: 'taken' }],
    [/\/pulls$/, { title: 'taken', head: 'taken' }],
    [/\/pulls\//, { title: 'taken' }],
  ];
  const found = bodies.find(([form]) => form.test(path));
  return found === undefined ? (method === 'patch' ? { name: 'taken' } : undefined) : found[1];
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

/** What the owner sees of what cannot change by itself. */
async function everything(app: App, { token }: Tenant, ids: Filled): Promise<readonly unknown[]> {
  const urls = [
    `/v1/projects/${encodeURIComponent(ids.key)}`,
    `/v1/reports/${ids.report}`,
    `/v1/webhooks/${ids.webhook}`,
    `/v1/repositories/${ids.repository}`,
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
