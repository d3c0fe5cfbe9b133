// Clients that read slowly, not at all, or leave: what git runs for them ends, and others are served meanwhile.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../clock.ts';
import { createIdentifiers } from '../../identifiers.ts';
import { insertRepository } from '../store.ts';
import type { GitHost } from '../../../test/git-host.ts';
import { clientRuns, startGitHost } from '../../../test/git-host.ts';

const fast = { everyMs: 50, always: { looks: 6, bytesMin: 64 * 2 ** 10 }, whileOthersWait: { looks: 3, bytesMin: 64 * 2 ** 10 } };

/** More than the kernel takes for a connection that nobody reads. */
const blobBytes = 14 * 2 ** 20;

/** One commit with one large file that cannot be packed any smaller. Answers the commit. */
async function fill({ git, repository }: Pick<GitHost, 'git' | 'repository'>): Promise<string> {
  const blob = await git.run({ repository: repository.id, args: ['hash-object', '-w', '--stdin'], input: randomBytes(blobBytes) });
  const tree = await git.run({
    repository: repository.id,
    args: ['mktree'],
    input: `100644 blob ${blob.stdout.toString().trim()}\tlarge\n`,
  });
  const environment = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
  };
  const args = ['commit-tree', '-m', 'large', tree.stdout.toString().trim()];
  const commit = (await git.run({ repository: repository.id, args, environment })).stdout.toString().trim();
  await git.run({ repository: repository.id, args: ['update-ref', 'refs/heads/main', commit] });
  return commit;
}

/** Asks for everything and reads nothing. */
async function askAndWait(host: GitHost, commit: string, token = 'read'): Promise<Socket> {
  const line = (text: string): string => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
  const body = `${line(`want ${commit} ofs-delta\n`)}0000${line('done\n')}`;
  const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
  socket.on('error', () => undefined).pause();
  await once(socket, 'connect');
  socket.write(
    `POST /git/acme/tool.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/x-git-upload-pack-request\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  return socket;
}

/** Processes of git for this repository. */
function processesOf({ directory }: GitHost): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(join('/proc', name, 'cmdline'), 'latin1').includes(`${directory}/repositories`);
    } catch {
      return false;
    }
  }).length;
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (isSo()) return;
    await sleep(25);
  }
  assert.fail(what);
}

test('a hundred clients that read nothing hold no more than their slots, and do not keep others out', async (t) => {
  const host = await startGitHost(t, { gitOptions: { serving: 8 } });
  const commit = await fill(host);
  const slow = await Promise.all(Array.from({ length: 100 }, () => askAndWait(host, commit)));
  t.after(() => slow.forEach((socket) => socket.destroy()));
  await until(() => host.git.load().serving === 4, 'as many as one token may have');
  await until(() => host.git.load().waiting >= 90, 'the others wait');
  await clientRuns(host.directory, 'clone', '-q', '--no-checkout', host.remote('write'), 'meanwhile');
  assert.equal(await clientRuns(join(host.directory, 'meanwhile'), 'rev-parse', 'HEAD'), commit);
  for (const socket of slow) socket.destroy();
  await until(() => host.git.load().serving === 0 && host.git.load().waiting === 0, 'all slots are free again');
  await until(() => processesOf(host) === 0, 'no process is left');
});

/** A repository of the other organization, with something in it. */
async function ofOther({ git, database, url }: GitHost): Promise<string> {
  const { id } = await database.read.selectFrom('organizations').select('id').where('name', '=', 'other').executeTakeFirstOrThrow();
  const about = { organization: id, name: 'theirs', ids: createIdentifiers(), clock: systemClock };
  const repository = await insertRepository({ database, git, actor: 'cli', ...about });
  await fill({ git, repository });
  return `${url.replace('://', '://someone:other@')}/git/other/theirs.git`;
}

test('a hundred slow clones by two tokens keep neither another organization waiting nor another token of their own', async (t) => {
  // None is cut off: that there is a place for others is all that helps them here.
  const never = { looks: 10_000, bytesMin: 1 };
  const host = await startGitHost(t, { stall: { everyMs: 1_000, always: never, whileOthersWait: never } });
  const theirs = await ofOther(host);
  const commit = await fill(host);
  const slow = await Promise.all(Array.from({ length: 100 }, (_, at) => askAndWait(host, commit, at % 2 === 0 ? 'read' : 'write')));
  t.after(() => slow.forEach((socket) => socket.destroy()));
  await until(() => host.git.load().serving >= 20 && host.git.load().waiting >= 70, 'they hold what they may, the others wait');
  for (const remote of [theirs, host.remote('third')]) {
    await clientRuns(host.directory, 'clone', '-q', '--filter=blob:none', '--no-checkout', remote, `clone-${remote.length}`);
  }
  assert.ok(host.git.load().serving >= 20 && host.git.load().waiting >= 70, 'they were not waited for');
});

test('where others wait, a client that takes nothing gives its place up within some looks', async (t) => {
  const stall = { ...fast, always: { looks: 1_000, bytesMin: 1 } };
  const host = await startGitHost(t, { stall, gitOptions: { serving: 1 } });
  const commit = await fill(host);
  const stuck = await askAndWait(host, commit);
  t.after(() => stuck.destroy());
  await until(() => host.git.load().serving === 1, 'it has the only place');
  await sleep(500);
  assert.equal(host.git.load().serving, 1, 'nobody waits, so it may keep it');
  await clientRuns(host.directory, 'clone', '-q', '--no-checkout', host.remote('write'), 'meanwhile');
});

test('a client that takes its answer too slowly is cut off, one that takes it is not', async (t) => {
  const host = await startGitHost(t, { stall: fast });
  const commit = await fill(host);
  const stuck = await askAndWait(host, commit);
  const steady = await askAndWait(host, commit);
  let taken = 0;
  const reading = (async () => {
    for (let pauses = 0; taken < blobBytes; pauses += 1) {
      // Long enough, now and then, for a look to find it waiting.
      if (pauses % 100 === 0) await sleep(60);
      const chunk = steady.read() as Buffer | null;
      taken += chunk?.length ?? 0;
      if (chunk === null) await once(steady, 'readable');
    }
  })();
  await reading;
  assert.ok(taken >= blobBytes);
  await until(() => host.git.load().serving === 0, 'the one that reads nothing has ended');
  stuck.resume();
  await once(stuck, 'close');
  steady.destroy();
});

test('git ends with the client that leaves in the middle', async (t) => {
  const host = await startGitHost(t);
  const commit = await fill(host);
  const socket = await askAndWait(host, commit);
  await until(() => processesOf(host) >= 1, 'git is under way');
  socket.destroy();
  await until(() => processesOf(host) === 0, 'git has ended');
  await until(() => host.git.load().serving === 0, 'its slot is free');
});

test('a question that dribbles in, or that is cut off, is given up before any git is started', async (t) => {
  const host = await startGitHost(t, { body: { withinMs: 200 } });
  const send = async (head: string): Promise<Socket> => {
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    await once(socket, 'connect');
    const route = 'POST /git/acme/tool.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer read';
    socket.write(`${route}\r\nContent-Type: application/x-git-upload-pack-request\r\nContent-Length: 500\r\n\r\n${head}`);
    return socket;
  };
  const slow = await send('0032want ');
  const [answer] = (await once(slow, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 400 [\s\S]*did not arrive in time/);
  slow.destroy();
  const cut = await send('0032');
  cut.destroy();
  await sleep(50);
  assert.deepEqual(host.git.load(), { serving: 0, waiting: 0 });
});
