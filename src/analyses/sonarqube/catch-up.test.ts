import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { payloadText } from '../../../test/sonarqube/ingest.ts';
import type { SmallAnalysis, SmallServer } from '../../../test/sonarqube/small-server.ts';
import { startSmallServer } from '../../../test/sonarqube/small-server.ts';
import type { WorkBench } from '../../../test/sonarqube/work.ts';
import { createTestClock } from '../../../test/http.ts';
import { createWorkBench, smallAnalysis, until } from '../../../test/sonarqube/work.ts';
import { createIdentifiers } from '../../identifiers.ts';
import { catchUpLeaseMs, claimSource } from './catch-up-worker.ts';
import type { Source } from './source.ts';
import { ingestPath } from './source.ts';

// What a source has and we have not, over HTTP: how many analyses there are in the end, which ones, and what was told of each.

const second = 1_000;
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+0000`;

async function caughtUp(bench: WorkBench, source: Source): Promise<void> {
  const asked = await bench.work.catchUp({ organization: bench.organization, source: source.id });
  await until(
    () => bench.source(source.id),
    (seen) => seen.caughtUp !== null && seen.caughtUp >= asked,
  );
}

const made = (bench: WorkBench) =>
  until(
    () => bench.analyses(),
    (all) => all.every((one) => one.stage === 'make'),
  );

/** As its webhook says it. */
function payloadOf({ project, task, date, branch }: SmallAnalysis, more: Readonly<Record<string, unknown>> = {}): string {
  return payloadText({
    taskId: task,
    analysedAt: iso(date),
    changedAt: iso(date),
    project: { key: project, name: `Name of ${project}`, url: 'https://sonar.example.test/' },
    branch: { name: branch, type: 'BRANCH', isMain: branch === 'main', url: 'https://sonar.example.test/' },
    ...more,
  });
}

function failedDelivery(server: SmallServer, source: Source, payload: string, task?: string): void {
  const webhook = 'ours';
  if (!server.webhooks.some((each) => each.key === webhook)) {
    server.webhooks.push({ key: webhook, name: 'Gatepost', url: `https://gatepost.example${ingestPath(source.id)}`, secret: '' });
  }
  const id = `delivery-${server.deliveries.length}`;
  server.deliveries.push({
    id,
    webhook,
    project: 'shop',
    at: Date.now(),
    success: false,
    payload,
    ...(task === undefined ? {} : { task }),
  });
}

eachDatabase((open, engine) => {
  test(`the first look brings the newest analysis of each branch, later ones all since, each once and oldest first (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    server.hasBranches = true;
    server.analyses.push(smallAnalysis(1), smallAnalysis(2), smallAnalysis(3, { branch: 'next' }), smallAnalysis(4, { project: 'other' }));
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    bench.work.start();
    await caughtUp(bench, source);
    const first = await made(bench);
    assert.deepEqual(
      first.map((one) => [one.source_key, one.branch, one.branch_is_main, one.version]),
      [
        ['task:task-2', 'main', 1, '1.2'],
        ['task:task-3', 'next', 0, '1.3'],
        ['task:task-4', 'main', 1, '1.4'],
      ],
    );
    // The same analysis date twice is two analyses where their tasks differ.
    server.analyses.push(smallAnalysis(5), smallAnalysis(6), smallAnalysis(7, { date: smallAnalysis(6).date }));
    await caughtUp(bench, source);
    await caughtUp(bench, source);
    const all = await made(bench);
    assert.deepEqual(
      all
        .filter((one) => one.source_analysis !== null && one.branch === 'main' && one.project === first[0]?.project)
        .map((one) => one.source_task),
      ['task-2', 'task-5', 'task-6', 'task-7'],
    );
    const told = (await bench.events()).filter((event) => event.kind === 'analysis.completed');
    assert.deepEqual(told.map((event) => event.facts['task']).toSorted(), ['task-2', 'task-3', 'task-4', 'task-5', 'task-6', 'task-7']);
    assert.deepEqual(
      [told[0]?.facts['relayed'], told[0]?.facts['origin'], (told[0]?.facts['gate'] as { name: string } | undefined)?.name],
      [null, 'sonarqube', 'Fetched gate'],
    );
  });

  test(`a webhook that came before or comes after the look, or at the same time, makes no second analysis (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    bench.work.start();
    await caughtUp(bench, source);
    const [before, after, meanwhile] = [
      smallAnalysis(1, { date: Date.now() }),
      smallAnalysis(2, { date: Date.now() + second }),
      smallAnalysis(3, { date: Date.now() + 2 * second }),
    ];
    server.analyses.push(before);
    await bench.arrive(source, payloadOf(before));
    await caughtUp(bench, source);
    server.analyses.push(after);
    await caughtUp(bench, source);
    await bench.arrive(source, payloadOf(after));
    server.analyses.push(meanwhile);
    await Promise.all([caughtUp(bench, source), bench.arrive(source, payloadOf(meanwhile))]);
    await caughtUp(bench, source);
    const all = await made(bench);
    assert.deepEqual(
      all.map((one) => one.source_task),
      ['task-1', 'task-2', 'task-3'],
    );
    const told = (await bench.events()).filter((event) => event.kind === 'analysis.completed').map((event) => event.facts['task']);
    assert.deepEqual(told.toSorted(), ['task-1', 'task-2', 'task-3']);
  });

  test(`where the token may not see tasks, an analysis that a webhook brought is known by branch and second (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    server.administers = false;
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    const longAgo = Date.now() - 600 * second;
    const [one, two] = [smallAnalysis(1, { date: longAgo }), smallAnalysis(2, { date: longAgo + second })];
    server.analyses.push(one);
    bench.work.start();
    await caughtUp(bench, source);
    server.analyses.push(two);
    await bench.arrive(source, payloadOf(two));
    await caughtUp(bench, source);
    const all = await made(bench);
    assert.deepEqual(
      all.map((each) => each.source_key),
      ['analysis:analysis-1', 'task:task-2'],
    );
  });

  test(`webhooks that failed over there are taken in with their very bytes, edits too (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    const analysis = smallAnalysis(1, { date: Date.now() - second });
    server.analyses.push(analysis);
    const payload = payloadOf(analysis, { properties: { 'sonar.analysis.note': '<ключ> & = ✓' } });
    const { taskId: _none, ...edited } = JSON.parse(payload) as Record<string, unknown>;
    const edit = JSON.stringify({ ...edited, changedAt: iso(Date.now() + second) });
    failedDelivery(server, source, payload, analysis.task);
    failedDelivery(server, source, edit);
    failedDelivery(server, source, 'no payload at all', 'task-broken');
    bench.work.start();
    await caughtUp(bench, source);
    await caughtUp(bench, source);
    const all = await made(bench);
    assert.deepEqual(
      all.map((one) => Buffer.from(one.payload ?? '').toString('utf8')),
      [payload, edit],
    );
    const told = (await bench.events()).filter((event) => event.kind === 'analysis.completed');
    assert.deepEqual(
      told.map((event) => event.facts['relayed']),
      [payload, edit],
    );
    assert.ok(all[1] !== undefined && all[0] !== undefined && all[1].date > all[0].date, 'an edit is of its own time');
  });

  test(`of several nodes one looks at a source at a time, and another goes on where one died (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    const bench = await createWorkBench(t, await open(t));
    await bench.addSource(server);
    const { database } = bench;
    const clock = createTestClock(Date.now() + second);
    const deps = { database, clock, ids: createIdentifiers(), everyMs: 1_000 };
    const claims = await Promise.all([1, 2, 3, 4].map(() => claimSource(deps)));
    assert.equal(claims.filter((claim) => claim !== null).length, 1);
    clock.ms += catchUpLeaseMs - 1;
    assert.equal(await claimSource(deps), null, 'it is believed until its lease ends');
    clock.ms += 2;
    assert.notEqual(await claimSource(deps), null);
  });

  test(`projects that the settings leave out are not looked at (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    server.analyses.push(smallAnalysis(1, { project: 'shop' }), smallAnalysis(2, { project: 'secret' }));
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server, { projects: ['shop'] });
    bench.work.start();
    await caughtUp(bench, source);
    assert.equal((await bench.analyses()).length, 1);
  });
});
