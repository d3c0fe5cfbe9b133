import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { GitOptions } from './create.ts';
import { createGit } from './create.ts';
import type { Git } from './git.ts';

const repository = '01890000-0000-7000-8000-000000000001';

async function place(t: TestContext): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'gatepost-git-'));
  t.after(() => rm(data, { recursive: true, force: true }));
  return data;
}

async function open(t: TestContext, more: Partial<GitOptions> = {}): Promise<Git> {
  const git = await createGit({ data: await place(t), ...more });
  t.after(() => git.stop());
  return git;
}

async function made(t: TestContext, more: Partial<GitOptions> = {}): Promise<Git> {
  const git = await open(t, more);
  await git.create({ repository, defaultBranch: 'main' });
  return git;
}

const text = (bytes: Buffer): string => bytes.toString('utf8').trim();

test('a repository is bare, empty, with HEAD at its default branch, and made again it is left as it is', async (t) => {
  const git = await made(t);
  const tree = text((await git.run({ repository, args: ['mktree'], input: '' })).stdout);
  await git.create({ repository, defaultBranch: 'other' });
  assert.equal(text((await git.run({ repository, args: ['symbolic-ref', 'HEAD'] })).stdout), 'refs/heads/main');
  assert.equal(text((await git.run({ repository, args: ['cat-file', '-t', tree] })).stdout), 'tree');
  assert.equal(existsSync(join(git.directory(repository), 'hooks')), false);
});

test('neither the variables, the configuration of user and machine, nor the hooks of a repository reach git', async (t) => {
  const git = await made(t);
  t.after(() => delete process.env['GIT_AUTHOR_NAME']);
  process.env['GIT_AUTHOR_NAME'] = 'outside';
  const listed = text((await git.run({ repository, args: ['config', '--list', '--show-scope'] })).stdout).split('\n');
  assert.ok(listed.every((line) => line.startsWith('global') || line.startsWith('local')));
  assert.ok(listed.includes('global\tcore.fsync=all') && listed.includes('global\treceive.fsckobjects=true'));
  const failed = git.run({ repository, args: ['var', 'GIT_AUTHOR_IDENT'] });
  await assert.rejects(failed, { code: 'git_failed' });
  const hook = join(git.directory(repository), 'post-update');
  await writeFile(hook, '#!/bin/sh\nexit 1\n');
  await chmod(hook, 0o700);
  const hooks = text((await git.run({ repository, args: ['rev-parse', '--git-path', 'hooks'] })).stdout);
  assert.ok(!hooks.startsWith(git.directory(repository)));
});

test('git that is missing or too old is told, and fails what needs it with git_missing', async (t) => {
  const missing = await open(t, { program: 'no-such-git' });
  assert.equal(missing.version, null);
  assert.match(missing.problem ?? '', /not found/);
  await assert.rejects(missing.create({ repository, defaultBranch: 'main' }), { code: 'git_missing' });
  const data = await place(t);
  const program = join(data, 'old-git');
  await writeFile(program, '#!/bin/sh\necho git version 2.37.9\n', { mode: 0o700 });
  const old = await open(t, { program });
  assert.equal(old.version, null);
  assert.match(old.problem ?? '', /2\.37\.9 is too old/);
  const own = await open(t);
  assert.equal(own.problem, null);
});

test('what git says of a failure is kept for the log, and no path is in what a caller sees', async (t) => {
  const git = await made(t);
  const error = await git.run({ repository, args: ['cat-file', '-p', 'nothing'] }).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error && error.cause instanceof Error);
  assert.equal(error.message, 'git cat-file failed.');
  assert.match(error.cause.message, /status 128: fatal: Not a valid object name nothing/);
  const told = await git.run({ repository, args: ['cat-file', '-e', 'nothing'], okStatus: [0, 128] });
  assert.equal(told.status, 128);
  await assert.rejects(git.run({ repository: '../etc', args: ['status'] }), /named by its id/);
});

test('a command that answers too much or takes too long is ended', async (t) => {
  const git = await made(t);
  const input = Buffer.alloc(200_000, 'a');
  const blob = text((await git.run({ repository, args: ['hash-object', '-w', '--stdin'], input })).stdout);
  const all = await git.run({ repository, args: ['cat-file', 'blob', blob], bytesMax: input.length });
  assert.equal(all.stdout.length, input.length);
  const more = git.run({ repository, args: ['cat-file', 'blob', blob], bytesMax: input.length - 1 });
  await assert.rejects(more, { code: 'git_output_too_large' });
  const process = await git.start({ repository, args: ['cat-file', '--batch'] });
  process.end();
  assert.equal((await process.ended).signal, 'SIGTERM');
  const slow = git.run({ repository, args: ['-c', 'alias.wait=!sleep 60', 'wait'], timeoutMs: 100 });
  await assert.rejects(slow, { code: 'git_timeout' });
});

test('a process takes no more memory than is allowed', async (t) => {
  const git = await made(t, { memoryBytesMax: 64 * 2 ** 20 });
  const size = 128 * 2 ** 20;
  const failed = git.run({
    repository,
    args: ['hash-object', '--stdin'],
    input: Buffer.alloc(size),
    settings: { 'core.bigFileThreshold': '1g' },
  });
  await assert.rejects(failed, { code: 'git_failed' });
});

test('slots of clients and of our own commands are apart, and one share never has them all', async (t) => {
  const git = await made(t, { serving: 4 });
  const abort = new AbortController();
  const serve = (share: string): Promise<Awaited<ReturnType<Git['start']>>> =>
    git.start({ repository, args: ['cat-file', '--batch'], lane: 'serve', shares: [share], signal: abort.signal });
  const first = await Promise.all([serve('a'), serve('a'), serve('a')]);
  const waiting = serve('a');
  const other = await serve('b');
  assert.equal(first.length, 3);
  await git.run({ repository, args: ['--version'] });
  other.end();
  assert.equal((await other.ended).signal, 'SIGTERM');
  first[0]?.end();
  const next = await waiting;
  abort.abort();
  assert.equal((await next.ended).signal, 'SIGTERM');
  await assert.rejects(serve('a'), { code: 'git_busy' });
});
