import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { atEnd, call, configure, startApp, tenant } from '../../../test/app.ts';
import { pageWords } from './words.ts';

// Where links of events lead: each is asked for as a browser would, over a repository that git pushed to.

const run = promisify(execFile);
const hostile = '<script>alert(1)</script>';

async function pushed(t: TestContext) {
  const { app, base } = await startApp(t, await configure(t, 'sqlite'));
  const owner = await tenant(app, 'Ours');
  const work = await mkdtemp(join(tmpdir(), 'gatepost-pages-'));
  atEnd(t, () => rm(work, { recursive: true, force: true }));
  await call(app, 'POST', '/v1/repositories', { as: owner.token, body: { name: 'shop', description: hostile } });
  const env = {
    PATH: process.env['PATH'],
    HOME: work,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: `Ada ${hostile}`,
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  const git = async (...args: string[]) => (await run('git', args, { cwd: work, env })).stdout.trim();
  await git('init', '-q', '-b', 'main');
  await writeFile(join(work, 'a.txt'), 'one\n');
  await git('add', '.');
  await git('commit', '-qm', `first ${hostile}\n\nmore`);
  await git('remote', 'add', 'origin', `${base.replace('://', `://x:${owner.token}@`)}/git/ours/shop.git`);
  await git('push', '-q', 'origin', 'main');
  await git('checkout', '-qb', 'feature/x');
  await writeFile(join(work, 'a.txt'), `two ${hostile}\n`);
  await writeFile(join(work, 'bin'), Buffer.from([0, 1, 2, 255, 0]));
  await git('add', '.');
  await git('commit', '-qm', 'second');
  await git('push', '-q', 'origin', 'feature/x');
  const get = async (path: string, { as = owner.token, language = 'en' } = {}) => {
    const authorization = `Basic ${Buffer.from(`anybody:${as}`).toString('base64')}`;
    const headers = { 'accept-language': language, ...(as === '' ? {} : { authorization }) };
    const answer = await fetch(`${base}/git/ours/shop${path}`, { headers, redirect: 'manual' });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  const [first, second] = [await git('rev-parse', 'main'), await git('rev-parse', 'HEAD')];
  return { app, base, owner, git, get, first, second };
}

test('every link of an event leads to a page that shows it, and nothing of what was pushed is markup', async (t) => {
  const { app, owner, get, first, second } = await pushed(t);
  const opened = await call(app, 'POST', '/v1/repositories/shop/pulls', {
    as: owner.token,
    body: { title: `Pull ${hostile}`, body: hostile, head: 'feature/x', base: 'main' },
  });
  assert.equal(opened.status, 201, JSON.stringify(opened.json));
  const zeros = '0'.repeat(40);
  const pages: readonly (readonly [string, RegExp])[] = [
    ['', /feature\/x/],
    [`/commit/${first}`, /a\.txt/],
    [`/commit/${second}`, /binary file/],
    [`/compare/${first}...${second}`, /second/],
    [`/compare/${zeros}...${second}`, /second/],
    [`/compare/${second}...${zeros}`, /a\.txt/],
    ['/compare/main...feature/x', /second/],
    ['/compare/main..feature/x', /second/],
    ['/pulls', /#1/],
    ['/pulls/1', /It can be merged|being found out/],
  ];
  for (const [path, says] of pages) {
    const { status, text, headers } = await get(path);
    assert.equal(status, 200, `${path}: ${text.slice(0, 300)}`);
    assert.match(text, says, path);
    assert.doesNotMatch(text, /<script/i, path);
    assert.match(text, /&lt;script&gt;|Pull requests/, path);
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(headers.get('cache-control'), 'no-store');
  }
  const diff = await get('/pulls/1.diff');
  assert.match(diff.text, /^diff --git a\/a\.txt b\/a\.txt/);
  assert.match(diff.headers.get('content-type') ?? '', /^text\/plain/);
  assert.match((await get('/pulls/1.patch')).text, /^From [0-9a-f]{40} /);
  for (const path of [
    '/commit/zzz',
    `/commit/${'f'.repeat(40)}`,
    '/compare/x',
    '/compare/main...nothing',
    '/pulls/2',
    '/pulls/x',
    '/pulls/0',
    '/pulls/1.zip',
  ]) {
    assert.equal((await get(path)).status, 404, path);
  }
});

test('a page asks for a token, and says the same of a repository that is another’s or is not there', async (t) => {
  const { app, base, owner, get, first } = await pushed(t);
  const other = await tenant(app, 'Theirs');
  const none = await get('', { as: '' });
  assert.equal(none.status, 401);
  assert.match(none.headers.get('www-authenticate') ?? '', /^Basic /);
  assert.equal((await get('', { as: 'gp_wrong' })).status, 401);
  const theirs = await get(`/commit/${first}`, { as: other.token });
  assert.equal(theirs.status, 404);
  const headers = { authorization: `Bearer ${owner.token}` };
  const missing = await fetch(`${base}/git/ours/none/commit/${first}`, { headers });
  assert.equal(missing.status, 404);
  assert.equal(await missing.text(), theirs.text);
  const reader = await call(app, 'POST', '/v1/tokens', { as: owner.token, body: { name: 'r', scopes: ['read'] } });
  assert.equal((await get('', { as: String(reader.json['token']) })).status, 403);
  await call(app, 'PATCH', '/v1/repositories/shop', { as: owner.token, body: { name: 'store' } });
  const moved = await get(`/commit/${first}`);
  assert.deepEqual([moved.status, moved.headers.get('location')], [301, `${base}/git/ours/store/commit/${first}`]);
  const dotted = await fetch(`${base}/git/ours/store.git`, { headers, redirect: 'manual' });
  assert.equal(dotted.headers.get('location'), `${base}/git/ours/store`);
});

test('every language says everything', async (t) => {
  const { get, first } = await pushed(t);
  const keys = Object.keys(pageWords['en'] ?? {}).toSorted();
  for (const [language, words] of Object.entries(pageWords)) {
    assert.deepEqual(Object.keys(words).toSorted(), keys, language);
    for (const [key, word] of Object.entries(words)) {
      const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).toSorted();
      assert.deepEqual(places(word), places(pageWords['en']?.[key as keyof typeof words] ?? ''), `${language} ${key}`);
    }
    const { text } = await get(`/commit/${first}`, { language });
    assert.match(text, new RegExp(`<html lang="${language}">`));
    assert.ok(text.includes(words.files), language);
  }
});

test('an analysis of a commit leads to the push that brought it, and branches and tags are listed and deleted', async (t) => {
  const { app, base, owner, git, first, second } = await pushed(t);
  const ask = (method: string, path: string, body?: unknown) => call(app, method, path, { as: owner.token, body });
  await ask('POST', `/v1/projects/pay/analyses?version=1&revision=${second}`, { version: '2.1.0', runs: [] });
  const listed = (await ask('GET', '/v1/projects/pay/analyses')).json['analyses'] as { id: string }[];
  const analysis = `/v1/analyses/${String(listed[0]?.id)}`;
  assert.equal((await ask('GET', analysis)).json['push'], null);
  await ask('PATCH', '/v1/repositories/shop', { project: 'pay' });
  const push = (await ask('GET', analysis)).json['push'] as Record<string, unknown>;
  assert.deepEqual(
    [push['repository'], push['ref'], push['url']],
    ['shop', 'refs/heads/feature/x', `${base}/git/ours/shop/commit/${second}`],
  );
  await git('tag', '-am', 'one', 'v1', first);
  await git('push', '-q', 'origin', 'v1');
  const shop = '/v1/repositories/shop';
  const names = async (kind: string) =>
    ((await ask('GET', `${shop}/${kind}`)).json[kind] as { name: string; commit: string }[]).map((one) => [one.name, one.commit]);
  assert.deepEqual(await names('branches'), [
    ['feature/x', second],
    ['main', first],
  ]);
  assert.deepEqual(await names('tags'), [['v1', first]]);
  const commits = (await ask('GET', `${shop}/commits?ref=feature/x&limit=1`)).json['commits'] as { id: string }[];
  assert.deepEqual(
    commits.map((one) => one.id),
    [second],
  );
  const one = (await ask('GET', `${shop}/commits/feature%2Fx`)).json;
  assert.deepEqual([one['id'], one['added'], one['modified'], one['push']], [second, ['bin'], ['a.txt'], push['id']]);
  assert.equal((await ask('GET', `${shop}/commits?ref=none`)).json['code'], 'unknown_revision');
  assert.equal((await ask('DELETE', `${shop}/branches/main`)).json['code'], 'default_branch');
  assert.equal((await ask('DELETE', `${shop}/branches/feature%2Fx`)).status, 204);
  assert.equal((await ask('DELETE', `${shop}/tags/v1`)).status, 204);
  assert.equal((await ask('DELETE', `${shop}/tags/v1`)).json['code'], 'unknown_tag');
  const pushes = (await ask('GET', `${shop}/pushes`)).json['pushes'] as { ref: string; after: string }[];
  assert.deepEqual(
    pushes.map(({ ref, after }) => [ref, /^0+$/.test(after)]),
    [
      ['refs/tags/v1', true],
      ['refs/heads/feature/x', true],
      ['refs/tags/v1', false],
      ['refs/heads/feature/x', false],
      ['refs/heads/main', false],
    ],
  );
  assert.equal((await ask('PATCH', shop, { defaultBranch: 'gone' })).json['code'], 'unknown_branch');
  assert.equal((await ask('PATCH', shop, { archived: true })).status, 200);
  assert.equal((await ask('DELETE', `${shop}/branches/x`)).json['code'], 'repository_archived');
  await assert.rejects(git('push', '-q', 'origin', 'main:more'), /archived/);
});
