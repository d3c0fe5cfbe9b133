// Debian's git pushes over HTTP; each test looks at what the client is told, at the refs, and at the events, which must agree.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { timestampText } from '../../clock.ts';
import { zeroId } from '../../events/git-facts.ts';
import { clientGit, clientRuns } from '../../../test/git-host.ts';
import { engines } from '../../../test/databases.ts';
import type { PushHost } from '../../../test/push-host.ts';
import { startPushHost } from '../../../test/push-host.ts';
import type { Sent } from '../../../test/push-client.ts';
import { commitObjects, packOf, pushBody, sendPush } from '../../../test/push-client.ts';
import { readRefs } from '../refs/ref-values.ts';

const main = 'refs/heads/main';
const push = (host: PushHost, sent: Sent) => sendPush(`${host.url}/git/acme/tool.git`, 'write', pushBody(sent));

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
    const last = (await host.pushes()).at(-1)?.repository;
    const row = await host.repository();
    assert.ok((first?.repository.sizeKib ?? 0) > 0, 'with what it brought itself');
    assert.deepEqual([last?.updated, last?.sizeKib], [timestampText(row.pushed ?? 0), Math.ceil(row.bytes / 1024)], 'as the row says then');
    assert.equal(first?.pusher.name, 'First token');
    assert.deepEqual([first?.isForced, second?.isForced, forced?.isForced], [false, false, true]);
    assert.deepEqual(await host.database.read.selectFrom('ref_intents').selectAll().execute(), []);
    const rows = await host.database.read.selectFrom('pushes').select(['id', 'ref']).orderBy('id').execute();
    assert.equal(rows.length, 6);
    assert.equal(rows[0]?.id, first?.push);
  });
}

test('an empty try, a push of nothing new, and one that git rejects make no event', async (t) => {
  const host = await startPushHost(t);
  const tried = await sendPush(`${host.url}/git/acme/tool.git`, 'write', '0000');
  assert.deepEqual([tried.status, tried.text], [200, '']);
  const made = commitObjects({ text: 'one' });
  const tip = made[0]?.id ?? '';
  const first = await push(host, { commands: [{ ref: main, before: zeroId, after: tip }], pack: packOf(made) });
  assert.deepEqual([...(first.report?.refs ?? [])], [[main, null]]);
  const again = await push(host, { commands: [{ ref: main, before: tip, after: tip }], pack: packOf([]) });
  assert.equal(again.report?.refs.get(main), null);
  const stale = await push(host, { commands: [{ ref: main, before: zeroId, after: tip }], pack: packOf([]) });
  assert.match(stale.report?.refs.get(main) ?? '', /failed to update ref|reference already exists/);
  assert.equal((await host.pushes()).length, 1);
});

test('an atomic push moves all or none; another moves what it can, and only that is told', async (t) => {
  const host = await startPushHost(t);
  const made = commitObjects({ text: 'one' });
  const after = made[0]?.id ?? '';
  const commands = [
    { ref: main, before: zeroId, after },
    { ref: 'refs/heads/stale', before: after, after: zeroId.replace(/.$/, '1') },
    { ref: 'refs/tags/v1', before: zeroId, after },
  ];
  const bad = [commands[0], { ref: 'refs/heads/no..pe', before: zeroId, after }].filter((one) => one !== undefined);
  const atomic = await push(host, { commands: bad, pack: packOf(made), capabilities: ['report-status', 'atomic'] });
  assert.deepEqual(
    [...(atomic.report?.refs ?? [])],
    [
      [main, 'atomic push failed'],
      ['refs/heads/no..pe', 'git takes no ref of this name'],
    ],
  );
  assert.equal((await host.pushes()).length, 0);
  const some = await push(host, { commands, pack: packOf(made) });
  assert.deepEqual([some.report?.refs.get(main), some.report?.refs.get('refs/tags/v1')], [null, null]);
  assert.equal(typeof some.report?.refs.get('refs/heads/stale'), 'string');
  assert.deepEqual(
    (await host.pushes()).map(({ ref }) => ref),
    [main, 'refs/tags/v1'],
  );
  const gone = await push(host, { commands: [{ ref: 'refs/tags/v1', before: 'f'.repeat(40), after: zeroId }], pack: null });
  assert.match(gone.report?.refs.get('refs/tags/v1') ?? '', /another has moved it/);
  assert.equal((await readRefs(host.place, [main])).get(main), after);
});

test('two clients push to one branch at once: one moves it, the other hears so, and there is one event', async (t) => {
  const host = await startPushHost(t);
  const all = ['one', 'two', 'three', 'four'].map((text) => commitObjects({ text }));
  const answers = await Promise.all(
    all.map((made) => push(host, { commands: [{ ref: main, before: zeroId, after: made[0]?.id ?? '' }], pack: packOf(made) })),
  );
  assert.equal(answers.filter(({ report }) => report?.refs.get(main) === null).length, 1);
  assert.equal((await host.pushes()).length, 1);
});

test('push options reach whoever plans pull requests, and a ref it names otherwise is reported as the client knows it', async (t) => {
  const made = commitObjects({ text: 'one' });
  const after = made[0]?.id ?? '';
  const heard: (readonly string[])[] = [];
  const head = 'refs/pull/1/head';
  const host = await startPushHost(t, {
    async pulls({ commands, options }) {
      heard.push(options);
      const planned = commands.map((asked) => ({
        asked,
        command: asked.ref === 'refs/for/no' ? null : { ...asked, ref: head },
        refused: asked.ref === 'refs/for/no' ? 'there is no branch "no"' : null,
      }));
      return { commands: planned, purpose: { kind: 'pull' } };
    },
  });
  const purposes: unknown[] = [];
  host.refs.onMoved({
    async prepare({ purpose, options, moved }) {
      purposes.push([purpose, options, moved.map(({ ref }) => ref)]);
      return async () => undefined;
    },
  });
  const commands = ['refs/for/main', 'refs/for/no'].map((ref) => ({ ref, before: zeroId, after }));
  const body = pushBody({
    commands,
    pack: packOf(made),
    options: ['topic=x', 'pull_request.title=A b'],
    capabilities: ['report-status-v2', 'side-band-64k', 'push-options'],
  });
  const answer = await fetch(`${host.url}/git/acme/tool.git/git-receive-pack`, {
    method: 'POST',
    headers: { authorization: 'Bearer write', 'content-type': 'application/x-git-receive-pack-request' },
    body,
  });
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
  assert.match(
    text,
    /ok refs\/for\/main\n.{4}option refname refs\/pull\/1\/head\n.{4}option new-oid [0-9a-f]{40}\n.{4}ng refs\/for\/no there is no branch "no"/,
  );
  assert.deepEqual(heard, [['topic=x', 'pull_request.title=A b']]);
  assert.deepEqual(purposes, [[{ kind: 'pull' }, ['topic=x', 'pull_request.title=A b'], [head]]]);
  assert.equal((await host.pushes()).length, 0);
  assert.equal((await readRefs(host.place, [head])).get(head), after);
});
