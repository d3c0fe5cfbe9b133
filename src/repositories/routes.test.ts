import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { App } from '../app.ts';
import type { Called, Tenant } from '../../test/app.ts';
import { call, configure, startApp, tenant } from '../../test/app.ts';
import { engines } from '../../test/databases.ts';

// What the API promises of repositories, over a running server with the system's git: names, rights, changes, deletion with its files.

const run = promisify(execFile);

interface Setting {
  readonly app: App;
  readonly base: string;
  readonly data: string;
  readonly owner: Tenant;
  ask(method: string, path: string, body?: unknown, as?: string): Promise<Called>;
}

async function setUp(t: TestContext, engine: (typeof engines)[number]): Promise<Setting> {
  const configuration = await configure(t, engine);
  const { app, base } = await startApp(t, configuration);
  const owner = await tenant(app, 'Ours');
  const ask: Setting['ask'] = (method, path, body, as = owner.token) => call(app, method, `/v1/repositories${path}`, { as, body });
  return { app, base, data: configuration.data, owner, ask };
}

async function made(ask: Setting['ask'], body: Record<string, unknown>): Promise<Record<string, unknown>> {
  const answer = await ask('POST', '', body);
  assert.equal(answer.status, 201, JSON.stringify(answer.json));
  return answer.json;
}

for (const engine of engines) {
  test(`a repository is made, shown, changed and listed (${engine})`, async (t) => {
    const { ask, data, base, owner, app } = await setUp(t, engine);
    const one = await made(ask, { name: 'Payments.api', description: ' what pays ', defaultBranch: 'trunk' });
    assert.deepEqual(
      [one['name'], one['description'], one['defaultBranch'], one['archived'], one['project'], one['cloneUrl']],
      ['Payments.api', 'what pays', 'trunk', false, null, `${base}/git/ours/Payments.api.git`],
    );
    assert.ok(existsSync(join(data, 'repositories', `${String(one['id'])}.git`, 'HEAD')));
    assert.equal((await ask('GET', '/payments.API')).json['id'], one['id'], 'in any case');
    await call(app, 'POST', '/v1/projects/pay/analyses?version=1', { as: owner.token, body: { version: '2.1.0', runs: [] } });
    const changed = await ask('PATCH', '/Payments.api', { description: '', archived: true, project: 'pay', limits: { refsMax: 20 } });
    assert.equal(changed.status, 200, JSON.stringify(changed.json));
    assert.deepEqual([changed.json['description'], changed.json['archived'], changed.json['project']], ['', true, 'pay']);
    assert.deepEqual(changed.json['limits'], { bytesMax: null, objectBytesMax: null, refsMax: 20 });
    await made(ask, { name: 'another' });
    const names = async (query: string) => ((await ask('GET', query)).json['repositories'] as { name: string }[]).map((each) => each.name);
    assert.deepEqual(await names(''), ['another', 'Payments.api']);
    assert.deepEqual(await names('?project=pay'), ['Payments.api']);
    assert.deepEqual(await names('?limit=1'), ['another']);
    const untied = await ask('PATCH', '/Payments.api', { project: null, archived: false });
    assert.equal(untied.json['project'], null);
    const audit = (await call(app, 'GET', '/v1/audit', { as: owner.token })).json['entries'] as { action: string }[];
    assert.deepEqual(
      audit.map((entry) => entry.action).filter((action) => action.startsWith('repository.')),
      ['repository.changed', 'repository.created', 'repository.changed', 'repository.created'],
    );
  });

  test(`a name is not given again by accident, and the old name of a renamed one leads git to it (${engine})`, async (t) => {
    const { ask, base, owner } = await setUp(t, engine);
    await made(ask, { name: 'first' });
    assert.equal((await ask('POST', '', { name: 'FIRST' })).json['code'], 'repository_name_taken');
    assert.equal((await ask('PATCH', '/first', { name: 'second' })).json['name'], 'second');
    assert.equal((await ask('GET', '/first')).status, 404);
    assert.equal((await ask('POST', '', { name: 'first' })).json['code'], 'repository_name_retired');
    const url = (name: string) => `${base.replace('://', `://x:${owner.token}@`)}/git/ours/${name}.git`;
    const listed = await run('git', ['ls-remote', url('first')], { env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } });
    assert.equal(listed.stdout, '', 'an empty repository, found');
    assert.equal((await ask('PATCH', '/second', { name: 'First' })).json['name'], 'First', 'its own old name is free to it');
    assert.equal((await ask('PATCH', '/First', { name: 'third' })).status, 200);
    await made(ask, { name: 'first', reuseName: true });
    assert.equal((await ask('DELETE', '/first')).status, 204);
    assert.equal((await ask('POST', '', { name: 'first' })).json['code'], 'repository_name_retired');
    assert.equal((await ask('PATCH', '/third', { name: 'first' })).json['code'], 'repository_name_retired');
    await made(ask, { name: 'first', reuseName: true });
  });

  test(`a deleted repository is gone at once, its directory too, and an organization takes its own along (${engine})`, async (t) => {
    const { ask, data, app, owner } = await setUp(t, engine);
    const directoryOf = (one: Record<string, unknown>) => join(data, 'repositories', `${String(one['id'])}.git`);
    const one = await made(ask, { name: 'one' });
    assert.equal((await ask('DELETE', '/one')).status, 204);
    assert.equal((await ask('GET', '/one')).json['code'], 'unknown_repository');
    assert.equal((await ask('DELETE', '/one')).status, 404);
    assert.ok(!existsSync(directoryOf(one)));
    const two = await made(ask, { name: 'two' });
    const gone = await call(app, 'DELETE', '/v1/organization?confirm=ours', { as: owner.token });
    assert.equal(gone.status, 204, JSON.stringify(gone.json));
    for (let tries = 0; existsSync(directoryOf(two)) && tries < 80; tries += 1) await new Promise((done) => setTimeout(done, 100));
    assert.ok(!existsSync(directoryOf(two)));
    const rows = () => app.database.read.selectFrom('repositories').select('id').execute();
    for (let tries = 0; (await rows()).length > 0 && tries < 80; tries += 1) await new Promise((done) => setTimeout(done, 50));
    assert.deepEqual(await rows(), []);
    assert.deepEqual(await app.database.read.selectFrom('repository_names').selectAll().execute(), []);
  });

  test(`a deletion that was cut off is gone on with, and a deleted project unties (${engine})`, async (t) => {
    const { ask, data, app, owner } = await setUp(t, engine);
    await call(app, 'POST', '/v1/projects/pay/analyses?version=1', { as: owner.token, body: { version: '2.1.0', runs: [] } });
    const tied = await made(ask, { name: 'tied', project: 'pay' });
    const cut = await made(ask, { name: 'cut' });
    const { database } = app;
    await database.write((tx) =>
      tx
        .updateTable('repositories')
        .set({ deleted: 1, name_key: String(cut['id']) })
        .where('id', '=', String(cut['id']))
        .execute(),
    );
    assert.equal((await ask('GET', '/cut')).status, 404);
    const directory = join(data, 'repositories', `${String(cut['id'])}.git`);
    for (let tries = 0; existsSync(directory) && tries < 80; tries += 1) await new Promise((done) => setTimeout(done, 100));
    assert.ok(!existsSync(directory));
    assert.equal((await call(app, 'DELETE', '/v1/projects/pay', { as: owner.token })).status, 204);
    assert.equal((await ask('GET', '/tied')).json['project'], null);
    assert.ok(existsSync(join(data, 'repositories', `${String(tied['id'])}.git`)));
  });
}

test('who may do what: scopes, tokens of a project, other organizations', async (t) => {
  const { ask, app, owner } = await setUp(t, 'sqlite');
  await made(ask, { name: 'mine' });
  const other = await tenant(app, 'Theirs');
  for (const [method, path] of [
    ['GET', '/mine'],
    ['PATCH', '/mine'],
    ['DELETE', '/mine'],
    ['GET', '/mine/branches'],
    ['GET', '/mine/commits'],
    ['GET', '/mine/pushes'],
    ['DELETE', '/mine/branches/main'],
  ] as const) {
    const answer = await ask(method, path, method === 'PATCH' ? {} : undefined, other.token);
    assert.deepEqual([answer.status, answer.json['code']], [404, 'unknown_repository'], `${method} ${path}`);
  }
  const token = async (body: Record<string, unknown>) => {
    const answer = await call(app, 'POST', '/v1/tokens', { as: owner.token, body: { name: 'one', ...body } });
    assert.equal(answer.status, 201, JSON.stringify(answer.json));
    return String(answer.json['token']);
  };
  const [reader, writer] = [await token({ scopes: ['repository:read'] }), await token({ scopes: ['repository:write'] })];
  assert.equal((await ask('GET', '/mine', undefined, reader)).status, 200);
  assert.equal((await ask('GET', '/mine', undefined, writer)).status, 200, 'to write is also to read');
  assert.equal((await ask('DELETE', '/mine/branches/x', undefined, reader)).json['code'], 'scope_missing');
  assert.equal((await ask('DELETE', '/mine/branches/x', undefined, writer)).json['code'], 'unknown_branch');
  assert.equal((await ask('POST', '', { name: 'no' }, writer)).json['code'], 'scope_missing');
  assert.equal((await ask('GET', '', undefined, await token({ scopes: ['read'] }))).json['code'], 'scope_missing');
  await call(app, 'POST', '/v1/projects/pay/analyses?version=1', { as: owner.token, body: { version: '2.1.0', runs: [] } });
  const bound = await token({ scopes: ['admin'], project: 'pay' });
  assert.equal((await ask('GET', '/mine', undefined, bound)).status, 404);
  const own = await ask('POST', '', { name: 'paying' }, bound);
  assert.deepEqual([own.status, own.json['project']], [201, 'pay'], 'tied to the one project');
  assert.equal((await ask('PATCH', '/paying', { project: null }, bound)).json['code'], 'project_token');
});

test('names, branches and limits that cannot be are refused with a code', async (t) => {
  const { ask, base, owner } = await setUp(t, 'sqlite');
  const bad = [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '.git',
    'x.git',
    'a..b',
    '-a',
    'a.',
    'a.lock',
    'ä',
    'a b',
    'a\u0000b',
    'x'.repeat(101),
    'x'.repeat(300),
  ];
  for (const name of bad) {
    const answer = await ask('POST', '', { name });
    assert.deepEqual([answer.status, answer.json['code']], [400, 'invalid_repository_name'], JSON.stringify(name));
  }
  await made(ask, { name: 'x'.repeat(100) });
  for (const defaultBranch of [
    '',
    '-x',
    'a..b',
    'HEAD',
    'a b',
    'a/',
    '/a',
    'a.lock',
    'a\u0000',
    `b${'x'.repeat(250)}`,
    'refs/heads/../x',
  ]) {
    const answer = await ask('POST', '', { name: 'fine', defaultBranch });
    assert.deepEqual([answer.status, answer.json['code']], [400, 'invalid_branch'], JSON.stringify(defaultBranch));
  }
  await made(ask, { name: 'fine' });
  assert.equal((await ask('PATCH', '/fine', { limits: { bytesMax: 2 ** 50 } })).json['code'], 'limit_too_high');
  assert.equal((await ask('PATCH', '/fine', { limits: { bytesMax: 0 } })).json['code'], 'invalid_field');
  assert.equal((await ask('PATCH', '/fine', { description: 'x'.repeat(2_001) })).json['code'], 'invalid_description');
  assert.equal((await ask('PATCH', '/fine', { project: 'none' })).json['code'], 'unknown_project');
  const paths = ['..', '%2e%2e%2f%2e%2e', 'a%00b', '.git', 'x'.repeat(300), '%2e%2e', 'fine%2f..%2ffine', '..%5c..%5cx'];
  for (const path of paths) {
    for (const url of [`${base}/v1/repositories/${path}`, `${base}/git/ours/${path}.git/info/refs?service=git-upload-pack`]) {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${owner.token}` } });
      const text = await answer.text();
      assert.ok([400, 404, 414].includes(answer.status) || url !== new URL(url).href, `${url}: ${answer.status}`);
      assert.doesNotMatch(text, /\/tmp|repositories\/[0-9a-f]{8}/, 'no path of ours');
    }
  }
});
