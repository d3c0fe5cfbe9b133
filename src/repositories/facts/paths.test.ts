import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bare, TreeEntry } from '../../../test/git/bare.ts';
import { author, bare, writeTree } from '../../../test/git/bare.ts';
import { factsOf } from '../../../test/git/facts.ts';
import { pathBytesMax } from './limits.ts';

// Each case is two trees and what a commit from the one to the other changed; read from files and from a pack.

const main = 'refs/heads/main';
const submodule: TreeEntry = { mode: '160000', id: 'd'.repeat(40) };

type Files = Readonly<Record<string, TreeEntry>>;

async function changed(repo: Bare, before: Files, after: Files) {
  const ada = author(repo);
  const base = await ada.commitTree(await writeTree(repo, new Map(Object.entries(before))));
  const tip = await ada.commitTree(await writeTree(repo, new Map(Object.entries(after))), [base]);
  await ada.branch('main', tip);
  const { head } = await factsOf(repo, { ref: main, before: base, after: tip });
  assert.ok(head);
  const { added, removed, modified, arePathsCut } = head;
  return { added, removed, modified, arePathsCut };
}

async function entries(repo: Bare) {
  const [one, two] = [await repo.object('blob', 'one'), await repo.object('blob', 'two')];
  const file = (id: string): TreeEntry => ({ mode: '100644', id });
  return { one: file(one), two: file(two), program: { mode: '100755', id: one }, link: { mode: '120000', id: one } } as const;
}

const nothing = { added: [], removed: [], modified: [], arePathsCut: false };

test('a file that may be run now, that is a link or a submodule now, or has other bytes, is modified', async (t) => {
  const repo = await bare(t);
  const { one, two, program, link } = await entries(repo);
  for (const to of [two, program, link, submodule]) {
    assert.deepEqual(await changed(repo, { 'a/b': one, same: one }, { 'a/b': to, same: one }), { ...nothing, modified: ['a/b'] });
  }
  const moved = { ...submodule, id: 'e'.repeat(40) };
  assert.deepEqual(await changed(repo, { sub: submodule }, { sub: moved }), { ...nothing, modified: ['sub'] });
});

test('a renamed file is one removed and one added', async (t) => {
  const repo = await bare(t);
  const { one, two } = await entries(repo);
  assert.deepEqual(await changed(repo, { 'old/name': one, z: two }, { 'new/name': one, z: two }), {
    ...nothing,
    added: ['new/name'],
    removed: ['old/name'],
  });
});

test('a directory in the place of a file, a link or a submodule is one removed and its files added, and the other way round', async (t) => {
  const repo = await bare(t);
  const { one, two, link } = await entries(repo);
  for (const was of [one, link, submodule]) {
    const inside = { 'a/x': one, 'a/y/z': two };
    assert.deepEqual(await changed(repo, { a: was, 'a.b': one }, { ...inside, 'a.b': one }), {
      ...nothing,
      added: ['a/x', 'a/y/z'],
      removed: ['a'],
    });
    assert.deepEqual(await changed(repo, { ...inside, 'a.b': one }, { a: was, 'a.b': one }), {
      ...nothing,
      added: ['a'],
      removed: ['a/x', 'a/y/z'],
    });
  }
});

test('paths are sorted by their bytes, spaces and line ends in names are part of them', async (t) => {
  const repo = await bare(t);
  const { one } = await entries(repo);
  const names = ['a b', 'a\nb', 'a\tb', 'a-b', 'a/b', 'a0', 'é'];
  const files = Object.fromEntries(names.map((name) => [Buffer.from(name).toString('latin1'), one]));
  assert.deepEqual(await changed(repo, {}, files), { ...nothing, added: ['a\tb', 'a\nb', 'a b', 'a-b', 'a/b', 'a0', 'é'] });
});

test('a name that is no UTF-8 has U+FFFD for what is not', async (t) => {
  const repo = await bare(t);
  const { one, two } = await entries(repo);
  assert.deepEqual(await changed(repo, { 'caf\xe9': one }, { 'caf\xe9': two, 'dir\xff/x': one }), {
    ...nothing,
    added: ['dir\ufffd/x'],
    modified: ['caf\ufffd'],
  });
});

test('a path of the longest length is listed, one byte more is not, and that is said', async (t) => {
  const repo = await bare(t);
  const { one } = await entries(repo);
  const longest = `d/${'n'.repeat(pathBytesMax - 2)}`;
  assert.deepEqual(await changed(repo, { a: one }, { a: one, [longest]: one }), { ...nothing, added: [longest] });
  assert.deepEqual(await changed(repo, { a: one }, { [`${longest}n`]: one }), { ...nothing, removed: ['a'], arePathsCut: true });
});

test('a tree that is deeper, or larger, than a small push reads is read by git', async (t) => {
  const repo = await bare(t);
  const { one, two } = await entries(repo);
  const deep = `${'d/'.repeat(80)}file`;
  assert.deepEqual(await changed(repo, { [deep]: one }, { [deep]: two }), { ...nothing, modified: [deep] });
  const many = Object.fromEntries(Array.from({ length: 1_200 }, (_, index) => [`f${String(index).padStart(4, '0')}`, one]));
  assert.equal((await changed(repo, {}, many)).added.length, 1_200);
});

test('a commit whose tree, or whose parent, is not there is told without paths', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const missing = await ada.commitTree('1'.repeat(40), [base]);
  await ada.branch('main', missing);
  const push = await factsOf(repo, { ref: main, before: base, after: missing });
  assert.deepEqual(
    push.commits.map(({ id, added, arePathsCut }) => [id, added, arePathsCut]),
    [[missing, [], true]],
  );
});
