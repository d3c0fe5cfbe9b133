// Debian's git pushes over HTTP what people push; each test looks at the events that came of it, and at nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushFacts } from '../../src/events/git-facts.ts';
import { zeroId } from '../../src/events/git-facts.ts';
import { clientGit } from '../git-host.ts';
import { startClient } from './client.ts';

const short = ({ ref, before, after, commits, total, isForced }: PushFacts) => ({
  ref,
  before,
  after,
  commits: commits.map(({ id }) => id),
  total,
  isForced,
});
test('a branch is made, grows, is forced, is set back and goes', async (t) => {
  const { commit, git, push, news } = await startClient(t);
  const one = await commit({ a: '1' });
  const two = await commit({ a: '2' });
  await push('origin', 'main');
  const ref = 'refs/heads/main';
  const quiet = { ref, isForced: false };
  assert.deepEqual((await news()).map(short), [{ ...quiet, before: zeroId, after: two, commits: [two, one], total: 2 }]);
  const three = await commit({ a: '3' });
  await push('origin', 'main');
  assert.deepEqual((await news()).map(short), [{ ...quiet, before: two, after: three, commits: [three], total: 1 }]);
  await git('reset', '-q', '--hard', two);
  const instead = await commit({ a: 'other' });
  await push('--force', 'origin', 'main');
  assert.deepEqual((await news()).map(short), [{ ref, before: three, after: instead, commits: [instead], total: 1, isForced: true }]);
  await push('--force', 'origin', `${one}:main`);
  assert.deepEqual((await news()).map(short), [{ ref, before: instead, after: one, commits: [], total: 0, isForced: true }]);
  const other = { ...quiet, ref: 'refs/heads/other' };
  await push('origin', `${two}:refs/heads/other`);
  await push('origin', ':other');
  assert.deepEqual((await news()).map(short), [
    { ...other, before: zeroId, after: two, commits: [two], total: 1 },
    { ...other, before: two, after: zeroId, commits: [], total: 0 },
  ]);
});

test('a new branch with commits of its own, without any, and two that share them', async (t) => {
  const { commit, git, push, news } = await startClient(t);
  const base = await commit({ a: '1' });
  await push('origin', 'main');
  await news();
  await push('origin', 'main:same');
  await git('checkout', '-q', '-b', 'topic');
  const tip = await commit({ a: '2' });
  await push('origin', 'topic', 'topic:twin');
  const [same, topic, twin] = await news();
  assert.deepEqual([same?.commits, same?.head?.id, same?.compareBase], [[], base, null]);
  assert.deepEqual([topic?.ref, topic?.commits.map(({ id }) => id), topic?.compareBase], ['refs/heads/topic', [tip], base]);
  assert.deepEqual([twin?.ref, twin?.commits, twin?.head?.id], ['refs/heads/twin', [], tip]);
});

test('tags are made, moved and deleted: the tag object stands after, its commit is the head', async (t) => {
  const { commit, git, push, news } = await startClient(t);
  const one = await commit({ a: '1' });
  const two = await commit({ a: '2' });
  await git('tag', 'light', one);
  await git('tag', '-a', '-m', 'A release', 'v1', two);
  const object = await git('rev-parse', 'v1');
  await push('--follow-tags', 'origin', 'main');
  await push('origin', 'light');
  const made = await news();
  assert.deepEqual(
    made.map(({ ref, after, head, commits }) => [ref, after, head?.id, commits.length]),
    [
      ['refs/heads/main', two, two, 2],
      ['refs/tags/v1', object, two, 0],
      ['refs/tags/light', one, one, 0],
    ],
  );
  await git('tag', '-f', 'light', two);
  await push('--force', 'origin', 'light');
  await push('origin', ':light', ':v1');
  const gone = { after: zeroId, commits: [], total: 0, isForced: false };
  assert.deepEqual((await news()).map(short), [
    { ref: 'refs/tags/light', before: one, after: two, commits: [], total: 0, isForced: true },
    { ref: 'refs/tags/light', before: two, ...gone },
    { ref: 'refs/tags/v1', before: object, ...gone },
  ]);
});

test('many refs in one push are events in their order; an atomic push that fails is none', async (t) => {
  const { commit, git, push, news, work } = await startClient(t);
  const base = await commit({ a: '0' });
  await push('origin', 'main');
  await news();
  const tips: string[] = [];
  for (let index = 0; index < 30; index += 1)
    tips.push(await git('commit-tree', '-p', tips.at(-1) ?? base, '-m', `c${index}`, `${base}^{tree}`));
  await push('--atomic', 'origin', ...tips.map((id, index) => `${id}:refs/heads/b${String(index).padStart(2, '0')}`));
  const told = await news();
  assert.deepEqual(
    told.map(({ ref, commits }) => [ref, commits.map(({ id }) => id)]),
    tips.map((id, index) => [`refs/heads/b${String(index).padStart(2, '0')}`, [id]]),
  );
  const stale = await clientGit(work, ['push', '--atomic', 'origin', `${tips[3]}:b04`, `${tips[5]}:refs/heads/new`]);
  assert.notEqual(stale.status, 0);
  assert.deepEqual(await news(), []);
});
