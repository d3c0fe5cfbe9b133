// What git's own client shows to people of a push that is refused, in whole or in part: the reason, and nothing else that would mislead them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { zeroId } from '../../events/git-facts.ts';
import { clientGit, clientRuns } from '../../../test/git-host.ts';
import type { PushAnswer } from '../../../test/push-client.ts';
import { commitObjects, packOf, pushBody, sendPush, usualCapabilities } from '../../../test/push-client.ts';
import type { PushHost } from '../../../test/push-host.ts';
import { startPushHost } from '../../../test/push-host.ts';
import { flushPacket, packet } from './packets.ts';
import { commandsMax, headBytesMax, optionBytesMax, optionsMax } from './push-head.ts';

async function workTree(host: PushHost): Promise<string> {
  const work = join(host.directory, 'work');
  await mkdir(work);
  await clientRuns(work, 'init', '-q');
  await clientRuns(work, 'remote', 'add', 'origin', host.remote('write'));
  await writeFile(join(work, 'file'), 'one\n');
  await clientRuns(work, 'add', '.');
  await clientRuns(work, 'commit', '-qm', 'one');
  return work;
}

test('a name that is no UTF-8 is refused by its very bytes, and the other refs of the push move', async (t) => {
  const host = await startPushHost(t);
  const made = commitObjects({ text: 'one' });
  const tip = made[0]?.id ?? '';
  const odd = Buffer.concat([Buffer.from('refs/heads/caf'), Buffer.from([0xe9])]);
  const line = (ref: Buffer | string, more = '') =>
    packet(Buffer.concat([Buffer.from(`${zeroId} ${tip} `), Buffer.from(ref), Buffer.from(more)]));
  const body = (capabilities: readonly string[]) =>
    Buffer.concat([
      line(odd, `\0${capabilities.join(' ')}`),
      line('refs/heads/main'),
      line('refs/heads/caf\ufffd'),
      flushPacket,
      packOf(made),
    ]);
  const url = `${host.url}/git/acme/tool.git/git-receive-pack`;
  const headers = { authorization: 'Bearer write', 'content-type': 'application/x-git-receive-pack-request' };
  const atomic = await sendPush(`${host.url}/git/acme/tool.git`, 'write', body([...usualCapabilities, 'atomic']));
  assert.equal(atomic.report?.refs.get('refs/heads/main'), 'atomic push failed');
  const answer = Buffer.from(await (await fetch(url, { method: 'POST', headers, body: body(['report-status']) })).arrayBuffer());
  assert.ok(answer.includes(Buffer.concat([Buffer.from('ng '), odd, Buffer.from(' the name is not UTF-8\n')])), answer.toString('latin1'));
  assert.match(answer.toString(), /ok refs\/heads\/main\n/);
  assert.deepEqual(
    (await host.pushes()).map(({ ref }) => ref),
    ['refs/heads/main', 'refs/heads/caf\ufffd'],
  );
});

/** Tags of a commit that is not here, as many as that; what follows them is no pack. */
async function manyTags(host: PushHost, count: number): Promise<PushAnswer> {
  const after = 'a'.repeat(40);
  const commands = Array.from({ length: count }, (_, at) => ({ ref: `refs/tags/t${at}`, before: zeroId, after }));
  return sendPush(`${host.url}/git/acme/tool.git`, 'write', pushBody({ commands, pack: Buffer.alloc(100_000) }));
}

// git itself takes half a minute to match so many refs: its report is read here by our own client.
test('a push of too many refs is refused by a report with each of them, which git shows, and nothing moves', async (t) => {
  const host = await startPushHost(t);
  const { status, report } = await manyTags(host, commandsMax + 1);
  assert.deepEqual([status, report?.unpack, report?.refs.size], [200, 'ok', commandsMax + 1]);
  assert.deepEqual(new Set(report?.refs.values()), new Set(['a push moves at most 10000 refs']));
  const more = await manyTags(host, Math.ceil(headBytesMax / 80));
  assert.deepEqual(new Set(more.report?.refs.values()), new Set(['a push moves at most 10000 refs']), 'also where they are not all read');
  assert.equal(await clientRuns(host.place, 'for-each-ref'), '');
});

test('push options that are too many, too long or no text refuse each ref of the push', async (t) => {
  const host = await startPushHost(t);
  const made = commitObjects({ text: 'one' });
  const commands = [{ ref: 'refs/heads/main', before: zeroId, after: made[0]?.id ?? '' }];
  const pushed = async (options: readonly (Buffer | string)[]): Promise<string | null | undefined> => {
    const capabilities = [...usualCapabilities, 'push-options'];
    const head = pushBody({ commands, pack: null, capabilities });
    const body = Buffer.concat([head, ...options.map((one) => packet(one)), flushPacket, packOf(made)]);
    return (await sendPush(`${host.url}/git/acme/tool.git`, 'write', body)).report?.refs.get('refs/heads/main');
  };
  assert.match((await pushed(Array.from({ length: optionsMax + 1 }, () => 'x'))) ?? '', /at most 32 push options/);
  assert.match((await pushed(['x'.repeat(optionBytesMax + 1)])) ?? '', /of 60000 bytes/);
  assert.match((await pushed([Buffer.from([0xff])])) ?? '', /must be UTF-8/);
  assert.equal((await host.pushes()).length, 0);
  assert.equal(await pushed(Array.from({ length: optionsMax }, () => 'x'.repeat(optionBytesMax))), null);
});

test('the default branch is not deleted by a push, in our own words; another is', async (t) => {
  const host = await startPushHost(t);
  const work = await workTree(host);
  await clientRuns(work, 'push', '-q', 'origin', 'main', 'main:other');
  const { stderr } = await clientGit(work, ['push', 'origin', ':main', ':other']);
  assert.match(stderr, /main \(the default branch cannot be deleted; choose another first\)/);
  assert.doesNotMatch(stderr, /denyDeleteCurrent|remote: error/);
  assert.equal(await clientRuns(host.place, 'for-each-ref', '--format=%(refname)'), 'refs/heads/main');
});

for (const [way, plain] of [
  ['at once', {}],
  ['through the gate', { plainBytesMax: 0 }],
] as const) {
  test(`a push past the limits shows the reason, and not what git says of being ended (${way})`, async (t) => {
    const limitsMax = { bytesMax: 300_000, objectBytesMax: 2 ** 20, refsMax: 10 };
    const host = await startPushHost(t, { limitsMax, ...plain });
    const work = await workTree(host);
    await writeFile(join(work, 'large'), randomBytes(400_000));
    await clientRuns(work, 'add', '.');
    await clientRuns(work, 'commit', '-qm', 'large');
    const { stderr } = await clientGit(work, ['push', 'origin', 'main']);
    assert.match(stderr, /larger than 300000 bytes/);
    assert.doesNotMatch(stderr, /early EOF|fatal:|index-pack|unpack/);
  });
}
