// Debian's git pushes over HTTP; each test looks at what the client is told, at the refs, and at the events, which must agree.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { zeroId } from '../../events/git-facts.ts';
import { clientGit, clientRuns } from '../../../test/git-host.ts';
import { engines } from '../../../test/databases.ts';
import type { PushHost } from '../../../test/push-host.ts';
import { startPushHost } from '../../../test/push-host.ts';

async function workTree(host: PushHost, name = 'work'): Promise<string> {
  const work = join(host.directory, name);
  await mkdir(work);
  await clientRuns(work, 'init', '-q');
  await clientRuns(work, 'remote', 'add', 'origin', host.remote('write'));
  await commit(work, 'one');
  return work;
}

async function commit(work: string, text: string): Promise<string> {
  await writeFile(join(work, 'file'), `${text}\n`);
  await clientRuns(work, 'add', '.');
  await clientRuns(work, 'commit', '-qm', text);
  return clientRuns(work, 'rev-parse', 'HEAD');
}

const moves = async (host: PushHost): Promise<readonly (readonly [string, string, string])[]> =>
  (await host.pushes()).map(({ ref, before, after }) => [ref, before, after] as const);

for (const engine of engines) {
  test(`branches and tags that are made, moved, forced and deleted are events, in git's order (${engine})`, async (t) => {
    const host = await startPushHost(t, { engine });
    const work = await workTree(host);
    const one = await clientRuns(work, 'rev-parse', 'HEAD');
    await clientRuns(work, 'push', '-q', 'origin', 'main');
    const two = await commit(work, 'two');
    await clientRuns(work, 'tag', 'v1');
    await clientRuns(work, 'push', '-q', 'origin', 'main', 'v1');
    await clientRuns(work, 'reset', '-q', '--hard', one);
    const three = await commit(work, 'three');
    assert.match((await clientGit(work, ['push', 'origin', 'main'])).stderr, /rejected/);
    await clientRuns(work, 'push', '-q', '--force', 'origin', 'main');
    await clientRuns(work, 'push', '-q', 'origin', ':v1', 'HEAD:refs/heads/topic/a');
    assert.deepEqual(await moves(host), [
      ['refs/heads/main', zeroId, one],
      ['refs/heads/main', one, two],
      ['refs/tags/v1', zeroId, two],
      ['refs/heads/main', two, three],
      ['refs/tags/v1', two, zeroId],
      ['refs/heads/topic/a', zeroId, three],
    ]);
    const [first, second, , forced] = await host.pushes();
    assert.equal(first?.pusher.name, 'First token');
    assert.deepEqual([first?.isForced, second?.isForced, forced?.isForced], [false, false, true]);
    assert.deepEqual(await host.database.read.selectFrom('ref_intents').selectAll().execute(), []);
    const rows = await host.database.read.selectFrom('pushes').select(['id', 'ref']).orderBy('id').execute();
    assert.equal(rows.length, 6);
    assert.equal(rows[0]?.id, first?.push);
  });
}
