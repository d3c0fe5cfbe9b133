import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engines } from '../../../test/databases.ts';
import type { PullHost } from '../../../test/pulls.ts';
import { startPullHost } from '../../../test/pulls.ts';
import { addComment, deleteComment, editComment, listComments } from './comments.ts';
import { scopeOf } from './deps.ts';
import type { PullChange } from './edit.ts';
import { editPull } from './edit.ts';
import { openPull } from './open.ts';
import type { Pull } from './pull.ts';

// Opening, editing, closing, reopening, commenting: each with the event it makes, and what cannot be.

async function start(host: PullHost): Promise<Pull> {
  const main = await host.commit({ files: { a: '1\n' } });
  const dev = await host.commit({ parents: [main], files: { b: '1\n' } });
  const other = await host.commit({ parents: [main], files: { c: '1\n' } });
  await host.point({ main, dev, other, next: main, alone: await host.commit({ files: { z: '1' } }) });
  return host.open({ head: 'dev', title: ' One ', body: 'text' });
}

const edit = async (host: PullHost, number: number, change: PullChange): Promise<Pull> =>
  editPull(host.deps, { ...(await host.doing(host.ben)), pull: await host.pull(number), change });

for (const engine of engines) {
  test(`opening says what it is, and refuses what can never be merged (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const pull = await start(host);
    const [told] = await host.told();
    assert.deepEqual(
      [told?.pullAction, told?.pull.title, told?.pull.body, told?.pull.author.login, told?.changes, told?.repository.openPulls],
      ['opened', 'One', 'text', 'ada@example.org', null, 1],
    );
    assert.equal(told?.pull.mergeable, true);
    assert.equal(await host.tip('refs/pull/1/head'), pull.headSha);
    const refused = {
      same_branch: { head: 'main' },
      unknown_branch: { head: 'nowhere' },
      nothing_to_merge: { head: 'next' },
      unrelated_histories: { head: 'alone' },
      pull_request_exists: { head: 'dev' },
      invalid_title: { head: 'other', title: ' \n' },
      invalid_branch: { head: 'main~1' },
      invalid_body: { head: 'other', body: '\0' },
    } as const;
    for (const [code, of] of Object.entries(refused)) await assert.rejects(host.open(of), { code }, code);
    assert.equal((await host.open({ head: 'other' })).number, 2, 'refusals take no numbers');
    const draft = await host.open({ head: 'dev', base: 'next', title: 'Draft: later' });
    assert.deepEqual((await host.told()).at(-1)?.pull.mergeableReason, 'draft');
    assert.equal(draft.mergeability, 'clean');
    const same = await Promise.allSettled([1, 2, 3].map(() => host.open({ head: 'other', base: 'next' })));
    assert.equal(same.filter(({ status }) => status === 'fulfilled').length, 1, 'one of three at once');
    await host.deps.database.write((tx) => tx.updateTable('repositories').set({ archived: 1 }).execute());
    await assert.rejects(host.open({ head: 'other', base: 'main' }), { code: 'repository_archived' });
  });

  test(`an edit is told with what was before; what is as it was is no edit (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const before = await start(host);
    await host.open({ head: 'other', base: 'next' });
    await host.forget();
    await edit(host, 1, { title: 'One', body: 'text', base: 'main', state: 'open' });
    assert.deepEqual(await host.story(), []);
    await edit(host, 1, { title: 'Two', body: '' });
    await edit(host, 1, { base: 'next' });
    const [title, body, base] = await host.told();
    assert.deepEqual(
      [title?.pullAction, title?.changes, title?.pull.body, title?.sender.number],
      ['edited', { title: { from: 'One' } }, 'text', host.ben.number],
    );
    assert.deepEqual(
      [body?.pullAction, body?.changes, body?.pull.title, body?.pull.body],
      ['edited', { body: { from: 'text' } }, 'Two', ''],
    );
    assert.deepEqual(base?.changes, { base: { from: 'main', sha: before.baseSha } });
    assert.deepEqual([base?.pull.base.ref, base?.pull.mergeable], ['next', true]);
    await assert.rejects(edit(host, 2, { base: 'other' }), { code: 'same_branch' });
    await assert.rejects(edit(host, 2, { base: 'nowhere' }), { code: 'unknown_branch' });
    await assert.rejects(edit(host, 2, { base: 'alone' }), { code: 'unrelated_histories' });
    assert.equal((await host.pull(2)).base, 'next');
    await host.forget();
    await edit(host, 1, { title: 'Three', body: 'x', base: 'main', state: 'closed' });
    assert.deepEqual(
      (await host.told()).map(({ pullAction, changes }) => [pullAction, Object.keys(changes ?? {})]),
      [
        ['edited', ['title']],
        ['edited', ['body']],
        ['edited', ['base']],
        ['closed', []],
      ],
    );
    await host.open({ head: 'other', base: 'main' });
    await assert.rejects(edit(host, 2, { base: 'main' }), { code: 'pull_request_exists' });
  });

  test(`closing and reopening are told, and what cannot be opened again is refused (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    await start(host);
    await host.forget();
    const closed = await edit(host, 1, { title: 'Closed', state: 'closed' });
    assert.deepEqual([closed.state, closed.closed !== null], ['closed', true]);
    assert.deepEqual(await host.story(), ['edited 1', 'closed 1']);
    const { mergeable, mergeableReason } = (await host.told()).at(-1)?.pull ?? {};
    assert.deepEqual([mergeable, mergeableReason], [true, 'closed'], 'what was known of it stays: false is a conflict or a draft');
    await assert.rejects(host.merge(closed), { code: 'pull_request_closed' });
    await assert.rejects(edit(host, 1, { base: 'next' }), { code: 'pull_request_closed' });
    // Pushed to while it was closed.
    const later = await host.commit({ parents: [closed.headSha], files: { b: '2\n' } });
    await host.point({ dev: later });
    const reopened = await edit(host, 1, { state: 'open' });
    assert.deepEqual([reopened.state, reopened.closed, reopened.headSha, reopened.counts.commits], ['open', null, later, 2]);
    assert.equal(await host.tip('refs/pull/1/head'), later);
    assert.deepEqual((await host.told()).at(-1)?.pullAction, 'reopened');
    await edit(host, 1, { state: 'closed' });
    await host.open({ head: 'dev' });
    await assert.rejects(edit(host, 1, { state: 'open' }), { code: 'pull_request_exists' });
    await host.point({ dev: null });
    await assert.rejects(edit(host, 1, { state: 'open' }), { code: 'head_gone' });
    await host.point({ dev: later });
    const merged = await host.merge(await edit(host, 2, { state: 'open' }));
    assert.deepEqual([merged.state, merged.isHeadGone], ['merged', false]);
    await assert.rejects(edit(host, 2, { state: 'open' }), { code: 'pull_request_merged' });
    await assert.rejects(edit(host, 2, { state: 'closed' }), { code: 'pull_request_merged' });
    await assert.rejects(edit(host, 2, { base: 'next' }), { code: 'pull_request_merged' });
    assert.equal((await edit(host, 2, { title: 'Told afterwards' })).title, 'Told afterwards');
    await assert.rejects(edit(host, 1, { state: 'open' }), { code: 'nothing_to_merge' });
    await host.point({ base2: later });
    await host.open({ head: 'other', base: 'base2' });
    await host.point({ base2: null });
    await assert.rejects(edit(host, 3, { state: 'open' }), { code: 'base_gone' });
  });

  test(`comments are told, and changed by who wrote them alone (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const pull = await start(host);
    await host.forget();
    const by = async (who = host.ben) => ({ ...(await host.doing(who)), pull });
    const comment = await addComment(host.deps, { ...(await by()), body: 'Looks good' });
    await assert.rejects(
      editComment(host.deps, { ...(await by(host.ada)), comment: comment.id, isAdmin: false, by: 'system', body: 'x' }),
      {
        code: 'not_author',
      },
    );
    await editComment(host.deps, { ...(await by()), comment: comment.id, isAdmin: false, by: 'system', body: 'Looks good' });
    await editComment(host.deps, { ...(await by(host.ada)), comment: comment.id, isAdmin: true, by: 'system', body: 'Looks bad' });
    await addComment(host.deps, { ...(await by(host.ada)), body: 'Does it?' });
    const listed = await listComments({
      read: host.deps.database.read,
      ...scopeOf(await host.repository()),
      pull: pull.id,
      limit: 1,
      after: comment.id,
    });
    assert.deepEqual(
      listed.map(({ body }) => body),
      ['Does it?'],
    );
    assert.equal((await host.pull(1)).comments, 2);
    await assert.rejects(addComment(host.deps, { ...(await by()), body: ' \n' }), { code: 'invalid_body' });
    await deleteComment(host.deps, { ...(await by()), comment: comment.id, isAdmin: false, by: 'system' });
    await assert.rejects(deleteComment(host.deps, { ...(await by()), comment: comment.id, isAdmin: false, by: 'system' }), {
      code: 'unknown_comment',
    });
    assert.deepEqual(await host.story(), ['created 1', 'edited 1', 'created 1', 'deleted 1']);
    const rows = await host.deps.database.read.selectFrom('events').select(['kind', 'facts']).orderBy('id').execute();
    const facts = rows.filter(({ kind }) => kind === 'pull_request_comment').map((row) => JSON.parse(row.facts) as Record<string, unknown>);
    assert.deepEqual(
      facts.map(({ bodyFrom }) => bodyFrom),
      [null, 'Looks good', null, null],
    );
    assert.deepEqual(
      facts.map(({ pull }) => (pull as { comments: number }).comments),
      [1, 1, 2, 1],
    );
    assert.deepEqual(Object.keys(facts[0]?.['comment'] as object), ['id', 'serial', 'author', 'body', 'created', 'updated']);
  });
}

test('a push to the head that is settled while its pull request is being opened is not lost', async (t) => {
  const host = await startPullHost(t);
  const main = await host.commit({ files: { a: '1\n' } });
  const dev = await host.commit({ parents: [main], files: { b: '1\n' } });
  const later = await host.commit({ parents: [dev], files: { b: '2\n' } });
  await host.point({ main, dev });
  const { ids } = host.deps;
  // The id is taken between the look at the branches and the row.
  let moved: Promise<void> | null = null;
  const next = (): string => {
    moved ??= host.point({ dev: later });
    return ids.next();
  };
  const { database } = host.deps;
  const write: typeof database.write = async (unit) => {
    await moved;
    return database.write(unit);
  };
  const deps = { ...host.deps, ids: { ...ids, next }, database: { ...database, write } };
  const pull = await openPull(deps, { ...(await host.doing()), head: 'dev', base: 'main', title: 't', body: '' });
  assert.equal(pull.headSha, later);
  assert.deepEqual((await host.story()).slice(2), ['push refs/heads/dev', 'opened 1', 'synchronized 1']);
});
