// Repositories that many small pushes went to, looked after while they are used.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientRuns, startGitHost } from '../../../test/git-host.ts';
import type { GitHost } from '../../../test/git-host.ts';
import { systemClock } from '../../clock.ts';
import { countObjects, createHousekeeping, leftKeptMs, lookAfter, looseObjectsMax } from './housekeeping.ts';

/** As many loose blobs as there may be and one more, of them one that a branch leads to. Answers one that nothing leads to. */
async function fill({ git, repository, directory }: GitHost): Promise<string> {
  const run = async (args: readonly string[], input = ''): Promise<string> => {
    const environment = {
      GIT_AUTHOR_NAME: 'A',
      GIT_AUTHOR_EMAIL: 'a@example.org',
      GIT_COMMITTER_NAME: 'A',
      GIT_COMMITTER_EMAIL: 'a@example.org',
    };
    return (await git.run({ repository: repository.id, args, input, environment, settings: { 'core.fsync': 'none' } })).stdout
      .toString()
      .trim();
  };
  const place = join(directory, 'files');
  await mkdir(place);
  const paths = Array.from({ length: looseObjectsMax }, (_, number) => join(place, String(number)));
  for (const [number, path] of paths.entries()) await writeFile(path, `${number}\n`);
  const blobs = (await run(['hash-object', '-w', '--stdin-paths'], paths.join('\n'))).split('\n');
  const tree = await run(
    ['mktree'],
    blobs
      .slice(1)
      .map((id, number) => `100644 blob ${id}\t${number}\n`)
      .join(''),
  );
  await run(['update-ref', 'refs/heads/main', await run(['commit-tree', '-m', 'all', tree])]);
  return blobs[0] ?? '';
}

test('many loose objects become one pack, and none is lost: neither what a branch leads to, nor what is new and still led to by nothing', async (t) => {
  const host = await startGitHost(t);
  const { git, repository } = host;
  const unreachable = await fill(host);
  const before = await countObjects({ git, repository: repository.id });
  assert.equal(before.loose, looseObjectsMax + 2);
  const after = await lookAfter({ git, clock: systemClock, repository: repository.id });
  assert.deepEqual([after.loose, after.packs], [1, 1]);
  assert.ok(after.bytes > 0 && after.bytes < before.bytes);
  await git.run({ repository: repository.id, args: ['cat-file', '-e', unreachable] });
  assert.equal(
    (await git.run({ repository: repository.id, args: ['fsck', '--full'] })).stdout.toString(),
    `dangling blob ${unreachable}\n`,
  );
  await clientRuns(host.directory, 'clone', '-q', host.remote('read'), 'clone');
});

test('what a killed push left is removed when it is old, and what is under way is not', async (t) => {
  const { git, repository } = await startGitHost(t);
  const objects = join(git.directory(repository.id), 'objects');
  const [old, fresh, pack] = [
    join(objects, 'tmp_objdir-incoming-a'),
    join(objects, 'tmp_objdir-incoming-b'),
    join(objects, 'pack', 'tmp_pack_x'),
  ];
  await mkdir(join(old, 'pack'), { recursive: true });
  await mkdir(fresh);
  await writeFile(pack, 'x');
  const then = (Date.now() - leftKeptMs) / 1000 - 60;
  await utimes(old, then, then);
  await utimes(pack, then, then);
  await lookAfter({ git, clock: systemClock, repository: repository.id });
  assert.deepEqual(
    [old, fresh, pack].map((path) => existsSync(path)),
    [false, true, false],
  );
});

test('what a repository takes on disk is written to its row once it was pushed to, and counted anew after the next push', async (t) => {
  const host = await startGitHost(t);
  const { git, repository, database } = host;
  const failures: unknown[] = [];
  const log = { error: (facts: unknown) => void failures.push(facts) };
  const chore = createHousekeeping({ git, database, clock: systemClock, log, everyMs: 20, firstAfterMs: 1 });
  chore.start();
  t.after(() => chore.stop());
  const row = () => database.read.selectFrom('repositories').select('bytes').where('id', '=', repository.id).executeTakeFirstOrThrow();
  const push = async (input: string, pushed: number): Promise<number> => {
    await git.run({ repository: repository.id, args: ['hash-object', '-w', '--stdin'], input });
    const { bytes } = await row();
    await database.write((tx) => tx.updateTable('repositories').set({ pushed }).where('id', '=', repository.id).execute());
    for (let tries = 0; tries < 200 && (await row()).bytes === bytes; tries += 1) await sleep(20);
    return (await row()).bytes;
  };
  const first = await push('a', 1);
  assert.ok(first > 0);
  assert.ok((await push('b'.repeat(10), 2)) > first);
  assert.deepEqual(failures, []);
});
