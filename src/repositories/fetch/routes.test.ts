// Debian's git as the client, over HTTP, of repositories that are pushed to as git itself takes a push.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { GitHost } from '../../../test/git-host.ts';
import { clientGit, clientRuns, startGitHost } from '../../../test/git-host.ts';
import { fetchBodyBytesMax } from './body.ts';

/** A work tree with two commits, the first with a large file, pushed to the host. */
async function pushed(host: GitHost): Promise<string> {
  const work = join(host.directory, 'work');
  await mkdir(work);
  await clientRuns(work, 'init', '-q');
  await writeFile(join(work, 'large'), randomBytes(3 * 2 ** 20));
  await writeFile(join(work, 'small'), 'one\n');
  await clientRuns(work, 'add', '.');
  await clientRuns(work, 'commit', '-qm', 'first');
  await writeFile(join(work, 'small'), 'two\n');
  await clientRuns(work, 'commit', '-qam', 'second');
  await clientRuns(work, 'push', '-q', host.remote('write'), 'main');
  return work;
}

const uploadPack = (host: GitHost, body: Buffer | string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${host.url}/git/acme/tool.git/git-upload-pack`, {
    method: 'POST',
    body,
    headers: { authorization: 'Bearer read', 'content-type': 'application/x-git-upload-pack-request', ...headers },
  });

const infoRefs = (host: GitHost, query: string, headers: Record<string, string> = {}, path = '/git/acme/tool.git'): Promise<Response> =>
  fetch(`${host.url}${path}/info/refs${query}`, { headers, redirect: 'manual' });

test('clone, fetch, shallow and partial clone by protocols 0, 1 and 2', async (t) => {
  const host = await startGitHost(t);
  const work = await pushed(host);
  const tip = await clientRuns(work, 'rev-parse', 'HEAD');
  for (const version of ['0', '1', '2']) {
    const to = join(host.directory, `clone-${version}`);
    await clientRuns(host.directory, '-c', `protocol.version=${version}`, 'clone', '-q', host.remote('read'), to);
    assert.equal(await clientRuns(to, 'rev-parse', 'HEAD'), tip);
    assert.equal(await clientRuns(to, 'fsck', '--full', '--strict'), '');
    const shallow = join(host.directory, `shallow-${version}`);
    await clientRuns(host.directory, '-c', `protocol.version=${version}`, 'clone', '-q', '--depth=1', host.remote('read'), shallow);
    assert.equal(await clientRuns(shallow, 'rev-list', '--count', 'HEAD'), '1');
    await clientRuns(shallow, '-c', `protocol.version=${version}`, 'fetch', '-q', '--unshallow');
    assert.equal(await clientRuns(shallow, 'rev-list', '--count', 'HEAD'), '2');
  }
  const partial = join(host.directory, 'partial');
  await clientRuns(host.directory, 'clone', '-q', '--filter=blob:none', '--no-checkout', host.remote('read'), partial);
  assert.match(await clientRuns(partial, 'rev-list', '--objects', '--missing=print', 'HEAD'), /^\?/m);
  await clientRuns(partial, 'checkout', '-q', 'main');
  assert.equal(await clientRuns(partial, 'show', 'HEAD~:small'), 'one');
});

test('an empty repository is cloned, and its page address without .git is one to clone from too', async (t) => {
  const host = await startGitHost(t);
  await clientRuns(host.directory, 'clone', '-q', host.remote('read'), 'empty');
  await pushed(host);
  await clientRuns(host.directory, 'clone', '-q', host.remote('read', 'tool'), 'full');
  assert.equal(await clientRuns(join(host.directory, 'full'), 'rev-list', '--count', 'HEAD'), '2');
});

test('who shows no token is asked for one, by Basic; a bad one, a weak one and a strange one are refused', async (t) => {
  const host = await startGitHost(t);
  await pushed(host);
  const open = await infoRefs(host, '?service=git-upload-pack');
  assert.equal(open.status, 401);
  assert.equal(open.headers.get('www-authenticate'), 'Basic realm="gatepost", charset="UTF-8"');
  const basic = (user: string, password: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  });
  const ways: readonly (readonly [Record<string, string>, number])[] = [
    [basic('someone', 'read'), 200],
    [basic('read', ''), 200],
    [basic('read', 'x-oauth-basic'), 200],
    [{ authorization: 'Bearer read' }, 200],
    [basic('someone', 'wrong'), 401],
    [basic('', ''), 401],
    [{ authorization: 'Digest x' }, 401],
    [{ authorization: 'Basic ?' }, 401],
    [basic('someone', 'report'), 403],
    [basic('someone', 'bound'), 404],
    [basic('someone', 'other'), 404],
  ];
  for (const [headers, status] of ways) {
    const answer = await infoRefs(host, '?service=git-upload-pack', headers);
    assert.equal(answer.status, status, JSON.stringify(headers));
    if (status === 401) assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic/);
    await answer.arrayBuffer();
  }
  const refused = await clientGit(host.directory, ['push', host.remote('read'), 'HEAD:refs/heads/x'], '');
  assert.notEqual(refused.status, 0);
  const inWork = await clientGit(join(host.directory, 'work'), ['push', host.remote('read'), 'main:x']);
  assert.match(inWork.stderr, /remote: The token does not allow this: it needs the scope "repository:write"/);
});

test("what is not there and what is another organization's look alike", async (t) => {
  const host = await startGitHost(t);
  const asked = [
    await infoRefs(host, '?service=git-upload-pack', { authorization: 'Bearer other' }),
    await infoRefs(host, '?service=git-upload-pack', { authorization: 'Bearer other' }, '/git/other/tool.git'),
    await infoRefs(host, '?service=git-upload-pack', { authorization: 'Bearer read' }, '/git/acme/none.git'),
    await infoRefs(host, '?service=git-upload-pack', { authorization: 'Bearer read' }, '/git/acme/..%2ftool.git'),
    await infoRefs(host, '?service=git-upload-pack', { authorization: 'Bearer read' }, `/git/acme/${'a'.repeat(300)}.git`),
    await infoRefs(host, '?service=git-upload-pack', { authorization: 'Bearer read' }, '/git/acme/tool%00.git'),
  ];
  const seen = await Promise.all(asked.map(async (answer) => `${answer.status} ${await answer.text()}`));
  assert.deepEqual([...new Set(seen)], ['404 There is no repository of this name.\n']);
});

test('a renamed repository is found by its old name', async (t) => {
  const host = await startGitHost(t);
  const work = await pushed(host);
  const { id, organization } = host.repository;
  await host.database.write(async (tx) => {
    await tx.updateTable('repositories').set({ name: 'newer', name_key: 'newer' }).where('id', '=', id).execute();
    await tx.insertInto('repository_names').values({ organization, name_key: 'tool', repository: id, retired: 0 }).execute();
  });
  const answer = await infoRefs(host, '?service=git-upload-pack', { authorization: 'Bearer read' });
  assert.equal(answer.status, 301);
  assert.equal(answer.headers.get('location'), `${host.url}/git/acme/newer.git/info/refs?service=git-upload-pack`);
  await clientRuns(host.directory, 'clone', '-q', host.remote('read'), 'from-old');
  await clientRuns(work, 'push', '-q', host.remote('write'), 'main:refs/heads/more');
});

test('a packed question is unpacked, and one that is too large, broken or packed otherwise is refused', async (t) => {
  const host = await startGitHost(t);
  const work = await pushed(host);
  const tip = await clientRuns(work, 'rev-parse', 'HEAD');
  const line = (text: string): string => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
  const question = `${line(`want ${tip} ofs-delta\n`)}0000${line('done\n')}`;
  for (const answer of [
    await uploadPack(host, question),
    await uploadPack(host, gzipSync(question), { 'content-encoding': 'gzip' }),
    await uploadPack(host, gzipSync(question), { 'content-encoding': 'X-GZIP' }),
  ]) {
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/x-git-upload-pack-result');
    assert.match(answer.headers.get('cache-control') ?? '', /no-cache/);
    assert.equal(
      Buffer.from(await answer.arrayBuffer())
        .subarray(0, 12)
        .toString(),
      '0008NAK\nPACK',
    );
  }
  const tell = async (answer: Response): Promise<string> => `${answer.status} ${await answer.text()}`;
  const bomb = gzipSync(Buffer.alloc(fetchBodyBytesMax + 1));
  assert.match(await tell(await uploadPack(host, bomb, { 'content-encoding': 'gzip' })), /^413 .*larger than 16777216/);
  assert.match(await tell(await uploadPack(host, 'plain', { 'content-encoding': 'gzip' })), /^400 .*not gzip/);
  assert.match(await tell(await uploadPack(host, question, { 'content-encoding': 'br' })), /^415 /);
  assert.match(await tell(await uploadPack(host, question, { 'content-type': 'text/plain' })), /^415 /);
  assert.match(await tell(await uploadPack(host, question, { 'git-protocol': 'version=2;x=$(id)' })), /^400 /);
});

test('the dumb protocol is refused, and so is what is no service', async (t) => {
  const host = await startGitHost(t);
  for (const query of ['', '?service=git-upload-archive', '?service=', '?service=git-upload-pack&service=x']) {
    const answer = await infoRefs(host, query, { authorization: 'Bearer read' });
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /smart protocol/);
  }
  const file = await fetch(`${host.url}/git/acme/tool.git/objects/info/packs`, { headers: { authorization: 'Bearer read' } });
  assert.equal(file.status, 404);
});

test('many refs make a packed question of git itself', async (t) => {
  const host = await startGitHost(t);
  const work = await pushed(host);
  const tip = await clientRuns(work, 'rev-parse', 'HEAD');
  const lines = Array.from({ length: 400 }, (_, number) => `create refs/heads/many/branch-${number} ${tip}\n`);
  await host.git.run({ repository: host.repository.id, args: ['update-ref', '--stdin'], input: lines.join('') });
  const more = Array.from(
    { length: 400 },
    (_, number) => `commit refs/heads/n${number}\ncommitter A <a@example.org> ${number} +0000\ndata 1\n${number % 10}\nfrom ${tip}\n\n`,
  );
  await host.git.run({ repository: host.repository.id, args: ['fast-import', '--quiet'], input: more.join('') });
  const to = join(host.directory, 'many');
  await clientRuns(host.directory, '-c', 'protocol.version=0', 'clone', '-q', '--mirror', host.remote('read'), to);
  assert.equal((await clientRuns(to, 'for-each-ref')).split('\n').length, 801);
});

test('a repository that leads elsewhere, or is not there, is 503; git is told in its own words, by each protocol and way', async (t) => {
  const host = await startGitHost(t);
  const work = await pushed(host);
  const place = host.git.directory(host.repository.id);
  const asked = { authorization: 'Bearer read' };
  const tells = async (code: RegExp): Promise<void> => {
    const plain = await infoRefs(host, '?service=git-upload-pack', asked);
    assert.equal(plain.status, 503);
    assert.match(await plain.text(), code);
    for (const version of ['0', '2']) {
      const listed = await clientGit(host.directory, ['-c', `protocol.version=${version}`, 'ls-remote', host.remote('read')]);
      assert.match(listed.stderr, /^fatal: remote error: The files of this repository /);
      assert.match(listed.stderr, code);
    }
    const push = await clientGit(work, ['push', host.remote('write'), 'main:more']);
    assert.match(push.stderr, /^fatal: remote error: The files of this repository /);
  };
  await rename(place, `${place}-elsewhere`);
  await tells(/not on the disk of the server/);
  await symlink(`${place}-elsewhere`, place);
  await tells(/are damaged/);
  await rm(place);
  await rename(`${place}-elsewhere`, place);
  await clientRuns(work, 'push', '-q', host.remote('write'), 'main:more');
});

test('git that is kept waiting for too long is told so in its own words; others by 503 and when to come again', async (t) => {
  const host = await startGitHost(t, { gitOptions: { serving: 1, servingWaitMs: 50 } });
  const work = await pushed(host);
  const tip = await clientRuns(work, 'rev-parse', 'HEAD');
  const held = await host.git.start({ repository: host.repository.id, args: ['cat-file', '--batch'], lane: 'serve' });
  for (const version of ['0', '2']) {
    const listed = await clientGit(host.directory, ['-c', `protocol.version=${version}`, 'ls-remote', host.remote('read')]);
    assert.match(listed.stderr, /^fatal: remote error: Too much is under way with repositories\. Try again in a moment\.$/);
  }
  const question = packetLines(`want ${tip} ofs-delta\n`, null, 'done\n');
  const answer = await uploadPack(host, question);
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '10']);
  await answer.text();
  held.end();
  await held.ended;
});

const packetLines = (...texts: readonly (string | null)[]): string =>
  texts.map((text) => (text === null ? '0000' : (text.length + 4).toString(16).padStart(4, '0') + text)).join('');
