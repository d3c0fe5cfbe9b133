import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { App } from '../../app.ts';
import type { Called, Tenant } from '../../../test/app.ts';
import { atEnd, call, configure, startApp, tenant } from '../../../test/app.ts';
import { engines } from '../../../test/databases.ts';
import { clientGit, clientRuns } from '../../../test/git-host.ts';

// Pull requests over the API of a running server: bodies, rights, pages, texts. What becomes of them is tested beside each verb.

interface Setting {
  readonly app: App;
  readonly base: string;
  readonly owner: Tenant;
  readonly work: string;
  ask(method: string, path: string, body?: unknown, as?: string): Promise<Called>;
}

/** A repository `shop` with a branch main and branches dev, fix and odd, each with a commit of its own. */
async function setUp(t: TestContext, engine: (typeof engines)[number]): Promise<Setting> {
  const { app, base } = await startApp(t, await configure(t, engine));
  const owner = await tenant(app, 'Ours');
  const work = await mkdtemp(join(tmpdir(), 'gatepost-pulls-'));
  atEnd(t, () => rm(work, { recursive: true, force: true }));
  const made = await call(app, 'POST', '/v1/repositories', { as: owner.token, body: { name: 'shop' } });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const stream = ['main', 'dev', 'fix', 'odd'].map((branch, index) =>
    [
      `commit refs/heads/${branch}`,
      `author Ada <ada@example.org> 17000000${index}0 +0200`,
      `committer Ada <ada@example.org> 17000000${index}0 +0200`,
      `data 7\non ${branch.padEnd(4)}`,
      ...(branch === 'main' ? [] : ['from refs/heads/main']),
      `M 100644 inline ${branch}.txt\ndata 2\nx\n`,
    ].join('\n'),
  );
  await clientRuns(work, 'init', '-q', '--bare');
  const { status, stderr } = await clientGit(work, ['fast-import', '--quiet'], `${stream.join('\n')}\n`);
  assert.equal(status, 0, stderr);
  await clientRuns(work, 'push', '-q', `${base.replace('://', `://x:${owner.token}@`)}/git/ours/shop.git`, '--all');
  const ask: Setting['ask'] = (method, path, body, as = owner.token) =>
    call(app, method, `/v1/repositories/shop/pulls${path}`, { as, body });
  return { app, base, owner, work, ask };
}

for (const engine of engines) {
  test(`a pull request is opened, shown, changed, discussed and merged (${engine})`, async (t) => {
    const { app, base, owner, work, ask } = await setUp(t, engine);
    const tip = (branch: string) => clientRuns(work, 'rev-parse', branch);
    const opened = await ask('POST', '', { title: 'Bring dev', head: 'dev' });
    assert.equal(opened.status, 201, JSON.stringify(opened.json));
    const { id, created, updated, author, ...rest } = opened.json;
    assert.deepEqual(rest, {
      number: 1,
      title: 'Bring dev',
      body: '',
      state: 'open',
      isDraft: false,
      head: { branch: 'dev', ref: 'dev', commit: await tip('dev') },
      base: { branch: 'main', commit: await tip('main') },
      mergeBase: await tip('main'),
      mergeable: true,
      mergeableReason: 'clean',
      mergeCommit: null,
      mergedBy: null,
      comments: 0,
      commits: 1,
      additions: 1,
      deletions: 0,
      changedFiles: 1,
      url: `${base}/git/ours/shop/pulls/1`,
      closed: null,
    });
    assert.ok(typeof id === 'string' && typeof created === 'string' && created === updated);
    assert.deepEqual(Object.keys(author as object), ['number', 'login', 'name']);
    assert.deepEqual((await ask('GET', '/1')).json, opened.json);
    assert.equal((await ask('PATCH', '/1', { title: '[WIP] Bring dev' })).json['mergeableReason'], 'draft');
    await ask('PATCH', '/1', { title: 'Bring it' });
    const comment = await ask('POST', '/1/comments', { body: 'Please' });
    assert.equal(comment.status, 201);
    const own = `/1/comments/${String(comment.json['id'])}`;
    assert.equal((await ask('PATCH', own, { body: 'Pretty please' })).json['body'], 'Pretty please');
    assert.deepEqual((await ask('GET', '/1/comments')).json['comments'], [(await ask('PATCH', own, { body: 'Pretty please' })).json]);
    assert.equal((await ask('DELETE', own)).status, 204);
    const [trace] = (await call(app, 'GET', '/v1/audit', { as: owner.token })).json['entries'] as { action: string; subject: string }[];
    assert.deepEqual([trace?.action, trace?.subject], ['pull_request.comment_deleted', 'shop#1']);
    const wrong = await ask('POST', '/1/merge', { method: 'squash', expectedHead: '0'.repeat(40) });
    assert.deepEqual([wrong.status, wrong.json['code']], [409, 'head_moved']);
    const merged = await ask('POST', '/1/merge', { method: 'squash', message: 'Brought\n\nby hand', expectedHead: await tip('dev') });
    assert.equal(merged.status, 200, JSON.stringify(merged.json));
    assert.deepEqual([merged.json['state'], merged.json['mergeable'], merged.json['comments']], ['merged', true, 0]);
    await clientRuns(work, 'fetch', '-q', `${base.replace('://', `://x:${owner.token}@`)}/git/ours/shop.git`, 'main', 'refs/pull/1/head');
    assert.equal(
      await clientRuns(work, 'log', '-1', '--format=%H %an %B', String(merged.json['mergeCommit'])),
      `${String(merged.json['mergeCommit'])} Ada Brought\n\nby hand`,
    );
  });

  test(`pull requests are listed by state and branch, page by page (${engine})`, async (t) => {
    const { base, owner, ask } = await setUp(t, engine);
    for (const head of ['dev', 'fix', 'odd']) await ask('POST', '', { title: head, head });
    await ask('PATCH', '/2', { state: 'closed' });
    const numbers = async (query: string) => ((await ask('GET', query)).json['pulls'] as { number: number }[]).map(({ number }) => number);
    assert.deepEqual(await numbers(''), [3, 1]);
    assert.deepEqual(await numbers('?state=all'), [3, 2, 1]);
    assert.deepEqual(await numbers('?state=closed'), [2]);
    assert.deepEqual(await numbers('?state=all&head=fix'), [2]);
    assert.deepEqual(await numbers('?base=dev'), []);
    const seen: number[] = [];
    let next: string | undefined = `${base}/v1/repositories/shop/pulls?state=all&limit=2`;
    while (next !== undefined) {
      const answer: Response = await fetch(next, { headers: { authorization: `Bearer ${owner.token}` } });
      const page = (await answer.json()) as { pulls: { number: number }[] };
      seen.push(...page.pulls.map(({ number }) => number));
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    assert.deepEqual(seen, [3, 2, 1]);
    assert.equal((await ask('GET', '?cursor=zzz')).json['code'], 'invalid_cursor');
    assert.deepEqual([(await ask('GET', '/9')).status, (await ask('GET', '/9')).json['code']], [404, 'unknown_pull_request']);
  });
}

test('what a pull request changes comes as commits, files, a diff and mails that git takes', async (t) => {
  const { base, owner, work, ask } = await setUp(t, 'sqlite');
  await ask('POST', '', { title: 'dev', head: 'dev' });
  const commits = (await ask('GET', '/1/commits')).json['commits'] as Record<string, unknown>[];
  assert.deepEqual(
    commits.map(({ message }) => String(message).trim()),
    ['on dev'],
  );
  assert.equal(commits[0]?.['id'], await clientRuns(work, 'rev-parse', 'dev'));
  assert.deepEqual((await ask('GET', '/1/files')).json, {
    files: [{ path: 'dev.txt', status: 'added', additions: 1, deletions: 0 }],
    isCut: false,
  });
  await clientRuns(work, 'worktree', 'add', '-q', '--detach', 'tree', 'main');
  for (const [kind, args] of [
    ['diff', ['apply', '--index']],
    ['patch', ['am', '-q']],
  ] as const) {
    const answer = await fetch(`${base}/v1/repositories/shop/pulls/1/${kind}`, { headers: { authorization: `Bearer ${owner.token}` } });
    assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
    const text = Buffer.from(await answer.arrayBuffer());
    const { status, stderr } = await clientGit(join(work, 'tree'), args, text);
    assert.equal(status, 0, stderr);
    assert.equal(await clientRuns(join(work, 'tree'), 'write-tree'), await clientRuns(work, 'rev-parse', 'dev^{tree}'));
    await clientRuns(join(work, 'tree'), 'reset', '-q', '--hard', 'main');
  }
});

test('who may not read or write is told so, and another organization finds nothing', async (t) => {
  const { app, owner, ask } = await setUp(t, 'sqlite');
  await ask('POST', '', { title: 'dev', head: 'dev' });
  const token = async (...scopes: readonly string[]): Promise<string> => {
    const made = await call(app, 'POST', '/v1/tokens', { as: owner.token, body: { name: scopes.join(' '), scopes } });
    return String(made.json['token']);
  };
  const [reader, writer, reporter] = [
    await token('repository:read'),
    await token('repository:read', 'repository:write'),
    await token('read'),
  ];
  const other = (await tenant(app, 'Theirs')).token;
  assert.equal((await ask('GET', '/1', undefined, reader)).status, 200);
  assert.equal((await ask('POST', '/1/merge', {}, reader)).status, 403);
  assert.equal((await ask('GET', '/1', undefined, reporter)).status, 403);
  for (const [method, path, body] of [
    ['GET', ''],
    ['GET', '/1'],
    ['POST', '/1/merge', {}],
    ['GET', '/1/diff'],
    ['POST', '/1/comments', { body: 'x' }],
  ] as const) {
    const answer = await ask(method, path, body, other);
    assert.deepEqual([answer.status, answer.json['code']], [404, 'unknown_repository'], path);
  }
  const comment = await ask('POST', '/1/comments', { body: 'mine' });
  const path = `/1/comments/${String(comment.json['id'])}`;
  assert.deepEqual((await ask('PATCH', path, { body: 'yours' }, writer)).json['code'], 'not_author');
  const theirs = await ask('POST', '/1/comments', { body: 'theirs' }, writer);
  assert.equal((await ask('DELETE', `/1/comments/${String(theirs.json['id'])}`)).status, 204, 'admin may');
  for (const [method, to, body] of [
    ['POST', '', {}],
    ['POST', '', { title: 't', head: 1 }],
    ['PATCH', '/1', { state: 'merged' }],
    ['POST', '/1/merge', { method: 'octopus' }],
    ['GET', '/0'],
    ['GET', '/x'],
  ] as const) {
    assert.equal((await ask(method, to, body)).status, 400, `${method} ${to}`);
  }
});
