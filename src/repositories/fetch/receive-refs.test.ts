// What is told to a push from git's files, held against what git itself tells, byte for byte.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GitHost } from '../../../test/git-host.ts';
import { startGitHost } from '../../../test/git-host.ts';
import { createReceiveRefs, looseRefsMax } from './receive-refs.ts';

async function gits({ git, repository }: GitHost): Promise<string> {
  const args = ['receive-pack', '--http-backend-info-refs', git.directory(repository.id)];
  return (await git.run({ repository: repository.id, args })).stdout.toString('latin1');
}

async function commit({ git, repository }: GitHost): Promise<string> {
  const environment = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
  };
  const run = async (args: readonly string[]): Promise<string> =>
    (await git.run({ repository: repository.id, args, environment, input: '' })).stdout.toString().trim();
  return run(['commit-tree', '-m', 'x', await run(['mktree'])]);
}

test('refs of every kind, loose, packed, both and none, are told as git tells them', async (t) => {
  const host = await startGitHost(t);
  const { git, repository } = host;
  const refs = createReceiveRefs(git);
  const told = async (): Promise<string | undefined> => (await refs.read(repository.id))?.toString('latin1');
  const change = (lines: readonly string[]) =>
    git.run({ repository: repository.id, args: ['update-ref', '--stdin'], input: `${lines.join('\n')}\n` });
  assert.equal(await told(), await gits(host), 'of an empty repository, by git');
  assert.equal(await told(), await gits(host), 'of an empty repository');
  const [one, two] = [
    await commit(host),
    (await git.run({ repository: repository.id, args: ['mktree'], input: '' })).stdout.toString().trim(),
  ];
  await change([
    `create refs/heads/main ${one}`,
    `create refs/heads/a/b.c ${one}`,
    `create refs/heads/a-b ${one}`,
    `create refs/tags/é ${two}`,
  ]);
  assert.equal(await told(), await gits(host), 'loose');
  await git.run({ repository: repository.id, args: ['pack-refs', '--all', '--prune'] });
  assert.equal(await told(), await gits(host), 'packed');
  await change([
    `delete refs/heads/a-b`,
    `create refs/pull/1/head ${one}`,
    `create refs/notes/commits ${one}`,
    `update refs/tags/é ${one}`,
  ]);
  assert.equal(await told(), await gits(host), 'both');
  writeFileSync(join(git.directory(repository.id), 'refs', 'heads', 'main.lock'), '');
  assert.equal(await told(), await gits(host), 'with a lock');
});

test('a repository with many refs, or with one that is no plain ref, is left to git', async (t) => {
  const host = await startGitHost(t);
  const { git, repository } = host;
  const refs = createReceiveRefs(git);
  const id = await commit(host);
  const heads = join(git.directory(repository.id), 'refs', 'heads');
  mkdirSync(join(heads, 'many'));
  for (let number = 0; number < looseRefsMax; number += 1) writeFileSync(join(heads, 'many', String(number)), `${id}\n`);
  assert.notEqual(await refs.read(repository.id), null);
  writeFileSync(join(heads, 'one-more'), `${id}\n`);
  assert.equal(await refs.read(repository.id), null);
  writeFileSync(join(heads, 'one-more'), '');
  writeFileSync(join(heads, 'many', '0'), 'ref: refs/heads/main\n');
  assert.equal(await refs.read(repository.id), null);
});
