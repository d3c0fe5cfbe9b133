import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engines } from '../../../test/databases.ts';
import type { PullHost } from '../../../test/pulls.ts';
import { startPullHost } from '../../../test/pulls.ts';
import { mergePull } from './merge.ts';
import { rebaseCommitsMax } from './rebase.ts';
import { createRefresher } from './refresh.ts';

// Merging by its three methods in a bare repository: what the commits say, what is told, and what cannot be. Commits are made by git's own plumbing,
// outcomes read back by git.

const lines = (first: string, last = '9') => `${[first, 2, 3, 4, 5, 6, 7, 8, last].join('\n')}\n`;

/** main and dev have each a commit of their own behind a common one; they do not touch the same lines. */
async function diverged(host: PullHost): Promise<{ readonly main: string; readonly dev: string; readonly first: string }> {
  const root = await host.commit({ files: { 'f.txt': lines('1') } });
  const main = await host.commit({ parents: [root], files: { 'f.txt': lines('1', 'nine') }, message: 'on main\n' });
  const first = await host.commit({
    parents: [root],
    files: { 'f.txt': lines('one') },
    message: 'first\n\nwhy\n',
    author: 'Dé <de@example.org>',
    date: '1600000000 -0330',
  });
  const dev = await host.commit({ parents: [first], files: { 'new.txt': 'x\n' }, message: 'second\n', author: 'Eve <eve@example.org>' });
  await host.point({ main, dev });
  return { main, dev, first };
}

for (const engine of engines) {
  test(`a merge makes a merge commit by who merges, moves the base, and tells of both (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main, dev } = await diverged(host);
    const pull = await host.open({ head: 'dev', title: 'Bring it' });
    assert.deepEqual([pull.number, pull.state, pull.mergeability, pull.headSha, pull.baseSha], [1, 'open', 'clean', dev, main]);
    assert.deepEqual(pull.counts, { commits: 2, additions: 2, deletions: 1, changedFiles: 2 });
    await host.forget();
    const merged = await host.merge(pull, { expectedHead: dev });
    const tip = await host.tip('refs/heads/main');
    assert.deepEqual([merged.state, merged.mergeSha, merged.mergedBy?.login], ['merged', tip, 'Ben the builder']);
    assert.equal(
      await host.git1('log', '-1', '--format=%P|%an <%ae>|%cn <%ce>|%B', 'main'),
      [
        `${main} ${dev}`,
        `Ben the builder <token-${host.ben.number}@noreply.invalid>`,
        `Ben the builder <token-${host.ben.number}@noreply.invalid>`,
        'Merge dev into main (#1)\n\nBring it',
      ].join('|'),
    );
    assert.equal(await host.git1('show', 'main:f.txt'), lines('one', 'nine').trimEnd());
    assert.deepEqual(await host.story(), ['push refs/heads/main', 'closed 1']);
    const [closed] = await host.told();
    assert.deepEqual(
      [
        closed?.pull.state,
        closed?.pull.isMerged,
        closed?.pull.mergeCommit,
        closed?.pull.mergeableReason,
        closed?.repository.openPulls,
        closed?.sender.number,
      ],
      ['closed', true, tip, 'merged', 0, host.ben.number],
    );
    assert.equal(await host.git1('fsck', '--strict', '--no-dangling'), '');
    await assert.rejects(host.merge(merged), { code: 'pull_request_merged' });
  });

  test(`a squash is one commit by the author of the oldest, and names the others (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main } = await diverged(host);
    const pull = await host.open({ head: 'dev', title: 'Both', body: 'In one.' });
    const merged = await host.merge(pull, { method: 'squash' });
    assert.equal(merged.state, 'merged');
    const told = await host.git1('log', '-1', '--format=%P|%an <%ae> %ad|%cn|%B', '--date=raw', 'main');
    assert.equal(
      told,
      `${main}|Dé <de@example.org> 1600000000 -0330|Ben the builder|Both (#1)\n\nIn one.\n\nCo-authored-by: Eve <eve@example.org>`,
    );
    assert.equal(await host.git1('show', 'main:f.txt'), lines('one', 'nine').trimEnd());
    assert.equal(await host.git1('show', 'main:new.txt'), 'x');
  });

  test(`a rebase keeps authors, dates and messages, and leaves out what the base has (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main, dev } = await diverged(host);
    const odd = await host.commit({
      parents: [dev],
      files: { 'caf\u00e9.txt': 'é\n' },
      message: 'third with \u{1f600}\n\n  spaces kept \n',
    });
    const empty = await host.commit({ parents: [odd], message: 'changes nothing\n' });
    const again = await host.commit({ parents: [empty], files: { 'f.txt': lines('one', 'nine') }, message: 'as on main\n' });
    await host.point({ dev: again });
    const pull = await host.open({ head: 'dev' });
    const merged = await host.merge(pull, { method: 'rebase' });
    const log = await host.git1('log', '--reverse', '--format=%an %ad %cn|%B', '--date=raw', `${main}..main`);
    assert.equal(
      log,
      [
        'Dé 1600000000 -0330 Ben the builder|first\n\nwhy\n',
        'Eve 1700000000 +0100 Ben the builder|second\n',
        'Cy 1700000000 +0100 Ben the builder|third with \u{1f600}\n\n  spaces kept \n',
        'Cy 1700000000 +0100 Ben the builder|changes nothing',
      ].join('\n'),
    );
    assert.equal(await host.tip('main'), merged.mergeSha);
    assert.equal(await host.git1('rev-parse', 'main~4'), main);
    assert.equal(await host.git1('show', 'main:f.txt'), lines('one', 'nine').trimEnd());
    assert.equal(await host.git1('fsck', '--strict', '--no-dangling'), '');
  });

  test(`what cannot be merged is refused with its code, and nothing moves (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main } = await diverged(host);
    const clash = await host.commit({ parents: [`${main}~1`], files: { 'f.txt': lines('1', 'IX'), 'g/h.txt': 'y' } });
    await host.point({ clash });
    const pull = await host.open({ head: 'clash', title: 'wip: not yet' });
    await assert.rejects(host.merge(pull), { code: 'pull_request_draft' });
    await host.deps.database.write((tx) => tx.updateTable('pulls').set({ title: 'ready' }).execute());
    for (const method of ['merge', 'squash', 'rebase'] as const) {
      await assert.rejects(host.merge(pull, { method }), (error: { code: string; details: { paths: string[] } }) => {
        assert.deepEqual([error.code, error.details.paths], ['merge_conflict', ['f.txt']]);
        return true;
      });
    }
    await assert.rejects(host.merge(pull, { expectedHead: main }), { code: 'head_moved' });
    await assert.rejects(host.merge(pull, { method: 'rebase', message: 'x' }), { code: 'invalid_merge' });
    assert.equal(await host.tip('main'), main);
    await host.deps.database.write((tx) => tx.updateTable('repositories').set({ archived: 1 }).execute());
    await assert.rejects(host.merge(pull), { code: 'repository_archived' });
  });
}

test('a head that is on its base already is rebased as it is, and merged by a commit all the same', async (t) => {
  const host = await startPullHost(t);
  const main = await host.commit({ files: { a: '1' } });
  const dev = await host.commit({ parents: [main], files: { a: '2' } });
  await host.point({ main, dev });
  const rebased = await host.merge(await host.open({ head: 'dev' }), { method: 'rebase' });
  assert.equal(rebased.mergeSha, dev);
  const next = await host.commit({ parents: [dev], files: { a: '3' } });
  await host.point({ dev: next });
  const merged = await host.merge(await host.open({ head: 'dev' }));
  assert.equal(await host.git1('rev-parse', 'main^2'), next);
  assert.equal(merged.mergeSha, await host.tip('main'));
});

test('a rebase leaves merges out where that changes nothing, and refuses where it would', async (t) => {
  const host = await startPullHost(t);
  const { main, dev } = await diverged(host);
  const merge = await host.commit({ parents: [dev, main], files: { 'f.txt': lines('one', 'nine') }, message: 'merge main\n' });
  const evil = await host.commit({
    parents: [dev, main],
    files: { 'f.txt': lines('one', 'nine'), evil: 'only here\n' },
    message: 'merge\n',
  });
  await host.point({ fine: merge, evil });
  const refused = await host.open({ head: 'evil' });
  await assert.rejects(host.merge(refused, { method: 'rebase' }), { code: 'rebase_loses_merge' });
  const merged = await host.merge(await host.open({ head: 'fine' }), { method: 'rebase' });
  assert.equal(merged.state, 'merged');
  assert.equal(await host.git1('rev-list', '--count', '--merges', `${main}..main`), '0');
});

test('a rebase keeps the bytes of messages that are not UTF-8, and takes root commits along', async (t) => {
  const host = await startPullHost(t);
  const { main, dev } = await diverged(host);
  const { id } = await host.repository();
  const tree = await host.git1('rev-parse', `${await host.commit({ parents: [dev], files: { x: '1' } })}^{tree}`);
  const who = 'D\xe9 <de@example.org> 1500000000 +0545';
  const latin = Buffer.from(`tree ${tree}\nparent ${dev}\nauthor ${who}\ncommitter ${who}\nencoding ISO-8859-1\n\nCaf\xe9\n`, 'latin1');
  const written = await host.git.run({ repository: id, args: ['hash-object', '-t', 'commit', '-w', '--stdin'], input: latin });
  const odd = written.stdout.toString().trim();
  const root = await host.commit({ files: { 'from/elsewhere': '1\n' }, message: 'a root\n' });
  const both = await host.commit({ parents: [odd, root], files: { 'from/elsewhere': '1\n' }, message: 'merge\n' });
  await host.point({ both });
  await host.merge(await host.open({ head: 'both' }), { method: 'rebase' });
  assert.equal(await host.git1('rev-list', '--count', `${main}..main`), '4');
  assert.equal(await host.git1('show', 'main:from/elsewhere'), '1');
  const ids = (await host.git1('rev-list', `${main}..main`)).split('\n');
  const raw = await Promise.all(ids.map((one) => host.git.run({ repository: id, args: ['cat-file', 'commit', one] })));
  const kept = raw.map(({ stdout }) => stdout.toString('latin1')).find((text) => text.includes('encoding'));
  assert.match(kept ?? '', /author D\xe9 <de@example.org> 1500000000 \+0545\ncommitter Ben.*\nencoding ISO-8859-1\n\nCaf\xe9\n$/);
});

test('a rebase replays a bounded number of commits', async (t) => {
  const host = await startPullHost(t);
  const main = await host.commit({ files: { a: '1' } });
  const tree = await host.git1('rev-parse', `${main}^{tree}`);
  const stream = [`commit refs/heads/many\n`];
  const one = (n: number) => `committer C <c@example.org> 1700000000 +0000\ndata 2\n${n % 10}\n`;
  const from = (n: number) => (n === 0 ? `from ${main}\n` : '');
  for (let n = 0; n <= rebaseCommitsMax; n += 1) stream.push(n === 0 ? '' : 'commit refs/heads/many\n', one(n), from(n), '\n');
  const { id } = await host.repository();
  await host.git.run({ repository: id, args: ['fast-import', '--quiet'], input: stream.join('') });
  await host.point({ main: await host.commit({ parents: [main], files: { b: tree } }) });
  const pull = await host.open({ head: 'many' });
  assert.equal(pull.counts.commits, rebaseCommitsMax + 1);
  await assert.rejects(host.merge(pull, { method: 'rebase' }), { code: 'too_many_commits' });
});

test('a base that is pushed to while a merge is made is merged into as it then is', async (t) => {
  const host = await startPullHost(t);
  const { main } = await diverged(host);
  const pull = await host.open({ head: 'dev' });
  const other = await host.commit({ parents: [main], files: { other: 'x\n' } });
  const { refs } = host.deps;
  let meanwhile = true;
  const move: typeof refs.move = async (options) => {
    if (meanwhile) {
      meanwhile = false;
      await host.point({ main: other });
    }
    return refs.move(options);
  };
  const deps = { ...host.deps, refs: { move } };
  const merged = await mergePull(deps, createRefresher(deps), { ...(await host.doing(host.ben)), pull, method: 'merge' });
  assert.equal(merged.state, 'merged');
  assert.equal(await host.git1('rev-parse', 'main^1'), other);
});

test('clean pull requests of one base that are merged at once are all merged, by each method', async (t) => {
  const host = await startPullHost(t);
  const main = await host.commit({ files: { a: '1\n' } });
  const heads = await Promise.all(Array.from({ length: 8 }, (_, at) => host.commit({ parents: [main], files: { [`file${at}`]: 'x\n' } })));
  await host.point({ main, ...Object.fromEntries(heads.map((sha, at) => [`dev${at}`, sha])) });
  const pulls = [];
  for (const at of heads.keys()) pulls.push(await host.open({ head: `dev${at}` }));
  const methods = ['merge', 'squash', 'rebase'] as const;
  const merged = await Promise.all(
    pulls.map((pull, at) => host.merge(pull, { method: methods[at % 3] ?? 'merge', expectedHead: pull.headSha })),
  );
  assert.deepEqual(new Set(merged.map(({ state }) => state)), new Set(['merged']));
  assert.equal((await host.git1('ls-tree', '--name-only', 'main')).split('\n').length, 9);
  assert.deepEqual(
    new Set((await host.told()).filter(({ pullAction }) => pullAction === 'closed').map(({ pull }) => pull.mergeable)),
    new Set([true]),
  );
});
