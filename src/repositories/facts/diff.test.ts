import assert from 'node:assert/strict';
import { test } from 'node:test';
import { author, bare } from '../../../test/git/bare.ts';
import { diffStat, diffText, isAncestor, mergeBase, patchText } from './diff.ts';
import { diffFilesMax } from './limits.ts';

// What a pull request and a comparison show, against histories the test writes.

test('lines and files are counted, binary ones without lines', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const from = await ada.commit({ 'a.txt': '1\n2\n3\n', 'gone.txt': 'x\n', 'b.bin': '\0a' });
  const to = await ada.commit({ 'a.txt': '1\n2\nthree\nfour\n', 'b.bin': '\0b', 'new file': 'n\n', 'tab\there': 't\n' }, [from]);
  assert.deepEqual(await diffStat({ ...repo, from, to }), {
    additions: 4,
    deletions: 2,
    changedFiles: 5,
    files: [
      { path: 'a.txt', status: 'modified', additions: 2, deletions: 1 },
      { path: 'b.bin', status: 'modified', additions: null, deletions: null },
      { path: 'gone.txt', status: 'removed', additions: 0, deletions: 1 },
      { path: 'new file', status: 'added', additions: 1, deletions: 0 },
      { path: 'tab\there', status: 'added', additions: 1, deletions: 0 },
    ],
    areFilesCut: false,
  });
  assert.equal((await diffStat({ ...repo, from, to: from })).changedFiles, 0);
  assert.equal((await diffStat({ ...repo, from, to: 'f'.repeat(40) })).changedFiles, 0);
});

test('of very many files so many are named, and all are counted', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const from = await ada.commit({ first: '' });
  const to = await ada.commit(
    { first: '', ...Object.fromEntries(Array.from({ length: diffFilesMax + 1 }, (_, index) => [`f${index}`, 'x\n'])) },
    [from],
  );
  const stat = await diffStat({ ...repo, from, to });
  assert.deepEqual(
    [stat.files.length, stat.changedFiles, stat.additions, stat.areFilesCut],
    [diffFilesMax, diffFilesMax + 1, diffFilesMax + 1, true],
  );
});

test('a difference can be applied, and a patch has a mail for each commit; both are cut at their bound', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1\n' });
  const one = await ada.commit({ a: '2\n' }, [base], 'One\n');
  const two = await ada.commit({ a: '2\n', b: '\0' }, [one], 'Two\n');
  const diff = await diffText({ ...repo, from: base, to: two, bytesMax: 100_000 });
  assert.match(diff.text.toString(), /^diff --git a\/a b\/a\nindex [0-9a-f]{40}\.\.[0-9a-f]{40} 100644\n[^]*-1\n\+2\n[^]*GIT binary patch/);
  assert.equal(diff.isCut, false);
  const patch = await patchText({ ...repo, from: base, to: two, bytesMax: 100_000 });
  assert.deepEqual(
    [...patch.text.toString().matchAll(/^Subject: (.*)$/gm)].map(([, subject]) => subject),
    ['[PATCH 1/2] One', '[PATCH 2/2] Two'],
  );
  const cut = await diffText({ ...repo, from: base, to: two, bytesMax: 50 });
  assert.deepEqual([cut.text, cut.isCut], [diff.text.subarray(0, 50), true]);
  const exact = await diffText({ ...repo, from: base, to: two, bytesMax: diff.text.length });
  assert.deepEqual([exact.text.length, exact.isCut], [diff.text.length, false]);
});

test('the merge base is what two commits share, and an ancestor is in its descendant', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const [mine, theirs] = [await ada.commit({ a: '2' }, [base]), await ada.commit({ a: '3' }, [base])];
  const apart = await ada.commit({ z: '1' });
  const missing = 'f'.repeat(40);
  assert.equal(await mergeBase({ ...repo, a: mine, b: theirs }), base);
  for (const b of [apart, missing, '--all', 'HEAD']) assert.equal(await mergeBase({ ...repo, a: mine, b }), null, b);
  assert.equal(await isAncestor({ ...repo, ancestor: base, descendant: mine }), true);
  for (const descendant of [base, apart, missing]) assert.equal(await isAncestor({ ...repo, ancestor: mine, descendant }), false);
});
