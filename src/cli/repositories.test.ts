// Repositories in a backup that is made beside a running server that is pushed to, what is restored from it, and what doctor says of them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { atEnd, call, startApp, tenant } from '../../test/app.ts';
import { gatepostJson } from '../../test/cli/command-line.ts';
import type { Engine } from '../../test/databases.ts';
import { engines, newLocation } from '../../test/databases.ts';
import { readConfiguration } from '../configuration.ts';

const run = promisify(execFile);
const secretKey = Buffer.alloc(32, 5).toString('base64');

async function newPlace(t: TestContext, engine: Engine): Promise<{ environment: Record<string, string>; folder: string }> {
  const { directory, url } = await newLocation({ after: (step) => atEnd(t, step) }, engine);
  const own = { GATEPOST_DATA: join(directory, 'data'), GATEPOST_PORT: '0', GATEPOST_LOG: 'silent', GATEPOST_SECRET_KEY: secretKey };
  return { folder: directory, environment: url === undefined ? own : { ...own, DATABASE_URL: url } };
}

async function client(t: TestContext) {
  const work = await mkdtemp(join(tmpdir(), 'gatepost-client-'));
  atEnd(t, () => rm(work, { recursive: true, force: true }));
  const who = { name: 'Ada', email: 'ada@example.com' };
  const env = {
    PATH: process.env['PATH'],
    HOME: work,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
  };
  return { work, git: async (...args: string[]) => (await run('git', args, { cwd: work, env })).stdout.trim() };
}

interface Checked {
  readonly name: string;
  readonly says: string;
  readonly state: string;
}

async function checksOf(environment: Record<string, string>, flags: readonly string[]): Promise<readonly Checked[]> {
  const { json } = await gatepostJson(['doctor', ...flags], environment);
  return json['checks'] as readonly Checked[];
}

async function states(environment: Record<string, string>, ...flags: string[]): Promise<Record<string, string>> {
  return Object.fromEntries((await checksOf(environment, flags)).map(({ name, state }) => [name, state]));
}

async function said(environment: Record<string, string>, check: string, ...flags: string[]): Promise<string> {
  return (await checksOf(environment, flags)).find(({ name }) => name === check)?.says ?? '';
}

for (const engine of engines) {
  test(`a backup made while pushes come in holds whole repositories, and what is restored is served and sound (${engine})`, async (t) => {
    const [from, to] = [await newPlace(t, engine), await newPlace(t, engine)];
    const first = await startApp(t, readConfiguration(from.environment));
    const owner = await tenant(first.app, 'Ours');
    const made = await call(first.app, 'POST', '/v1/repositories', { as: owner.token, body: { name: 'shop' } });
    const id = String(made.json['id']);
    const { work, git } = await client(t);
    const urlOf = (base: string) => `${base.replace('://', `://x:${owner.token}@`)}/git/ours/shop.git`;
    await git('init', '-q', '-b', 'main');
    const push = async (number: number) => {
      await writeFile(join(work, 'file.txt'), `${number}\n`);
      await git('add', '.');
      await git('commit', '-qm', `commit ${number}`);
      await git('push', '-q', urlOf(first.base), 'main', `main:refs/heads/tmp_${number}`);
    };
    await push(0);
    const until = new AbortController();
    const pushes = (async () => {
      for (let number = 1; !until.signal.aborted; number += 1) await push(number);
    })();
    const backup = join(from.folder, 'backup');
    const backed = await gatepostJson(['backup', backup], from.environment);
    until.abort();
    await pushes;
    assert.equal(backed.code, 0, JSON.stringify(backed.json));
    const counted = backed.json['repositories'] as {
      readonly repositories: number;
      readonly missing: readonly string[];
      readonly elsewhere: number;
    };
    assert.deepEqual([counted.repositories, counted.missing, counted.elsewhere], [1, [], 0]);
    const restored = await gatepostJson(['restore', backup], to.environment);
    assert.equal(restored.code, 0, JSON.stringify(restored.json));
    const after = await states(to.environment, '--repositories');
    assert.deepEqual([after['git'], after['repositories'], after['objects of repositories']], ['ok', 'ok', 'ok']);
    const second = await startApp(t, readConfiguration(to.environment));
    const heads = await git('ls-remote', urlOf(second.base), 'refs/heads/tmp_0', 'refs/heads/main');
    assert.equal(heads.split('\n').length, 2);
    await git('clone', '-q', urlOf(second.base), 'again');
    await push(1_000);
    await git('push', '-q', urlOf(second.base), 'main');
    assert.ok((await readdir(join(to.environment['GATEPOST_DATA'] ?? '', 'repositories'))).includes(`${id}.git`));
  });
}

test('doctor finds a repository without its directory, a damaged one, and a data directory of another name', async (t) => {
  const place = await newPlace(t, 'sqlite');
  const data = place.environment['GATEPOST_DATA'] ?? '';
  const { app, base } = await startApp(t, readConfiguration(place.environment));
  const owner = await tenant(app, 'Ours');
  const make = async (name: string) =>
    String((await call(app, 'POST', '/v1/repositories', { as: owner.token, body: { name } })).json['id']);
  const [one, two] = [await make('one'), await make('two')];
  const { work, git } = await client(t);
  await git('init', '-q', '-b', 'main');
  await writeFile(join(work, 'file.txt'), 'content\n');
  await git('add', '.');
  await git('commit', '-qm', 'one');
  await git('push', '-q', `${base.replace('://', `://x:${owner.token}@`)}/git/ours/one.git`, 'main');
  const blob = await git('hash-object', 'file.txt');
  await app.stop();
  assert.equal((await states(place.environment, '--repositories'))['objects of repositories'], 'ok');
  await rm(join(data, 'repositories', `${one}.git`, 'objects', blob.slice(0, 2), blob.slice(2)));
  assert.equal((await states(place.environment, '--repositories'))['objects of repositories'], 'failed');
  const other = join(data, 'repositories', `${two}.git`);
  await rename(other, join(data, 'elsewhere'));
  await symlink(join(data, 'elsewhere'), other);
  assert.match(await said(place.environment, 'repositories'), /1 of 2 cannot be used: ours\/two \(.+\.git\): its directory is a link/);
  await rm(other);
  assert.match(await said(place.environment, 'repositories'), /1 of 2 have no directory below .+: ours\/two$/);
  assert.doesNotMatch(await said(place.environment, 'objects of repositories', '--repositories'), /ours\/two|ENOENT/);
  assert.equal((await states(place.environment))['repositories'], 'failed');
  await writeFile(join(data, 'node'), 'another\n');
  assert.equal((await states(place.environment))['repositories'], 'warning');
  assert.equal((await states({ ...place.environment, GATEPOST_GIT: 'no-such-git' }))['git'], 'warning');
});
