// What git's own client never sends. Each is told clearly what is wrong with it; afterwards nothing has moved, nothing is left lying about, there is
// no event, and the next push goes through.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { zeroId } from '../../events/git-facts.ts';
import { clientRuns } from '../../../test/git-host.ts';
import type { GitObject } from '../../../test/push-client.ts';
import {
  commitObjects,
  gitObject,
  objectHead,
  packOf,
  packOfEntries,
  pushBody,
  sendPush,
  usualCapabilities,
} from '../../../test/push-client.ts';
import type { PushHost, PushHostOptions } from '../../../test/push-host.ts';
import { startPushHost } from '../../../test/push-host.ts';
import { flushPacket, packet } from './packets.ts';
import { commandsMax, headBytesMax, optionsMax } from './push-head.ts';

const main = 'refs/heads/main';
const made = commitObjects({ text: 'one' });
const tip = made[0]?.id ?? '';
const place = (host: PushHost): string => `${host.url}/git/acme/tool.git`;
const creating = (ref: string, after = tip) => ({ ref, before: zeroId, after });
const send = (host: PushHost, pack: Buffer | null, after = tip) =>
  sendPush(place(host), 'write', pushBody({ commands: [creating(main, after)], pack }));

/** Nothing of it remains, and an honest push goes through. */
async function unharmed(host: PushHost, refs: readonly string[] = []): Promise<void> {
  const there = await clientRuns(host.place, 'for-each-ref', '--format=%(refname)');
  assert.deepEqual(there === '' ? [] : there.split('\n'), refs);
  assert.equal((await host.pushes()).length, refs.length);
  for (let looks = 0; looks < 100 && (await leftOver(host)).length > 0; looks += 1) await sleep(50);
  assert.deepEqual(await leftOver(host), []);
  assert.deepEqual(await host.database.read.selectFrom('ref_intents').selectAll().execute(), []);
  const honest = commitObjects({ text: 'honest' });
  const commands = [creating('refs/heads/honest', honest[0]?.id)];
  const answer = await sendPush(place(host), 'write', pushBody({ commands, pack: packOf(honest) }));
  assert.equal(answer.report?.refs.get('refs/heads/honest'), null);
  assert.equal(host.git.load().serving, 0);
  await clientRuns(host.place, 'fsck', '--full', '--strict');
}

const leftOver = async (host: PushHost): Promise<readonly string[]> =>
  (await readdir(join(host.place, 'objects'))).filter((name) => /incoming|tmp/.test(name));

/** Small pushes are looked through before git gets them, others go through git's gate: each test goes both ways. */
function eachWay(name: string, run: (started: (options?: PushHostOptions) => Promise<PushHost>) => Promise<void>): void {
  for (const [way, plain] of [
    ['at once', {}],
    ['through the gate', { plainBytesMax: 0 }],
  ] as const) {
    test(`${name} (${way})`, (t) => run((options) => startPushHost(t, { ...options, ...plain })));
  }
}

eachWay('names that git, a file system or a reader would stumble over are refused, each with its reason', async (started) => {
  const host = await started();
  const names: Readonly<Record<string, RegExp>> = {
    'refs/heads/../../../etc/passwd': /git takes no ref of this name/,
    'refs/heads/a..b': /no ref/,
    'refs/heads/.git/config': /no ref/,
    'refs/heads/a/.hidden': /no ref/,
    'refs/heads/x.lock': /no ref/,
    'refs/heads/a//b': /no ref/,
    'refs/heads/': /no ref/,
    'refs/heads': /no ref/,
    'refs/heads/a b': /no ref/,
    'refs/heads/a~1': /no ref/,
    'refs/heads/a\\b': /no ref/,
    'refs/heads/a\u0007': /no ref/,
    'refs/heads/@{1}': /no ref/,
    '/etc/passwd': /no ref/,
    HEAD: /no ref/,
    config: /no ref/,
    'refs/heads/-d': /no branch of this name/,
    'refs/heads/HEAD': /no branch of this name/,
    [`refs/heads/${'x'.repeat(300)}`]: /longer than 250 bytes/,
    [`refs/heads/${'é'.repeat(124)}`]: /longer than 250 bytes/,
    'refs/pull/1/head': /only branches, tags, notes/,
    'refs/remotes/origin/main': /only branches, tags, notes/,
    'refs/gatepost/x': /only branches, tags, notes/,
  };
  const commands = Object.keys(names).map((ref) => creating(ref));
  const answer = await sendPush(place(host), 'write', pushBody({ commands, pack: packOf(made) }));
  for (const [ref, reason] of Object.entries(names)) assert.match(answer.report?.refs.get(ref.split(' ')[0] ?? '') ?? '', reason, ref);
  const twice = await sendPush(
    place(host),
    'write',
    pushBody({ commands: [creating(main), creating(main)], pack: null, capabilities: ['report-status', 'atomic'] }),
  );
  assert.match(twice.report?.refs.get(main) ?? '', /twice/);
  await unharmed(host);
});

eachWay('what is no push is refused by its status', async (started) => {
  const host = await started();
  const line = `${zeroId} ${tip} ${main}`;
  const bodies: readonly (readonly [Buffer | string, number, string])[] = [
    ['', 400, 'invalid_push'],
    ['zzzz', 400, 'invalid_push'],
    ['0003', 400, 'invalid_push'],
    ['0004', 400, 'invalid_push'],
    ['00', 400, 'push_incomplete'],
    ['00ff0000', 400, 'push_incomplete'],
    [packet(line), 400, 'invalid_push'],
    [Buffer.concat([packet(`${tip} ${main}\0`), flushPacket]), 400, 'invalid_push'],
    [Buffer.concat([packet('push-cert\0report-status'), flushPacket]), 400, 'invalid_push'],
    [Buffer.concat([packet(`shallow ${tip}`), flushPacket]), 400, 'invalid_push'],
    [Buffer.concat(Array.from({ length: commandsMax + 1 }, (_, at) => packet(`${zeroId} ${tip} refs/tags/${at}`))), 413, 'push_too_large'],
    [Buffer.concat(Array.from({ length: headBytesMax / 60_000 + 1 }, () => packet(`${line}${'x'.repeat(60_000)}`))), 413, 'push_too_large'],
    [
      Buffer.concat([packet(`${line}\0push-options`), flushPacket, ...Array.from({ length: optionsMax + 1 }, () => packet('x'))]),
      413,
      'push_too_large',
    ],
  ];
  for (const [body, status, code] of bodies) {
    const answer = await sendPush(place(host), 'write', body);
    assert.deepEqual([answer.status, answer.text.includes(' ')], [status, true], `${code} ${body.toString().slice(0, 60)}`);
  }
  // A NUL ends the name: what follows are capabilities.
  const cut = await sendPush(place(host), 'write', Buffer.concat([packet(`${line}\0report-status\0x`), flushPacket, packOf(made)]));
  assert.equal(cut.report?.refs.get(main), null);
  await unharmed(host, [main]);
});

eachWay('who has no right, or is of another organization, changes nothing and learns nothing', async (started) => {
  const host = await started();
  const body = pushBody({ commands: [creating(main)], pack: packOf(made) });
  const ways: readonly (readonly [string, string, number])[] = [
    [place(host), 'read', 403],
    [place(host), 'other', 404],
    [`${host.url}/git/other/tool.git`, 'write', 404],
    [`${host.url}/git/acme/nothing.git`, 'write', 404],
    [`${host.url}/git/acme/..%2f..%2ftool.git`, 'write', 404],
    [place(host), 'nobody', 401],
  ];
  for (const [url, token, status] of ways) {
    const answer = await sendPush(url, token, body);
    assert.equal(answer.status, status, `${url} ${token}`);
    assert.doesNotMatch(answer.text, /tmp|repositories\//);
  }
  await unharmed(host);
});

eachWay('packs that lie, are cut, or hold what must not be are refused whole', async (started) => {
  const host = await started();
  const entry = (type: number, size: number, content: Buffer | string): Buffer =>
    Buffer.concat([objectHead(type, size), deflateSync(content)]);
  const [commit, tree, blob] = made as readonly [GitObject, GitObject, GitObject];
  const good = [commit, tree, blob].map(({ content, type }) =>
    entry({ commit: 1, tree: 2, blob: 3, tag: 4 }[type], content.length, content),
  );
  const whole = packOf(made);
  const flipped = Buffer.from(whole);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const packs: Readonly<Record<string, Buffer>> = {
    'says it is larger': packOfEntries([...good.slice(0, 2), entry(3, 1_000_000, blob.content)]),
    'says it is smaller': packOfEntries([...good.slice(0, 2), entry(3, 1, blob.content)]),
    'says there are more': packOfEntries(good, 4),
    'says there are four billion': packOfEntries(good, 0xffffffff),
    'is another version': Buffer.concat([Buffer.from('PACK\0\0\0\x09'), whole.subarray(8)]),
    'has a wrong sum': flipped,
    'is cut': whole.subarray(0, whole.length - 25),
    'is noise': randomBytes(2_000),
    'is nothing': Buffer.alloc(0),
    'lacks its tree': packOf([commit]),
    'is a difference to nothing': packOfEntries([
      ...good,
      Buffer.concat([objectHead(7, 10), Buffer.alloc(20, 7), deflateSync(Buffer.alloc(10))]),
    ]),
  };
  for (const [name, pack] of Object.entries(packs)) {
    const answer = await send(host, pack);
    assert.equal(answer.status, 200, name);
    assert.equal(typeof answer.report?.refs.get(main), 'string', `${name}: ${JSON.stringify(answer)}`);
    assert.doesNotMatch(answer.text, new RegExp(host.place), name);
  }
  const at = (name: string): readonly GitObject[] => {
    const bad = gitObject('tree', Buffer.concat([Buffer.from(`40000 ${name}\0`), Buffer.from(tree.id, 'hex')]));
    const text = commit.content.toString().replace(tree.id, bad.id);
    return [gitObject('commit', text), bad, tree, blob];
  };
  for (const name of ['.git', '..', '.GIT', 'a/b', '']) {
    const objects = at(name);
    const answer = await send(host, packOf(objects), objects[0]?.id);
    assert.equal(typeof answer.report?.refs.get(main), 'string', `a tree with "${name}"`);
  }
  const branchOfBlob = await send(host, whole, blob.id);
  assert.equal(typeof branchOfBlob.report?.refs.get(main), 'string');
  await unharmed(host);
});

eachWay('a pack with more behind it moves its refs once, like every push', async (started) => {
  const host = await started();
  const answer = await send(host, Buffer.concat([packOf(made), randomBytes(300_000), packOf(made)]));
  assert.equal(answer.report?.refs.get(main), null);
  await unharmed(host, [main]);
});

eachWay('what unpacks to more than the limits is refused: a file, a difference that grows, a repository, gzip', async (started) => {
  const limitsMax = { bytesMax: 3_000_000, objectBytesMax: 1_000_000, refsMax: 3 };
  const host = await started({ limitsMax, gitOptions: { memoryBytesMax: 512 * 2 ** 20 } });
  const withBlob = (content: Buffer): readonly GitObject[] => {
    const blob = gitObject('blob', content);
    const tree = gitObject('tree', Buffer.concat([Buffer.from('100644 file\0'), Buffer.from(blob.id, 'hex')]));
    return [gitObject('commit', (made[0]?.content.toString() ?? '').replace(made[1]?.id ?? '', tree.id)), tree, blob];
  };
  const bomb = withBlob(Buffer.alloc(40 * 2 ** 20));
  const many = [...bomb, ...Array.from({ length: 150 }, (_, at) => gitObject('blob', String(at)))];
  for (const objects of [bomb, many]) {
    const answer = await send(host, packOf(objects), objects[0]?.id);
    assert.match(answer.report?.refs.get(main) ?? '', new RegExp(`object ${objects[2]?.id} is larger than 1000000 bytes`));
  }
  // 64 KiB are copied twenty thousand times: 1.3 GB of a few kilobytes.
  const base = gitObject('blob', Buffer.alloc(65_536, 1));
  const copies = Buffer.concat([
    sizeText(65_536),
    sizeText(65_536 * 20_000),
    Buffer.concat(Array.from({ length: 20_000 }, () => Buffer.from([0x80]))),
  ]);
  const delta = Buffer.concat([objectHead(7, copies.length), Buffer.from(base.id, 'hex'), deflateSync(copies)]);
  const grown = await send(host, packOfEntries([Buffer.concat([objectHead(3, 65_536), deflateSync(base.content)]), delta]));
  assert.equal(typeof grown.report?.refs.get(main), 'string');
  const full = await send(host, packOf(withBlob(randomBytes(3_000_001))));
  assert.match(full.report?.refs.get(main) ?? '', /the repository would be larger than 3000000 bytes/);
  const answer = await fetch(`${place(host)}/git-receive-pack`, {
    method: 'POST',
    headers: { authorization: 'Bearer write', 'content-type': 'application/x-git-receive-pack-request', 'content-encoding': 'gzip' },
    body: gzipSync(Buffer.concat([pushBody({ commands: [creating(main)], pack: null }), Buffer.alloc(100 * 2 ** 20)])),
  });
  assert.match(await answer.text(), /would be larger than 3000000 bytes|inflate|unpack/);
  const tags = [1, 2, 3, 4].map((number) => creating(`refs/tags/${number}`));
  const refs = await sendPush(place(host), 'write', pushBody({ commands: tags, pack: packOf(made) }));
  assert.match(refs.report?.refs.get('refs/tags/1') ?? '', /more than 3 refs/);
  await unharmed(host);
});

/** A size in a difference: seven bits a byte, the lowest first. */
function sizeText(size: number): Buffer {
  const bytes: number[] = [];
  for (let rest = size; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0));
    if (rest < 128) return Buffer.from(bytes);
  }
}

eachWay('an archived repository takes nothing', async (started) => {
  const host = await started();
  await host.database.write((tx) => tx.updateTable('repositories').set({ archived: 1 }).execute());
  const answer = await send(host, packOf(made));
  assert.match(answer.report?.refs.get(main) ?? '', /archived/);
  await host.database.write((tx) => tx.updateTable('repositories').set({ archived: 0 }).execute());
  await unharmed(host);
});

/** Sends the beginning of a push by hand, and answers what can end the line. */
function begin(host: PushHost, part: Buffer, length: number) {
  const { hostname, port } = new URL(host.url);
  const line = connect(Number(port), hostname);
  line.on('error', () => undefined);
  line.write(
    `POST /git/acme/tool.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer write\r\nContent-Type: application/x-git-receive-pack-request\r\nContent-Length: ${length}\r\n\r\n`,
  );
  line.write(part);
  return line;
}

eachWay(
  'a client that dies in the middle of its pack has pushed nothing; one that dies behind it has pushed, and there is its event',
  async (started) => {
    const host = await started();
    const objects = [...made, gitObject('blob', randomBytes(600_000))];
    const body = pushBody({ commands: [creating(main)], pack: packOf(objects) });
    for (const part of [20, 200, 300_000, body.length - 20, body.length - 1]) {
      const line = begin(host, body.subarray(0, part), body.length);
      for (let looks = 0; looks < 20 && host.git.load().serving === 0; looks += 1) await sleep(10);
      await sleep(50);
      line.destroy();
    }
    for (let looks = 0; looks < 100 && host.git.load().serving > 0; looks += 1) await sleep(50);
    assert.equal((await host.pushes()).length, 0);
    const line = begin(host, body, body.length);
    const began = async (): Promise<boolean> => (await host.database.read.selectFrom('ref_intents').select('id').execute()).length > 0;
    while (!(await began()) && (await host.pushes()).length === 0) await sleep(1);
    line.destroy();
    for (let looks = 0; looks < 200 && (await host.pushes()).length === 0; looks += 1) await sleep(50);
    await unharmed(host, [main]);
  },
);

eachWay('a client that stops sending is cut off, and its process with it', async (started) => {
  const host = await started({ upload: { lookMs: 200, bytesMin: 1_000 } });
  const body = pushBody({ commands: [creating(main)], pack: packOf([...made, gitObject('blob', randomBytes(50_000))]) });
  const line = begin(host, body.subarray(0, 20_000), body.length);
  const answer = await new Promise<string>((resolve) => {
    line.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
  });
  assert.match(answer, /ng refs\/heads\/main The push stopped arriving/);
  assert.ok(usualCapabilities.includes('side-band-64k'));
  line.destroy();
  await unharmed(host);
});
