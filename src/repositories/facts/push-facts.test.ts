import assert from 'node:assert/strict';
import { test } from 'node:test';
import { author, bare } from '../../../test/git/bare.ts';
import { factsBothWays, factsNow, factsOf, pushContext } from '../../../test/git/facts.ts';
import type { CommitFacts, PushFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import { pushFacts } from './push-facts.ts';

// Histories are written by the test itself; facts are read as the server reads them: with each object in a file of its own, then with all in a pack.

const main = 'refs/heads/main';
const idsOf = ({ commits }: PushFacts): readonly string[] => commits.map(({ id }) => id);
const pathsOf = ({ added, removed, modified }: CommitFacts) => ({ added, removed, modified });

test('a small push to a branch is told without any process of git', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const first = await ada.commit({ 'a.txt': '1', 'deep/er/b.txt': '1', 'c.txt': '1' });
  const second = await ada.commit({ 'a.txt': '2', 'deep/er/b.txt': '1', 'c.txt': '1' }, [first]);
  const third = await ada.commit({ 'a.txt': '2', 'deep/new.txt': '1', 'c.txt': '1' }, [second]);
  await ada.branch('main', third);
  const before = repo.processes();
  await factsNow(repo, [{ ref: main, before: first, after: third }]);
  assert.equal(repo.processes() - before, 0);
  const push = await factsOf(repo, { ref: main, before: first, after: third });
  assert.deepEqual(idsOf(push), [third, second]);
  assert.deepEqual(push.commits.map(pathsOf), [
    { added: ['deep/new.txt'], removed: ['deep/er/b.txt'], modified: [] },
    { added: [], removed: [], modified: ['a.txt'] },
  ]);
  assert.deepEqual([push.total, push.isForced, push.head, push.compareBase], [2, false, push.commits[0], null]);
});

test('a new branch lists what no other branch has, and says where it left them', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const tip = await ada.commit({ a: '2' }, [base]);
  await ada.branch('main', tip);
  const [first] = await factsBothWays(repo, [{ ref: main, before: zeroId, after: tip }]);
  assert.ok(first);
  assert.deepEqual([idsOf(first), first.total, first.compareBase, first.isForced], [[tip, base], 2, null, false]);
  const own = await ada.commit({ a: '3' }, [base]);
  const more = await ada.commit({ a: '4' }, [own]);
  await ada.branch('topic', more);
  const topic = await factsOf(repo, { ref: 'refs/heads/topic', before: zeroId, after: more });
  assert.deepEqual([idsOf(topic), topic.total, topic.compareBase], [[more, own], 2, base]);
});

test('a new branch at a commit that another has, or has passed, brings nothing, but has a head', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const tip = await ada.commit({ a: '2' }, [base]);
  await ada.branch('main', tip);
  for (const after of [tip, base]) {
    await ada.branch('same', after);
    const push = await factsOf(repo, { ref: 'refs/heads/same', before: zeroId, after });
    assert.deepEqual([push.commits, push.total, push.head?.id, push.compareBase], [[], 0, after, null]);
  }
});

test('of two new branches in one push the first lists what both bring; of two pushes at once both do', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const tip = await ada.commit({ a: '2' }, [base]);
  const further = await ada.commit({ a: '3' }, [tip]);
  await ada.branch('main', base);
  await ada.branch('one', tip);
  await ada.branch('two', further);
  const one = { ref: 'refs/heads/one', before: zeroId, after: tip };
  const two = { ref: 'refs/heads/two', before: zeroId, after: further };
  const together = await factsBothWays(repo, [one, two]);
  assert.deepEqual(together.map(idsOf), [[tip], [further]]);
  const swapped = await factsBothWays(repo, [two, one]);
  assert.deepEqual(swapped.map(idsOf), [[further, tip], []]);
  assert.deepEqual(idsOf(await factsOf(repo, two, [one])), [further, tip]);
  assert.deepEqual(idsOf(await factsOf(repo, one, [two])), [tip]);
});

test('a branch that was there lists all from its old tip, whatever other branches have', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const tip = await ada.commit({ a: '2' }, [base]);
  await ada.branch('main', tip);
  await ada.branch('other', tip);
  assert.deepEqual(idsOf(await factsOf(repo, { ref: main, before: base, after: tip })), [tip]);
});

test('a forced push says so and lists what is new alone; a branch set back lists nothing', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const dropped = await ada.commit({ a: '2' }, [base]);
  const instead = await ada.commit({ a: '3' }, [base]);
  await ada.branch('main', instead);
  const forced = await factsOf(repo, { ref: main, before: dropped, after: instead });
  assert.deepEqual([idsOf(forced), forced.total, forced.isForced, forced.head?.id], [[instead], 1, true, instead]);
  await ada.branch('main', base);
  const back = await factsOf(repo, { ref: main, before: dropped, after: base });
  assert.deepEqual([back.commits, back.total, back.isForced, back.head?.id], [[], 0, true, base]);
});

test('an old tip that is not there any more, and histories that share nothing, are forced', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const [old, base] = [await ada.commit({ a: '1' }), await ada.commit({ b: '1' })];
  const tip = await ada.commit({ b: '2' }, [base]);
  await ada.branch('main', tip);
  await ada.branch('other', base);
  const gone = await factsOf(repo, { ref: main, before: 'f'.repeat(40), after: tip });
  assert.deepEqual([idsOf(gone), gone.isForced], [[tip], true]);
  const apart = await factsOf(repo, { ref: main, before: old, after: tip });
  assert.deepEqual([idsOf(apart), apart.total, apart.isForced], [[tip, base], 2, true]);
});

test('a merge is listed with all it brings, and its paths are what it changed for its first parent', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const mine = await ada.commit({ a: '2' }, [base]);
  const theirs = await ada.commit({ a: '1', b: '1' }, [base]);
  const merge = await ada.commit({ a: '2', b: '1', c: 'by hand' }, [mine, theirs], 'Merge\n');
  await ada.branch('main', merge);
  const push = await factsOf(repo, { ref: main, before: mine, after: merge });
  assert.deepEqual([idsOf(push), push.total, push.isForced], [[merge, theirs], 2, false]);
  assert.deepEqual(push.commits.map(pathsOf), [
    { added: ['b', 'c'], removed: [], modified: [] },
    { added: ['b'], removed: [], modified: [] },
  ]);
  assert.deepEqual(push.commits[0]?.parents, [mine, theirs]);
});

test('an empty commit is a commit without paths', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const same = await ada.commit({ a: '1' }, [base], 'Nothing\n');
  await ada.branch('main', same);
  const push = await factsOf(repo, { ref: main, before: base, after: same });
  assert.deepEqual(
    push.commits.map((commit) => [pathsOf(commit), commit.arePathsCut]),
    [[{ added: [], removed: [], modified: [] }, false]],
  );
});

test('a branch that is deleted has neither commits nor head', async (t) => {
  const repo = await bare(t);
  const base = await author(repo).commit({ a: '1' });
  const push = await factsOf(repo, { ref: main, before: base, after: zeroId });
  assert.deepEqual([push.commits, push.total, push.head, push.isForced, push.compareBase], [[], 0, null, false, null]);
});

test('tags list nothing; their head is the commit they come to, if they come to one', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const tag = await ada.tag(base, 'commit');
  const ofTag = await ada.tag(tag, 'tag', 'v2');
  const blob = await repo.object('blob', 'text');
  const ofBlob = await ada.tag(blob, 'blob', 'v3');
  const ref = 'refs/tags/v1';
  for (const after of [base, tag, ofTag]) {
    await repo.sh(['update-ref', ref, after]);
    const push = await factsOf(repo, { ref, before: zeroId, after });
    assert.deepEqual([push.after, push.head?.id, push.commits, push.total, push.isForced], [after, base, [], 0, false]);
    assert.deepEqual(push.head?.added, ['a']);
  }
  for (const after of [blob, ofBlob]) {
    await repo.sh(['update-ref', ref, after]);
    assert.equal((await factsOf(repo, { ref, before: zeroId, after })).head, null);
  }
  const moved = await factsOf(repo, { ref, before: tag, after: ofTag });
  assert.deepEqual([moved.isForced, moved.head?.id], [true, base]);
  const deleted = await factsOf(repo, { ref, before: tag, after: zeroId });
  assert.deepEqual([deleted.isForced, deleted.head], [false, null]);
});

test('logins are asked for once a push, each address once, and stand with every commit', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const tip = await ada.commit({ a: '2' }, [base]);
  await ada.branch('main', tip);
  const asked: (readonly string[])[] = [];
  const logins = (emails: readonly string[]) => {
    asked.push(emails);
    return Promise.resolve(new Map([['ada@example.com', 'ada']]));
  };
  const push = await pushFacts({ ...pushContext(repo), logins, push: 'p', ref: main, before: zeroId, after: tip });
  assert.deepEqual(asked, [['ada@example.com']]);
  assert.deepEqual(
    push.commits.map(({ author, committer }) => [author.login, committer.login]),
    [
      ['ada', 'ada'],
      ['ada', 'ada'],
    ],
  );
  assert.equal(push.head, push.commits[0]);
});
