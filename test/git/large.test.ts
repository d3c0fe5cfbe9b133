// A pack of 200 MB, pushed and cloned by Debian's git: one event, the same files, and a client that is killed in the middle leaves nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { zeroId } from '../../src/events/git-facts.ts';
import { clientGit } from '../git-host.ts';
import { startPushHost } from '../push-host.ts';

const filesCount = 20;
const fileBytes = 10 * 2 ** 20;
/** What is random does not get smaller: git need not try. */
const asIs = ['-c', 'core.compression=0', '-c', 'pack.window=0', '-c', 'core.bigFileThreshold=1m'];

test('200 MB are pushed and cloned whole, after a client that was killed on its way', { timeout: 170_000 }, async (t) => {
  const host = await startPushHost(t);
  const work = join(host.directory, 'work');
  await mkdir(work);
  const git = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await clientGit(work, [...asIs, ...args]);
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  await git('init', '-q', '-b', 'main');
  for (let number = 0; number < filesCount; number += 1) await writeFile(join(work, `file-${number}`), randomBytes(fileBytes));
  await git('add', '.');
  await git('commit', '-q', '-m', 'Large');
  const tip = await git('rev-parse', 'HEAD');
  const killed = spawn('git', [...asIs, 'push', '-q', host.remote('write'), 'main'], { cwd: work, stdio: 'ignore', detached: true });
  const ended = once(killed, 'exit');
  while ((await incoming(host.place)).length === 0) await sleep(20);
  process.kill(-(killed.pid ?? 0), 'SIGKILL');
  await ended;
  await git('push', '-q', host.remote('write'), 'main');
  assert.deepEqual(
    (await host.pushes()).map(({ ref, before, after, total }) => ({ ref, before, after, total })),
    [{ ref: 'refs/heads/main', before: zeroId, after: tip, total: 1 }],
  );
  assert.ok((await host.repository()).bytes > filesCount * fileBytes);
  for (let tries = 0; (await incoming(host.place)).length > 0; tries += 1) {
    assert.ok(tries < 500, 'what the killed client sent is still there');
    await sleep(20);
  }
  await git('clone', '-q', '--bare', host.remote('read'), join(host.directory, 'copy.git'));
  assert.equal((await clientGit(join(host.directory, 'copy.git'), ['rev-parse', 'main'])).stdout.trim(), tip);
  await git('-C', join(host.directory, 'copy.git'), 'fsck', '--connectivity-only');
});

/** Where git keeps what is being pushed until it is taken in. */
async function incoming(place: string): Promise<readonly string[]> {
  return (await readdir(join(place, 'objects'))).filter((name) => name.includes('incoming-'));
}
