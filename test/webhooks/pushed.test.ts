// From git's own push, and a pull request's calls, to what webhooks of each dialect receive: the whole server, nothing made up. What the bodies say is
// held against git itself, and their keys against those of the facts that the dialects are tried with.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { App } from '../../src/app.ts';
import { dialectOf } from '../../src/webhooks/dialects/all.ts';
import { atEnd, call, configure, startApp, tenant } from '../app.ts';
import { engines } from '../databases.ts';
import type { Receiver } from './engine.ts';
import { startReceiver, until } from './engine.ts';
import { eventOf, mergedPull, pullRequest, push, structureOf } from './git-facts.ts';

const run = promisify(execFile);
const environment = {
  PATH: process.env.PATH ?? '',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

type Json = Readonly<Record<string, unknown>>;
const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Json | null | undefined)?.[key], value);
const dialects = ['secure-source-manager', 'gitea', 'github'] as const;

interface Made {
  readonly app: App;
  readonly token: string;
  readonly receivers: Readonly<Record<(typeof dialects)[number], Receiver>>;
  git(...args: readonly string[]): Promise<string>;
}

/** A server with a repository, a webhook of each dialect for it, and a clone with one commit on `main` and one more on `dev`, not pushed yet. */
async function make(t: TestContext, engine: (typeof engines)[number]): Promise<Made> {
  const { app } = await startApp(t, await configure(t, engine, { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.0/8' }));
  const { token } = await tenant(app, 'Harbour');
  const repository = await call(app, 'POST', '/v1/repositories', { as: token, body: { name: 'crane' } });
  assert.equal(repository.status, 201, JSON.stringify(repository.json));
  const receiver = () =>
    startReceiver({
      after: (step) =>
        atEnd(t, async () => {
          await step();
        }),
    });
  const receivers = { 'secure-source-manager': await receiver(), gitea: await receiver(), github: await receiver() };
  for (const dialect of dialects) {
    const events = ['push', 'pull_request', 'pull_request_comment'];
    const body = { name: dialect, url: receivers[dialect].url, events, dialect, secret: null, scope: { repository: 'crane' } };
    const { status, json } = await call(app, 'POST', '/v1/webhooks', { as: token, body });
    assert.equal(status, 201, JSON.stringify(json));
  }
  const folder = await mkdtemp(join(tmpdir(), 'gatepost-pushed-'));
  atEnd(t, () => rm(folder, { recursive: true, force: true }));
  const git = async (...args: readonly string[]) => (await run('git', ['-C', folder, ...args], { env: environment })).stdout.trim();
  const url = new URL(String(repository.json['cloneUrl']));
  url.username = 'x';
  url.password = token;
  await git('init', '-q', '-b', 'main');
  await writeFile(join(folder, 'README.md'), 'lifts\n');
  await git('add', '.');
  await git('commit', '-q', '-m', 'Lift <things> & more');
  await git('remote', 'add', 'origin', url.href);
  await git('checkout', '-q', '-b', 'dev');
  await writeFile(join(folder, 'hook.txt'), 'hooks\n');
  await git('add', '.');
  await git('commit', '-q', '-m', 'Hook');
  return { app, token, receivers, git };
}

/** Waits for the event of this name and action, and answers its body. */
async function arrivedOf({ arrived }: Receiver, header: string, name: string, isIt: (body: Json) => boolean): Promise<Json> {
  const find = () =>
    arrived
      .filter(({ headers }) => headers[header] === name)
      .map(({ body }) => JSON.parse(body) as Json)
      .find(isIt);
  await until(() => find() !== undefined);
  return find() ?? {};
}

/** Every URL of this server in a body, each once, but for templates. */
function linksIn(body: string, base: string): readonly string[] {
  const found = [...body.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text);
  return [...new Set(found.filter((text) => text.startsWith(`${base}/`) && !text.includes('{')))];
}

test('a push by git reaches a webhook of each dialect as what it is', async (t) => {
  const { receivers, git } = await make(t, 'sqlite');
  await git('push', '-q', 'origin', 'main');
  const after = await git('rev-parse', 'main');
  const isMain = (body: Json) => body['ref'] === 'refs/heads/main';
  const ssm = await arrivedOf(receivers['secure-source-manager'], 'x-securesourcemanager-event', 'push', isMain);
  const emptied = push({ commits: push().commits.map((commit) => ({ ...commit, added: ['a'], removed: [], modified: [] })) });
  const expected = JSON.parse(dialectOf('secure-source-manager').body(eventOf('push', emptied)).toString('utf8')) as Json;
  assert.equal(structureOf(ssm), structureOf(expected));
  assert.deepEqual([ssm['before'], ssm['after'], at(ssm, 'commits', '0', 'id')], ['0'.repeat(40), after, after]);
  assert.deepEqual([at(ssm, 'commits', '0', 'added'), at(ssm, 'commits', '0', 'message')], [['README.md'], 'Lift <things> & more\n']);
  assert.equal(at(ssm, 'repository', 'full_name'), 'harbour/crane');
  const gitea = await arrivedOf(receivers.gitea, 'x-gitea-event', 'push', isMain);
  assert.deepEqual([at(gitea, 'head_commit', 'id'), gitea['total_commits']], [after, 1]);
  const github = await arrivedOf(receivers.github, 'x-github-event', 'push', isMain);
  assert.deepEqual([at(github, 'head_commit', 'id'), github['created'], at(github, 'head_commit', 'distinct')], [after, true, true]);
  const ping = await arrivedOf(receivers.github, 'x-github-event', 'ping', () => true);
  assert.equal(at(ping, 'repository', 'full_name'), 'harbour/crane');
});

for (const engine of engines) {
  test(`a pull request is told from its opening to its merge: ${engine}`, async (t) => {
    const { app, token, receivers, git } = await make(t, engine);
    await git('push', '-q', 'origin', 'main', 'dev');
    const body = { title: 'Hooks', head: 'dev', base: 'main' };
    assert.equal((await call(app, 'POST', '/v1/repositories/crane/pulls', { as: token, body })).status, 201);
    assert.equal((await call(app, 'POST', '/v1/repositories/crane/pulls/1/comments', { as: token, body: { body: 'Fine' } })).status, 201);
    const merged = await call(app, 'POST', '/v1/repositories/crane/pulls/1/merge', { as: token, body: { method: 'merge' } });
    assert.equal(merged.status, 200, JSON.stringify(merged.json));
    const { 'secure-source-manager': ssm, github } = receivers;
    const of = (name: string, action: string) => arrivedOf(ssm, 'x-securesourcemanager-event', name, (each) => each['action'] === action);
    const expected = (facts: ReturnType<typeof pullRequest>) =>
      structureOf(JSON.parse(dialectOf('secure-source-manager').body(eventOf('pull_request', facts)).toString('utf8')));
    assert.equal(structureOf(await of('pull_request', 'opened')), expected(pullRequest()));
    const closed = await of('pull_request', 'closed');
    assert.equal(structureOf(closed), expected(pullRequest({ pullAction: 'closed', pull: mergedPull })));
    assert.deepEqual([at(closed, 'pull_request', 'merged'), at(closed, 'pull_request', 'head', 'ref')], [true, 'dev']);
    assert.equal(at(await of('pull_request_comment', 'created'), 'comment', 'body'), 'Fine');
    const into = at(closed, 'pull_request', 'merge_commit_sha');
    const pushed = await arrivedOf(github, 'x-github-event', 'push', (each) => each['after'] === into);
    assert.equal(pushed['ref'], 'refs/heads/main');
  });
}

test('each link in a body leads to a page or a file of this server', async (t) => {
  const { app, token, receivers, git } = await make(t, 'sqlite');
  await git('tag', '-a', 'v1', '-m', 'one', 'main');
  await git('push', '-q', 'origin', 'main', 'dev', 'v1');
  const post = (path: string, body: object) => call(app, 'POST', `/v1/repositories/crane/pulls${path}`, { as: token, body });
  await post('', { title: 'Hooks', head: 'dev', base: 'main' });
  await post('/1/comments', { body: 'Fine' });
  await git('push', '-q', 'origin', ':v1');
  const links = new Set<string>();
  for (const dialect of dialects) {
    const { count, arrived } = receivers[dialect];
    await count(dialect === 'github' ? 7 : 6);
    for (const { body } of arrived) for (const link of linksIn(body, app.address())) links.add(link);
  }
  const statuses = await Promise.all([...links].map(async (link) => [link, await statusOf(link, token)]));
  assert.deepEqual(
    statuses,
    [...links].map((link) => [link, 200]),
  );
  assert.ok(links.size > 15);
});

/** Pages and files ask for Basic, as a browser and git show it; the two APIs for Bearer. */
async function statusOf(link: string, token: string): Promise<number> {
  const isPage = new URL(link).pathname.startsWith('/git/');
  const authorization = isPage ? `Basic ${Buffer.from(`x:${token}`).toString('base64')}` : `Bearer ${token}`;
  const url = link.endsWith('.git') ? `${link}/info/refs?service=git-upload-pack` : link;
  const answer = await fetch(url, { headers: { authorization } });
  await answer.arrayBuffer();
  return answer.status;
}
