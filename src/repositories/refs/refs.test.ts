// Refs are moved, and whatever can go wrong between the intent and its end does. What counts then: the refs, the events, and that they agree.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PersonFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import type { Git } from '../git/git.ts';
import type { Engine } from '../../../test/databases.ts';
import { engines } from '../../../test/databases.ts';
import type { PushHost } from '../../../test/push-host.ts';
import { startPushHost } from '../../../test/push-host.ts';
import type { Faulty } from '../../../test/repositories.ts';
import { faultyDatabase, makeCommits } from '../../../test/repositories.ts';
import { insertIntent } from './intents.ts';
import { readRefs } from './ref-values.ts';
import type { RefCommand } from './refs.ts';

const actor: PersonFacts = { number: 1, login: 'ada', name: 'Ada', email: '', created: '2026-01-01T00:00:00+00:00' };
const main = 'refs/heads/main';

const told = async (host: PushHost) => (await host.pushes()).map(({ ref, before, after }) => ({ ref, before, after }));
const open = (host: PushHost) => host.database.read.selectFrom('ref_intents').selectAll().execute();
const valueOf = async (host: PushHost, ref: string) => (await readRefs(host.place, [ref])).get(ref);
const move = async (host: PushHost, ...commands: readonly RefCommand[]) =>
  host.refs.move({ repository: await host.repository(), commands, actor });

/** An intent that another process left, with what its git did. */
async function leave(host: PushHost, commands: readonly RefCommand[], id: string, pid: number | null = null): Promise<void> {
  const { id: repository, organization } = await host.repository();
  const intent = { id, organization, repository, actor, commands, options: [], purpose: null, created: 1 };
  await host.database.write((tx) => insertIntent({ tx, intent, node: host.database.node, pid }));
}

async function begun(
  t: Parameters<typeof startPushHost>[0],
  engine: Engine = 'sqlite',
): Promise<{ host: PushHost; ids: readonly string[]; faults: Faulty }> {
  const faults = faultyDatabase();
  const host = await startPushHost(t, { engine, through: faults.through });
  const ids = await makeCommits(host.git, (await host.repository()).id, ['one', 'two', 'three']);
  return { host, ids, faults };
}

for (const engine of engines) {
  test(`moved by ourselves, refs are events too; one that is not where it was thought to be fails all (${engine})`, async (t) => {
    const { host, ids } = await begun(t, engine);
    const [one = '', two = ''] = ids;
    const moved = await move(host, { ref: main, before: zeroId, after: one }, { ref: 'refs/tags/v1', before: zeroId, after: one });
    assert.equal(moved.length, 2);
    assert.deepEqual(
      (await host.pushes()).map(({ push }) => push),
      moved.map(({ push }) => push),
    );
    const stale = [
      { ref: 'refs/heads/new', before: zeroId, after: one },
      { ref: main, before: two, after: one },
    ];
    await assert.rejects(move(host, ...stale), { kind: 'conflict', code: 'ref_moved' });
    await assert.rejects(move(host, { ref: `${main}/below`, before: zeroId, after: one }), { kind: 'conflict', code: 'ref_refused' });
    await assert.rejects(move(host, { ref: main, before: one, after: 'f'.repeat(40) }), { code: 'ref_refused' });
    assert.equal(await valueOf(host, 'refs/heads/new'), zeroId);
    await move(host, { ref: main, before: one, after: two });
    await move(host, { ref: main, before: two, after: zeroId });
    assert.deepEqual((await told(host)).slice(2), [
      { ref: main, before: one, after: two },
      { ref: main, before: two, after: zeroId },
    ]);
    assert.deepEqual(await open(host), []);
  });

  test(`an answer of the database that is lost makes no second event, and no push that is not (${engine})`, async (t) => {
    const { host, ids, faults } = await begun(t, engine);
    const [one = '', two = '', three = ''] = ids;
    faults.fail(['not', 'after']);
    await move(host, { ref: main, before: zeroId, after: one });
    assert.deepEqual(await told(host), [{ ref: main, before: zeroId, after: one }]);
    // The intent is on disk, and its writer does not know: nothing is moved, and nobody may before it is gone.
    faults.fail(['after', 'before', 'before']);
    await assert.rejects(move(host, { ref: main, before: one, after: two }));
    assert.equal((await open(host)).length, 1);
    await move(host, { ref: main, before: one, after: three });
    assert.deepEqual((await told(host)).slice(1), [{ ref: main, before: one, after: three }]);
    assert.deepEqual(await open(host), []);
  });

  test(`while the database is gone nothing moves; where it goes in the middle, the event follows (${engine})`, async (t) => {
    const { host, ids, faults } = await begun(t, engine);
    const [one = '', two = ''] = ids;
    faults.break();
    await assert.rejects(move(host, { ref: 'refs/heads/other', before: zeroId, after: one }));
    assert.equal(await valueOf(host, 'refs/heads/other'), zeroId);
    faults.mend();
    while (host.refs.journal.open() > 0) await sleep(5);
    faults.fail(['not', 'before', 'before', 'before']);
    const first = move(host, { ref: main, before: zeroId, after: one });
    const second = move(host, { ref: main, before: one, after: two });
    await Promise.all([first, second]);
    assert.deepEqual(await told(host), [
      { ref: main, before: zeroId, after: one },
      { ref: main, before: one, after: two },
    ]);
  });

  test(`what a dead server left is settled by the refs: an event for what moved, none for what did not (${engine})`, async (t) => {
    const { host, ids } = await begun(t, engine);
    const [one = '', two = ''] = ids;
    await move(host, { ref: main, before: zeroId, after: one }, { ref: 'refs/tags/old', before: zeroId, after: one });
    const commands = [
      { ref: main, before: one, after: two },
      { ref: 'refs/heads/never', before: zeroId, after: two },
      { ref: 'refs/tags/old', before: one, after: zeroId },
      { ref: 'refs/heads/new', before: zeroId, after: two },
    ];
    await leave(host, commands, 'left-1');
    await leave(host, [{ ref: 'refs/heads/not', before: zeroId, after: one }], 'left-2');
    for (const args of [
      ['update-ref', main, two],
      ['update-ref', '-d', 'refs/tags/old'],
      ['update-ref', 'refs/heads/new', two],
    ]) {
      await host.git.run({ repository: (await host.repository()).id, args });
    }
    await host.refs.start();
    const after = (await told(host)).slice(2);
    assert.deepEqual(after, [commands[0], commands[2], commands[3]]);
    assert.deepEqual(await open(host), []);
    await host.refs.start();
    assert.equal((await told(host)).length, 5);
  });
}

test('a directory that is not there at a start tells nothing: what was left is settled once it is back', async (t) => {
  const { host, ids } = await begun(t);
  const [one = '', two = ''] = ids;
  await move(host, { ref: main, before: zeroId, after: one }, { ref: 'refs/heads/old', before: zeroId, after: one });
  await host.git.run({ repository: (await host.repository()).id, args: ['update-ref', main, two] });
  await leave(host, [{ ref: main, before: one, after: two }], '0001');
  await leave(host, [{ ref: 'refs/heads/old', before: one, after: zeroId }], '0002');
  await rename(host.place, `${host.place}-away`);
  const another = host.another();
  const starting = another.start();
  await sleep(600);
  assert.equal((await open(host)).length, 2);
  assert.equal((await told(host)).length, 2);
  await rename(`${host.place}-away`, host.place);
  await starting;
  assert.deepEqual((await told(host)).slice(2), [{ ref: main, before: one, after: two }]);
  assert.deepEqual(await open(host), []);
  await another.stop();
});

test('a start waits for git processes that a dead server left, and takes their locks away', async (t) => {
  const { host, ids } = await begun(t);
  const [one = ''] = ids;
  const left = spawn('git', ['update-ref', '--stdin'], { cwd: host.place, stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = once(left, 'close');
  const late = 'refs/heads/late';
  await leave(host, [{ ref: late, before: zeroId, after: one }], 'left-1', left.pid ?? null);
  await leave(host, [{ ref: 'refs/heads/b', before: zeroId, after: one }], 'left-2');
  // Of a git that was killed in the middle.
  const locks = ['refs/heads/b.lock', 'packed-refs.lock', 'HEAD.lock'].map((name) => join(host.place, name));
  const incoming = join(host.place, 'objects/tmp_objdir-incoming-x');
  await mkdir(incoming);
  for (const path of locks) await writeFile(path, '');
  for (const path of [...locks, incoming]) await utimes(path, 1, 1);
  const started = host.refs.start();
  await sleep(200);
  assert.equal((await told(host)).length, 0);
  left.stdin.end(`create ${late} ${one}\n`);
  await Promise.all([started, ended]);
  assert.deepEqual(await told(host), [{ ref: late, before: zeroId, after: one }]);
  for (const path of [...locks, incoming]) await assert.rejects(access(path), { code: 'ENOENT' });
  await move(host, { ref: 'refs/heads/b', before: zeroId, after: one });
});

test('a push of very many refs is recorded in several units; what a crash cuts off is gone on with, nothing twice', async (t) => {
  const { host, ids, faults } = await begun(t);
  const [one = ''] = ids;
  const commands = Array.from({ length: 120 }, (_, at) => ({
    ref: `refs/tags/t${String(at).padStart(3, '0')}`,
    before: zeroId,
    after: one,
  }));
  // The server dies behind its first unit: from then on it writes nothing.
  faults.fail(['not', 'not', ...Array.from({ length: 100 }, () => 'before' as const)]);
  const moving = move(host, ...commands).catch(() => undefined);
  while ((await told(host)).length === 0) await sleep(5);
  await host.refs.journal.stop(0);
  await moving;
  assert.equal((await told(host)).length, 100);
  faults.fail([]);
  const next = await startAgain(t, host);
  await next.start();
  assert.deepEqual(await told(host), commands);
  assert.deepEqual(await open(host), []);
});

async function startAgain(t: Parameters<typeof startPushHost>[0], host: PushHost) {
  const refs = host.another();
  t.after(() => refs.stop());
  return refs;
}

test('a listener writes in the unit of the events, and one that fails for a while is asked again', async (t) => {
  const { host, ids } = await begun(t);
  const [one = ''] = ids;
  let asked = 0;
  host.refs.onMoved({
    async prepare({ moved, purpose, repository, serverUrl }) {
      asked += 1;
      if (asked < 3) throw new Error('not now');
      assert.deepEqual(purpose, { kind: 'test', pulls: [1, 2] });
      assert.equal(repository.defaultBranch, 'trunk');
      assert.equal(serverUrl, 'http://git.test');
      return async ({ tx }) => {
        assert.equal((await tx.selectFrom('events').select('id').where('kind', '=', 'push').execute()).length, moved.length);
        await tx.insertInto('numbers').values({ name: 'heard', last: moved.length }).execute();
      };
    },
  });
  const commands = [{ ref: 'refs/heads/trunk', before: zeroId, after: one }];
  await host.refs.move({ repository: await host.repository(), commands, actor, purpose: { kind: 'test', pulls: [1, 2] } });
  assert.equal(asked, 3);
  const heard = await host.database.read.selectFrom('numbers').select('last').where('name', '=', 'heard').execute();
  assert.deepEqual(heard, [{ last: 1 }]);
});

test('the first branch that is pushed becomes the default one where that is not there; main before others; later ones do not', async (t) => {
  const { host, ids } = await begun(t);
  const [one = ''] = ids;
  await move(host, { ref: 'refs/tags/v1', before: zeroId, after: one });
  assert.equal((await host.repository()).defaultBranch, 'main');
  const first = ['zulu', 'master', 'alpha'].map((name) => ({ ref: `refs/heads/${name}`, before: zeroId, after: one }));
  await move(host, ...first);
  assert.equal((await host.repository()).defaultBranch, 'master');
  assert.equal(
    (await host.git.run({ repository: (await host.repository()).id, args: ['symbolic-ref', 'HEAD'] })).stdout.toString().trim(),
    'refs/heads/master',
  );
  assert.equal((await host.pushes())[1]?.repository.defaultBranch, 'master');
  await move(host, { ref: main, before: zeroId, after: one });
  assert.equal((await host.repository()).defaultBranch, 'master');
});

test('a git that is killed while it moves a ref leaves no lock on it: the next move goes through', async (t) => {
  const { host, ids } = await begun(t);
  const [one = ''] = ids;
  const command = { ref: 'refs/heads/killed', before: zeroId, after: one };
  const killed: Git = {
    ...host.git,
    async start(asked) {
      const child = await host.git.start(asked);
      await writeFile(join(host.place, 'refs/heads/killed.lock'), '');
      process.kill(child.pid, 'SIGKILL');
      return child;
    },
  };
  const refs = host.another(killed);
  t.after(() => refs.stop());
  await assert.rejects(refs.move({ repository: await host.repository(), commands: [command], actor }), { code: 'ref_refused' });
  assert.equal((await told(host)).length, 0);
  await move(host, command);
  assert.deepEqual(await told(host), [command]);
});
