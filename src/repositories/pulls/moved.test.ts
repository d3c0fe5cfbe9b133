import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { engines } from '../../../test/databases.ts';
import type { PullHost } from '../../../test/pulls.ts';
import { startPullHost } from '../../../test/pulls.ts';
import { insertIntent } from '../refs/intents.ts';
import { createRefs } from '../refs/create.ts';
import { createPulls } from './create.ts';
import { mergePull } from './merge.ts';
import { mergePurpose } from './purpose.ts';
import { createRefresher } from './refresh.ts';

// What moved branches make of open pull requests: synchronized, merged by hand, closed. Branches move as a push moves them; events are read back.

async function open(host: PullHost): Promise<{ readonly main: string; readonly dev: string }> {
  const main = await host.commit({ files: { a: '1\n' } });
  const dev = await host.commit({ parents: [main], files: { b: '1\n' } });
  await host.point({ main, dev });
  await host.open({ head: 'dev' });
  await host.forget();
  return { main, dev };
}

for (const engine of engines) {
  test(`a push to the head is told with both tips, and its head is kept for ever (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main, dev } = await open(host);
    const next = await host.commit({ parents: [dev], files: { c: 'x\ny\n' } });
    await host.point({ dev: next }, host.ben);
    assert.deepEqual(await host.story(), ['push refs/heads/dev', 'synchronized 1']);
    const [told] = await host.told();
    assert.deepEqual([told?.changes, told?.sender.login], [{ head: { before: dev, after: next } }, 'Ben the builder']);
    assert.deepEqual(
      [told?.pull.head, told?.pull.base],
      [
        { ref: 'dev', branch: 'dev', sha: next },
        { ref: 'main', sha: main },
      ],
    );
    assert.deepEqual(
      [told?.pull.commits, told?.pull.additions, told?.pull.mergeable, told?.pull.mergeBase, told?.repository.openPulls],
      [2, 3, true, main, 1],
    );
    assert.equal(await host.tip('refs/pull/1/head'), next);
    // A forced push that leaves nothing, then one without a common commit.
    const alone = await host.commit({ files: { z: '1' } });
    await host.point({ dev: alone });
    assert.deepEqual((await host.told())[1]?.pull.mergeableReason, 'unrelated');
    await host.point({ dev: main });
    assert.deepEqual((await host.told())[2]?.pull.mergeableReason, 'nothing_to_merge');
    assert.equal((await host.pull(1)).state, 'open');
  });

  test(`a push that brings the head into the base marks it merged, with the commit that brought it (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main, dev } = await open(host);
    const merge = await host.commit({ parents: [main, dev], files: { b: '1\n' } });
    const onTop = await host.commit({ parents: [merge], files: { d: '1' } });
    await host.point({ main: onTop }, host.ben);
    assert.deepEqual(await host.story(), ['push refs/heads/main', 'closed 1']);
    const pull = await host.pull(1);
    assert.deepEqual([pull.state, pull.mergeSha, pull.mergedBy?.number], ['merged', merge, host.ben.number]);
    // Fast-forwarded, head and base in one push, the head deleted with it.
    const next = await host.commit({ parents: [onTop], files: { b: '2\n' } });
    await host.point({ dev: next });
    await host.open({ head: 'dev' });
    await host.forget();
    const last = await host.commit({ parents: [next], files: { b: '3\n' } });
    await host.point({ dev: last, main: last });
    assert.deepEqual(await host.story(), ['push refs/heads/dev', 'push refs/heads/main', 'synchronized 2', 'closed 2']);
    assert.deepEqual([(await host.pull(2)).state, (await host.pull(2)).mergeSha], ['merged', last]);
    const again = await host.commit({ parents: [last], files: { b: '4\n' } });
    await host.point({ dev: again });
    await host.open({ head: 'dev' });
    await host.point({ main: again, dev: null });
    assert.deepEqual([(await host.pull(3)).state, (await host.pull(3)).isHeadGone], ['merged', true]);
  });

  test(`the deletion of its head or its base closes it unmerged; what else is open stays (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main, dev } = await open(host);
    await host.point({ next: main, other: dev });
    await host.open({ head: 'dev', base: 'next' });
    await host.open({ head: 'other', base: 'next' });
    await host.forget();
    await host.point({ next: null });
    assert.deepEqual(await host.story(), ['push refs/heads/next', 'closed 2', 'closed 3']);
    await host.point({ dev: null });
    assert.deepEqual((await host.story()).slice(3), ['push refs/heads/dev', 'closed 1']);
    const [, , told] = await host.told();
    assert.deepEqual(
      [told?.pull.state, told?.pull.isMerged, told?.pull.mergedAt, told?.pull.head],
      ['closed', false, null, { ref: 'refs/pull/1/head', branch: 'dev', sha: dev }],
    );
    assert.equal(await host.tip('refs/pull/1/head'), dev);
    assert.notEqual(told?.pull.closed, null);
  });

  test(`where the base moved, whether it can be merged is worked out when somebody looks (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main } = await open(host);
    const clash = await host.commit({ parents: [main], files: { b: 'other\n' } });
    await host.point({ main: clash });
    assert.deepEqual(await host.story(), ['push refs/heads/main'], 'a base that moves is no event of the pull request');
    assert.equal((await host.pull(1)).baseSha, clash);
    const repository = await host.repository();
    const found = await Promise.all([1, 2, 3].map(() => host.pulls.find({ repository, number: 1 })));
    assert.deepEqual(new Set(found.map((pull) => pull?.mergeability)), new Set(['conflicts']));
    assert.equal((await host.pull(1)).mergeability, 'conflicts', 'it is kept');
    assert.equal(await host.pulls.find({ repository, number: 2 }), null);
  });
}

for (const engine of engines) {
  test(`a server that is started after a merge died behind its ref's move merges the pull request and tells of it (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { main, dev } = await open(host);
    const merge = await host.commit({ parents: [main, dev], files: { b: '1\n' } });
    const { database, clock, ids } = host.deps;
    const { id: repository, organization } = await host.repository();
    const purpose = mergePurpose({ kind: 'merge', pull: (await host.pull(1)).id, number: 1, method: 'merge', head: dev });
    const commands = [{ ref: 'refs/heads/main', before: main, after: merge }];
    const intent = { id: ids.next(), created: clock.now(), organization, repository, actor: host.ben, purpose, commands, options: [] };
    await database.write((tx) => insertIntent({ tx, intent, node: database.node, pid: null }));
    await host.git1('update-ref', 'refs/heads/main', merge, main);
    const log = pino({ level: 'silent' });
    const onRecorded = async (): Promise<void> => undefined;
    const next = createRefs({ ...host.deps, log, onRecorded, recorded: () => undefined, serverUrl: host.deps.publicUrl });
    next.onMoved(createPulls(host.deps).listener);
    await next.start();
    await next.stop();
    assert.deepEqual(await host.story(), ['push refs/heads/main', 'closed 1']);
    const pull = await host.pull(1);
    assert.deepEqual([pull.state, pull.mergeSha, pull.mergedBy?.number], ['merged', merge, host.ben.number]);
    assert.deepEqual(await database.read.selectFrom('ref_intents').select('id').execute(), []);
  });
}

test('a merge that cannot be recorded at first is recorded once', async (t) => {
  const host = await startPullHost(t);
  const { main, dev } = await open(host);
  const merge = await host.commit({ parents: [main, dev], files: { b: '1\n' } });
  const purpose = { kind: 'merge', pull: (await host.pull(1)).id, number: 1, method: 'merge', head: dev };
  const repository = await host.repository();
  const command = { ref: 'refs/heads/main', before: main, after: merge };
  await host.git1('update-ref', command.ref, merge, main);
  const write = async () =>
    host.pulls.listener.prepare({ repository, moved: [command], actor: host.ben, purpose, options: [], serverUrl: 'http://git.test' });
  await write();
  const settle = await write();
  const failing = host.database.write(async (tx) => {
    await settle({ tx, record: async () => Promise.reject(new Error('the disk is full')) });
  });
  await assert.rejects(failing, /disk is full/);
  assert.equal((await host.pull(1)).state, 'open');
  const told: string[] = [];
  const record = async ({ facts }: { facts: object }) => {
    told.push((facts as { pullAction: string }).pullAction);
    return 'id';
  };
  for (let times = 0; times < 2; times += 1) await host.database.write(async (tx) => (await write())({ tx, record }));
  assert.deepEqual([told, (await host.pull(1)).state, (await host.pull(1)).mergeSha], [['closed'], 'merged', merge]);
});

test('a pull request that was closed while its merge was under way is merged: the base has it', async (t) => {
  const host = await startPullHost(t);
  await open(host);
  const pull = await host.pull(1);
  const { refs } = host.deps;

  const move: typeof refs.move = async (options) => {
    await host.deps.database.write((tx) => tx.updateTable('pulls').set({ state: 'closed' }).execute());
    return refs.move(options);
  };
  const deps = { ...host.deps, refs: { move } };
  const merged = await mergePull(deps, createRefresher(deps), { ...(await host.doing()), pull, method: 'merge' });
  assert.equal(merged.state, 'merged');
});
