// A repository whose directory was tampered with, or is not there: git is not let in, or finds what we wrote.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { createGit } from './create.ts';
import { placeConfig, placeProblem } from './place.ts';

const repository = '01890000-0000-7000-8000-000000000001';

async function made(t: TestContext) {
  const data = await mkdtemp(join(tmpdir(), 'gatepost-git-'));
  const told: string[] = [];
  const log = { warn: (facts: Readonly<Record<string, unknown>>) => told.push(String(facts['problem'] ?? facts['file'])) };
  const git = await createGit({ data, log });
  t.after(async () => {
    await git.stop();
    await rm(data, { recursive: true, force: true });
  });
  await git.create({ repository, defaultBranch: 'main' });
  return { data, git, told, place: git.directory(repository), ask: () => git.run({ repository, args: ['for-each-ref'] }) };
}

test('a directory that is a link is refused, and so is each way by which git would be led out of one', async (t) => {
  const { data, place, ask, told } = await made(t);
  const elsewhere = join(data, 'elsewhere');
  const refused = async (says: RegExp): Promise<void> => {
    await assert.rejects(ask(), { kind: 'unavailable', code: 'repository_damaged' });
    assert.match(told.at(-1) ?? '', says);
    assert.match((await placeProblem(place))?.says ?? '', says);
  };
  await rename(place, elsewhere);
  await symlink(elsewhere, place);
  await refused(/its directory is a link/);
  await rm(place);
  await rename(elsewhere, place);
  await ask();
  for (const file of ['objects/info/alternates', 'commondir']) {
    await mkdir(join(place, 'objects', 'info'), { recursive: true });
    await writeFile(join(place, file), `${elsewhere}\n`);
    await refused(/leads out of it/);
    await rm(join(place, file));
  }
  for (const folder of ['objects', 'refs']) {
    await rename(join(place, folder), elsewhere);
    await symlink(elsewhere, join(place, folder));
    await refused(/is no directory/);
    await rm(join(place, folder));
    await refused(/is not there/);
    await rename(elsewhere, join(place, folder));
  }
  await ask();
});

test('a directory that is not there is told as such', async (t) => {
  const { place, ask } = await made(t);
  await rm(place, { recursive: true });
  await assert.rejects(ask(), { kind: 'unavailable', code: 'repository_missing', message: /not on the disk of the server/ });
});

test('its own configuration, attributes, grafts and hooks are ours or none', async (t) => {
  const { git, place, told } = await made(t);
  const config = join(place, 'config');
  assert.equal(await readFile(config, 'utf8'), placeConfig);
  const setting = async (): Promise<string> => {
    const answer = await git.run({ repository, args: ['config', '--get', 'receive.denyDeletes'], okStatus: [0, 1] });
    return answer.stdout.toString();
  };
  assert.equal(await setting(), '');
  assert.deepEqual(told, []);
  await writeFile(config, `${placeConfig}[receive]\n\tdenyDeletes = true\n`);
  assert.equal(await setting(), '');
  await writeFile(config, placeConfig.replace('bare = true', 'bare = fals'));
  await rm(config);
  await symlink('/dev/zero', config);
  assert.equal(await setting(), '');
  assert.equal(await readFile(config, 'utf8'), placeConfig);
  await mkdir(join(place, 'info'));
  await writeFile(join(place, 'info', 'attributes'), '* merge=union\n');
  await mkdir(join(place, 'hooks'));
  await writeFile(join(place, 'hooks', 'reference-transaction'), '#!/bin/sh\nexit 1\n');
  await chmod(join(place, 'hooks', 'reference-transaction'), 0o700);
  const empty = (await git.run({ repository, args: ['mktree'], input: '' })).stdout.toString().trim();
  const attributes = await git.run({ repository, args: ['check-attr', 'merge', 'file'] });
  assert.match(attributes.stdout.toString(), /unspecified/);
  const person = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a' };
  const commit = async (...more: readonly string[]): Promise<string> =>
    (await git.run({ repository, args: ['commit-tree', '-m', 'x', ...more, empty], environment: person })).stdout.toString().trim();
  const first = await commit();
  const second = await commit('-p', first);
  await git.run({ repository, args: ['update-ref', 'refs/heads/main', second] });
  await writeFile(join(place, 'info', 'grafts'), `${second}\n`);
  assert.equal((await git.run({ repository, args: ['rev-list', '--count', second] })).stdout.toString(), '2\n');
  assert.deepEqual(told, ['config', 'config', 'info/attributes']);
});
