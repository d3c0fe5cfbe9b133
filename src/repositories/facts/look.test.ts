import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { bare } from '../../../test/git/bare.ts';
import type { Git, GitEnd } from '../git/git.ts';
import { look, pieces } from './look.ts';

// git stands in as a pair of streams where it must end as the test wants; the last test runs it.

function standIn(end: Partial<GitEnd>, written: readonly string[]) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const asked = { end: 0 };
  let settle: (how: GitEnd) => void = () => undefined;
  const ended = new Promise<GitEnd>((resolve) => {
    settle = resolve;
  });
  const finish = (): void => settle({ status: 0, signal: null, stderr: '', ...end });
  const stop = (): void => {
    asked.end += 1;
    stdout.destroy();
    finish();
  };
  const process = { pid: 1, stdin, stdout, control: null, ended, end: stop };
  for (const chunk of written) stdout.write(chunk);
  if (end.status !== undefined) stdout.end(finish);
  const git = { start: () => Promise.resolve(process) } as Partial<Git> as Git;
  return { source: { git, repository: 'r', args: [] }, asked };
}

test('what git wrote before another ended it is not taken for the truth', async () => {
  const { source } = standIn({ status: null, signal: 'SIGKILL' }, ['half']);
  await assert.rejects(
    look(source, () => true),
    { code: 'git_ended', kind: 'unavailable' },
  );
});

test('git that stumbles is told apart from git that is content', async () => {
  assert.equal(await look(standIn({ status: 128 }, ['some']).source, () => true), 'failed');
  assert.equal(await look(standIn({ status: 0 }, ['all']).source, () => true), 'ended');
});

test('a reader that has enough, and one that fails, end git', async () => {
  const enough = standIn({}, ['a', 'b', 'c']);
  let read = 0;
  assert.equal(await look(enough.source, () => (read += 1) < 2), 'enough');
  assert.deepEqual([read, enough.asked.end], [2, 1]);
  const failing = standIn({}, ['a']);
  const fail = (): boolean => {
    throw new Error('no such thing');
  };
  await assert.rejects(look(failing.source, fail), { message: 'no such thing' });
  assert.equal(failing.asked.end, 1);
});

test('pieces come whole however the stream is cut, and long ones keep their beginning', () => {
  const all = 'one\0\0three\0longer than it may be\0last\0not ended';
  for (const size of [1, 2, 3, 7, 100]) {
    const got: [string, boolean][] = [];
    const read = pieces({ at: 0, bytesMax: 6, take: (piece, whole) => got.push([piece.toString(), whole]) > 0 });
    for (let start = 0; start < all.length; start += size) read(Buffer.from(all.slice(start, start + size)));
    assert.deepEqual(got, [
      ['one', true],
      ['', true],
      ['three', true],
      ['longer', false],
      ['last', true],
    ]);
  }
});

test('git that writes without end is ended when there is enough', async (t) => {
  const repo = await bare(t);
  const id = await repo.object('blob', 'x'.repeat(100_000));
  const input = `${id}\n`.repeat(1_000);
  const end = await look({ ...repo, args: ['cat-file', '--batch'], input }, () => false);
  assert.equal(end, 'enough');
});
