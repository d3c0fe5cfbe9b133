// What a push costs beside git's own work: every process the server starts is counted.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createOwnSpawner } from '../../src/repositories/git/spawn.ts';
import type { Spawner } from '../../src/repositories/git/spawn.ts';
import { clientRuns } from '../git-host.ts';
import { startPushHost } from '../push-host.ts';

function counting(): { readonly spawner: Spawner; started(): readonly string[] } {
  const own = createOwnSpawner();
  const commands: string[] = [];
  return {
    spawner: {
      ...own,
      spawn(command) {
        commands.push(command.args.find((arg) => /^(?:[a-z]+-)*[a-z]+$/.test(arg) && arg !== 'git') ?? '');
        return own.spawn(command);
      },
    },
    started: () => commands.splice(0),
  };
}

test('a small push to a branch starts git for its pack, and for nothing else', async (t) => {
  const { spawner, started } = counting();
  const host = await startPushHost(t, { gitOptions: { spawner } });
  const work = join(host.directory, 'work');
  await mkdir(work);
  await clientRuns(work, 'init', '-q');
  for (const [round, processes] of [
    ['one', null],
    ['two', ['receive-pack']],
    ['three', ['receive-pack']],
  ] as const) {
    await writeFile(join(work, 'file'), round);
    await clientRuns(work, 'add', '.');
    await clientRuns(work, 'commit', '-qm', round);
    started();
    await clientRuns(work, 'push', '-q', host.remote('write'), 'main');
    if (processes !== null) assert.deepEqual(started(), processes);
  }
  const told = await host.pushes();
  assert.deepEqual(
    told.map(({ commits }) => commits.map(({ message, added, modified }) => [message, added, modified])),
    [[['one\n', ['file'], []]], [['two\n', [], ['file']]], [['three\n', [], ['file']]]],
  );
});
