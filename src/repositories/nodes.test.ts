import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { atEnd, call, configure, startApp, tenant } from '../../test/app.ts';
import { engines } from '../../test/databases.ts';
import { readConfiguration } from '../configuration.ts';

// Two nodes on one database: what needs git is answered by the node that has the repository, what is a row by both. And what goes along when one is
// deleted: webhooks of it, its events, its pushes.

const run = promisify(execFile);

test('a repository of another node is known there, and git is sent where it is', async (t) => {
  const one = await configure(t, 'postgres');
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-node-'));
  atEnd(t, () => rm(directory, { recursive: true, force: true }));
  const shared = { DATABASE_URL: one.databaseUrl ?? '', GATEPOST_SECRET_KEY: Buffer.alloc(32, 5).toString('base64') };
  const two = readConfiguration({
    ...shared,
    GATEPOST_DATA: directory,
    GATEPOST_ARTIFACTS: one.artifacts,
    GATEPOST_PORT: '0',
    GATEPOST_LOG: 'silent',
  });
  const [first, second] = [await startApp(t, one), await startApp(t, two)];
  const owner = await tenant(first.app, 'Ours');
  const made = await call(first.app, 'POST', '/v1/repositories', { as: owner.token, body: { name: 'shop' } });
  const elsewhere = (path: string, method = 'GET', body?: unknown) =>
    call(second.app, method, `/v1/repositories/shop${path}`, { as: owner.token, body });
  assert.equal((await elsewhere('')).json['id'], made.json['id']);
  assert.equal((await elsewhere('', 'PATCH', { description: 'known' })).json['description'], 'known');
  for (const path of ['/branches', '/tags', '/commits']) {
    const { status, json } = await elsewhere(path);
    assert.deepEqual([status, json['code']], [503, 'repository_elsewhere'], path);
  }
  assert.equal((await elsewhere('', 'PATCH', { defaultBranch: 'x' })).json['code'], 'repository_elsewhere');
  const headers = { authorization: `Bearer ${owner.token}` };
  const refs = (base: string) => fetch(`${base}/git/ours/shop.git/info/refs?service=git-upload-pack`, { headers });
  assert.equal((await refs(second.base)).status, 503);
  assert.equal((await refs(first.base)).status, 200);
  const page = await fetch(`${second.base}/git/ours/shop`, { headers });
  assert.equal(page.status, 503);
  assert.match(await page.text(), /Another node/);
  assert.equal((await elsewhere('', 'DELETE')).status, 204);
  assert.equal((await refs(first.base)).status, 404);
  const place = join(one.data, 'repositories', `${String(made.json['id'])}.git`);
  for (let tries = 0; existsSync(place) && tries < 150; tries += 1) await new Promise((done) => setTimeout(done, 100));
  assert.ok(!existsSync(place), 'its own node takes its files away');
});

for (const engine of engines) {
  test(`a deleted repository takes along its webhooks, events, pushes and pull requests (${engine})`, async (t) => {
    const configuration = await configure(t, engine, { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.0/8' });
    const { app, base } = await startApp(t, configuration);
    const owner = await tenant(app, 'Ours');
    const ask = (method: string, path: string, body?: unknown) => call(app, method, path, { as: owner.token, body });
    for (const name of ['gone', 'kept']) {
      assert.equal((await ask('POST', '/v1/repositories', { name })).status, 201);
      const hook = { name, url: 'http://127.0.0.1:9/x', events: ['push'], dialect: 'gitea', scope: { repository: name } };
      const made = await ask('POST', '/v1/webhooks', hook);
      assert.equal(made.status, 201, JSON.stringify(made.json));
    }
    const work = await mkdtemp(join(tmpdir(), 'gatepost-client-'));
    atEnd(t, () => rm(work, { recursive: true, force: true }));
    const env = { PATH: process.env['PATH'], HOME: work, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
    const git = (...args: string[]) => run('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], { cwd: work, env });
    await git('init', '-q', '-b', 'main');
    await git('commit', '-q', '--allow-empty', '-m', 'one');
    await git('tag', 'v1.2');
    for (const name of ['gone', 'kept'])
      await git('push', '-q', `${base.replace('://', `://x:${owner.token}@`)}/git/ours/${name}.git`, 'main', 'v1.2');
    assert.equal((await ask('DELETE', '/v1/repositories/gone')).status, 204);
    const { read } = app.database;
    const left = await read.selectFrom('repositories').select('id').execute();
    assert.equal(left.length, 1);
    const kept = String(left[0]?.id);
    for (const table of ['webhooks', 'events', 'pushes', 'push_commits'] as const) {
      const rows = await read.selectFrom(table).select('repository').execute();
      assert.ok(rows.length > 0 && rows.every((row) => row.repository === kept), `${table}: ${JSON.stringify(rows)}`);
    }
    const deliveries = await read
      .selectFrom('deliveries')
      .innerJoin('events', 'events.id', 'deliveries.event')
      .select('deliveries.id')
      .execute();
    assert.equal((await read.selectFrom('deliveries').select('id').execute()).length, deliveries.length, 'none without its event');
  });
}
