import assert from 'node:assert/strict';
import { test } from 'node:test';
import { author, bare, writeTree } from '../../../test/git/bare.ts';
import type { Bare, TreeEntry } from '../../../test/git/bare.ts';
import { factsNow } from '../../../test/git/facts.ts';
import { commitsOfPushMax, pathsOfCommitMax, pathsOfPushMax, zeroId } from '../../events/git-facts.ts';
import { createBudgets } from './budget.ts';
import { commitsOfPushesMax, commitsOfRefMin, messageBytesMax, messageOfRestBytesMax, messagesOfPushBytesMax } from './limits.ts';

// Each limit at its edge: what fits is whole, one more is cut, and the numbers still say how much there was.

const main = 'refs/heads/main';

async function row(repo: Bare, count: number, message?: string): Promise<readonly string[]> {
  const ada = author(repo);
  const ids: string[] = [];
  const tree = await writeTree(repo, new Map());
  for (let made = 0; made < count; made += 1) ids.push(await ada.commitTree(tree, ids.slice(-1), message ?? `${made}\n`));
  await ada.branch('main', ids.at(-1) ?? '');
  return ids;
}

async function manyFiles(repo: Bare, count: number, prefix = ''): Promise<ReadonlyMap<string, TreeEntry>> {
  const id = await repo.object('blob', 'x');
  return new Map(Array.from({ length: count }, (_, index) => [`${prefix}${String(index).padStart(5, '0')}`, { mode: '100644', id }]));
}

test('of a large push the newest commits are listed, and all are counted', async (t) => {
  const repo = await bare(t);
  const ids = await row(repo, commitsOfPushMax + 2);
  await repo.pack();
  const newest = ids.toReversed();
  const [whole] = await factsNow(repo, [{ ref: main, before: ids[1] ?? '', after: newest[0] ?? '' }]);
  assert.deepEqual([whole?.commits.map(({ id }) => id), whole?.total], [newest.slice(0, commitsOfPushMax), commitsOfPushMax]);
  const [cut] = await factsNow(repo, [{ ref: main, before: zeroId, after: newest[0] ?? '' }]);
  assert.deepEqual([cut?.commits.length, cut?.total], [commitsOfPushMax, commitsOfPushMax + 2]);
  assert.equal(cut?.compareBase, ids[1]);
});

test('a commit lists so many paths, and says where there were more', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  for (const [count, isCut] of [
    [pathsOfCommitMax, false],
    [pathsOfCommitMax + 1, true],
  ] as const) {
    const tip = await ada.commitTree(await writeTree(repo, await manyFiles(repo, count)));
    await ada.branch('main', tip);
    const [push] = await factsNow(repo, [{ ref: main, before: zeroId, after: tip }]);
    assert.deepEqual([push?.head?.added.length, push?.head?.arePathsCut], [pathsOfCommitMax, isCut]);
  }
});

test('a push lists so many paths in all, the newest first; commits past that have none, and say so', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const perCommit = 2_500;
  const commits = pathsOfPushMax / perCommit + 2;
  const files = new Map<string, TreeEntry>();
  const ids: string[] = [];
  for (let made = 0; made < commits; made += 1) {
    for (const [path, entry] of await manyFiles(repo, perCommit, `${made}/`)) files.set(path, entry);
    ids.push(await ada.commitTree(await writeTree(repo, files), ids.slice(-1)));
  }
  await ada.branch('main', ids.at(-1) ?? '');
  const [push] = await factsNow(repo, [{ ref: main, before: zeroId, after: ids.at(-1) ?? '' }]);
  const shown = push?.commits.map(({ added, arePathsCut }) => [added.length, arePathsCut]);
  const fits = commits - 2;
  assert.deepEqual(
    shown,
    Array.from({ length: commits }, (_, index) => (index < fits ? [perCommit, false] : [0, true])),
  );
});

test('messages of a push are whole until they are too much together; those past that keep their beginning', async (t) => {
  const repo = await bare(t);
  const message = `${'m'.repeat(messageBytesMax - 1)}\n`;
  const fits = messagesOfPushBytesMax / messageBytesMax;
  const ids = await row(repo, fits + 2, message);
  const [push] = await factsNow(repo, [{ ref: main, before: zeroId, after: ids.at(-1) ?? '' }]);
  const lengths = push?.commits.map((commit) => commit.message.length);
  const cut = messageOfRestBytesMax + '…\n'.length;
  assert.deepEqual(
    lengths,
    Array.from({ length: fits + 2 }, (_, index) => (index < fits ? messageBytesMax : cut)),
  );
});

test('refs of one push share what they may list, and each has a few commits in any case', async () => {
  const budgets = createBudgets();
  const given: number[] = [];
  for (let ref = 0; ref <= commitsOfPushesMax / commitsOfPushMax + 1; ref += 1) {
    await budgets.spend((budget) => {
      given.push(budget.commits);
      budget.commits = 0;
      return Promise.resolve();
    });
  }
  assert.deepEqual(given, [
    ...Array.from({ length: commitsOfPushesMax / commitsOfPushMax }, () => commitsOfPushMax),
    commitsOfRefMin,
    commitsOfRefMin,
  ]);
});
