import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bare } from '../../../test/git/bare.ts';
import { author, bare } from '../../../test/git/bare.ts';
import { commitOf, countCommits, listCommits } from './commits.ts';
import { countRefs } from './refs-count.ts';
import { listRefs, refTip } from './refs-list.ts';

// Refs are written by plain git, loose and packed.

async function withRefs(repo: Bare) {
  const ada = author(repo);
  const first = await ada.commit({ a: '1' }, [], 'First\n\nmore\n');
  const second = await ada.commit({ a: '2' }, [first], 'Second\n');
  const tag = await ada.tag(first, 'commit');
  const blob = await repo.object('blob', 'text');
  const refs = {
    'heads/main': second,
    'heads/feature/one': first,
    'heads/café': first,
    'tags/v1': tag,
    'tags/light': second,
    'tags/blob': blob,
    'notes/x': first,
  };
  await repo.sh(
    ['update-ref', '--stdin'],
    Object.entries(refs)
      .map(([name, id]) => `create refs/${name} ${id}\n`)
      .join(''),
  );
  return { first, second, tag, blob };
}

test('branches and tags are counted without git, loose and packed ones each once', async (t) => {
  const repo = await bare(t);
  assert.deepEqual(await countRefs(repo), { branches: 0, tags: 0 });
  const { second } = await withRefs(repo);
  const before = repo.processes();
  assert.deepEqual(await countRefs(repo), { branches: 3, tags: 3 });
  await repo.sh(['pack-refs', '--all']);
  assert.deepEqual(await countRefs(repo), { branches: 3, tags: 3 });
  await repo.sh(['update-ref', 'refs/heads/feature/one', second]);
  await repo.sh(['update-ref', 'refs/heads/feature/two', second]);
  await repo.sh(['update-ref', '-d', 'refs/tags/light']);
  assert.deepEqual(await countRefs(repo), { branches: 4, tags: 2 });
  assert.equal(repo.processes(), before);
});

test('refs are listed by name, page by page, with what they come to', async (t) => {
  const repo = await bare(t);
  const { first, second, tag, blob } = await withRefs(repo);
  const tags = await listRefs({ ...repo, prefix: 'refs/tags/', limit: 10 });
  assert.deepEqual(
    tags.refs.map(({ ref, id, type, target, subject }) => [ref, id, type, target.id, target.type, subject]),
    [
      ['refs/tags/blob', blob, 'blob', blob, 'blob', ''],
      ['refs/tags/light', second, 'commit', second, 'commit', 'Second'],
      ['refs/tags/v1', tag, 'tag', first, 'commit', 'A release'],
    ],
  );
  assert.deepEqual([tags.hasMore, tags.refs[0]?.date, tags.refs[1]?.date], [false, null, 1_720_000_120_000]);
  const page = await listRefs({ ...repo, prefix: 'refs/heads/', limit: 2 });
  assert.deepEqual([page.refs.map(({ ref }) => ref), page.hasMore], [['refs/heads/café', 'refs/heads/feature/one'], true]);
  const next = await listRefs({ ...repo, prefix: 'refs/heads/', limit: 2, after: 'refs/heads/feature/one' });
  assert.deepEqual([next.refs.map(({ ref, subject }) => [ref, subject]), next.hasMore], [[['refs/heads/main', 'Second']], false]);
});

test('a ref has a tip, and only a whole name of one that is there finds it', async (t) => {
  const repo = await bare(t);
  const { second, tag } = await withRefs(repo);
  assert.equal(await refTip({ ...repo, ref: 'refs/heads/main' }), second);
  assert.equal(await refTip({ ...repo, ref: 'refs/tags/v1' }), tag);
  for (const ref of ['main', 'refs/heads/gone', '--all', 'refs/heads/main~1', 'refs/heads/../heads/main', ''])
    assert.equal(await refTip({ ...repo, ref }), null, ref);
});

test('commits are listed newest first, page by page; what is no id or whole ref is left out', async (t) => {
  const repo = await bare(t);
  const { first, second } = await withRefs(repo);
  const ids = async (options: Partial<Parameters<typeof listCommits>[0]>) => {
    const { commits, hasMore } = await listCommits({ ...repo, include: ['refs/heads/main'], limit: 10, ...options });
    return [commits.map(({ id }) => id), hasMore];
  };
  assert.deepEqual(await ids({}), [[second, first], false]);
  assert.deepEqual(await ids({ limit: 1 }), [[second], true]);
  assert.deepEqual(await ids({ limit: 1, skip: 1 }), [[first], false]);
  assert.deepEqual(await ids({ exclude: [first] }), [[second], false]);
  assert.deepEqual(await ids({ include: ['--all', 'main', 'refs/heads/gone', 'f'.repeat(40)] }), [[], false]);
  assert.equal(await countCommits({ ...repo, include: ['refs/heads/main'] }), 2);
  assert.equal(await countCommits({ ...repo, include: [second], exclude: [first, '--all'] }), 1);
});

test('a tag, a branch and an id lead to their commit; what is none, or odd, to nothing', async (t) => {
  const repo = await bare(t);
  const { first, second, tag, blob } = await withRefs(repo);
  for (const [revision, id] of [
    ['refs/tags/v1', first],
    [tag, first],
    ['refs/heads/main', second],
    [second, second],
  ] as const) {
    assert.equal((await commitOf({ ...repo, revision }))?.id, id, revision);
  }
  for (const revision of [
    blob,
    'refs/tags/blob',
    'refs/heads/gone',
    'f'.repeat(40),
    'main',
    'HEAD',
    `${second}^`,
    'refs/heads/main\nrefs/heads/main',
  ]) {
    assert.equal(await commitOf({ ...repo, revision }), null, revision);
  }
});
