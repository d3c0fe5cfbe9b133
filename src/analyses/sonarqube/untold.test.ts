// An analysis and its webhook where the token may not see tasks, whichever comes first: how many analyses there are in the end, and what was told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { payloadText } from '../../../test/sonarqube/ingest.ts';
import type { SmallAnalysis, SmallServer } from '../../../test/sonarqube/small-server.ts';
import { startSmallServer } from '../../../test/sonarqube/small-server.ts';
import type { WorkBench } from '../../../test/sonarqube/work.ts';
import { createWorkBench, plainFetch, smallAnalysis, until } from '../../../test/sonarqube/work.ts';
import { leftToWebhookMs } from './catch-up-project.ts';
import type { Source } from './source.ts';

const hourMs = 3_600_000;
const second = 1_000;
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+0000`;

/** Not young any more, and a second of its own each. */
const older = (number: number): SmallAnalysis => smallAnalysis(number, { date: Date.now() - hourMs / 2 + number * second });

function payloadOf({ task, date, branch }: SmallAnalysis): string {
  return payloadText({
    taskId: task,
    analysedAt: iso(date),
    changedAt: iso(date),
    project: { key: 'shop', name: 'Shop' },
    branch: { name: branch, type: 'BRANCH', isMain: branch === 'main' },
    qualityGate: { name: 'Told gate', status: 'OK', conditions: [] },
  });
}

async function caughtUp(bench: WorkBench, source: Source): Promise<void> {
  const asked = await bench.work.catchUp({ organization: bench.organization, source: source.id });
  await until(
    () => bench.source(source.id),
    (seen) => seen.caughtUp !== null && seen.caughtUp >= asked,
  );
}

const made = (bench: WorkBench, count: number) =>
  until(
    () => bench.analyses(),
    (all) => all.length === count && all.every((one) => one.stage === 'make'),
  );

async function told(bench: WorkBench) {
  const events = (await bench.events()).filter((event) => event.kind === 'analysis.completed');
  return events.map(({ facts }) => [facts['analysis'], facts['task'], facts['relayed']] as const);
}

eachDatabase((open, engine) => {
  type Context = Parameters<typeof open>[0];
  const start = async (t: Context, options: Parameters<typeof createWorkBench>[2] = {}) => {
    const server: SmallServer = await startSmallServer(t);
    server.administers = false;
    const bench = await createWorkBench(t, await open(t), options);
    const source = await bench.addSource(server);
    bench.work.start();
    await caughtUp(bench, source);
    return { server, bench, source };
  };

  test(`a webhook, then its analysis found: one, told of once as it came (${engine})`, async (t) => {
    const { server, bench, source } = await start(t);
    const analysis = older(1);
    server.analyses.push(analysis);
    const id = await bench.arrive(source, payloadOf(analysis));
    await caughtUp(bench, source);
    const [one] = await made(bench, 1);
    assert.deepEqual([one?.id, one?.source_key], [id, 'task:task-1']);
    assert.deepEqual(await told(bench), [[id, 'task-1', payloadOf(analysis)]]);
  });

  test(`an analysis found, then its webhook while it is fetched: one, told of once as the webhook says (${engine})`, async (t) => {
    const gate = Promise.withResolvers<void>();
    const { server, bench, source } = await start(t, {
      async fetch(job) {
        await gate.promise;
        return plainFetch(job);
      },
    });
    const analysis = older(1);
    server.analyses.push(analysis);
    await caughtUp(bench, source);
    await until(
      () => Promise.resolve(bench.fetched.length),
      (count) => count === 1,
    );
    const text = payloadOf(analysis);
    const ids = await Promise.all([bench.arrive(source, text), bench.arrive(source, text)]);
    gate.resolve();
    const [one] = await made(bench, 1);
    assert.deepEqual(ids, [one?.id, one?.id]);
    assert.deepEqual([one?.source_key, one?.source_task, one?.source_analysis], ['task:task-1', 'task-1', 'analysis-1']);
    assert.equal((JSON.parse(one?.gate ?? '') as { name: string }).name, 'Told gate');
    assert.deepEqual(await told(bench), [[one?.id, 'task-1', text]]);
    await caughtUp(bench, source);
    assert.equal((await bench.analyses()).length, 1);
  });

  test(`an analysis found and told of, then its webhook: one, told of once (${engine})`, async (t) => {
    const { server, bench, source } = await start(t);
    const analysis = older(1);
    server.analyses.push(analysis);
    await caughtUp(bench, source);
    const [found] = await made(bench, 1);
    assert.deepEqual(await told(bench), [[found?.id, found?.id, null]]);
    for (let time = 0; time < 2; time += 1) assert.equal(await bench.arrive(source, payloadOf(analysis)), found?.id);
    await caughtUp(bench, source);
    const [one] = await made(bench, 1);
    assert.deepEqual([one?.source_key, Buffer.from(one?.payload ?? '').toString('utf8')], ['task:task-1', payloadOf(analysis)]);
    assert.equal((await told(bench)).length, 1);
    // The same report submitted again is another task, and so another analysis.
    await bench.arrive(source, payloadOf({ ...analysis, task: 'task-again' }));
    assert.equal((await made(bench, 2)).length, 2);
  });

  test(`webhooks and a look at once, over and over: one each, told of once each (${engine})`, async (t) => {
    const { server, bench, source } = await start(t);
    const rounds = 12;
    for (let round = 1; round <= rounds; round += 1) {
      const analysis = older(round);
      server.analyses.push(analysis);
      await Promise.all([caughtUp(bench, source), bench.arrive(source, payloadOf(analysis)), bench.arrive(source, payloadOf(analysis))]);
    }
    await caughtUp(bench, source);
    const all = await made(bench, rounds);
    assert.equal(new Set(all.map((one) => one.source_task)).size, rounds);
    assert.deepEqual((await told(bench)).map(([id]) => id).toSorted(), all.map((one) => one.id).toSorted());
  });

  test(`one that is younger than a minute is left to its webhook, and looked at again after that (${engine})`, async (t) => {
    const { server, bench, source } = await start(t);
    const [before, young] = [older(1), smallAnalysis(2, { date: Date.now() })];
    server.analyses.push(before, young);
    await caughtUp(bench, source);
    const [one] = await made(bench, 1);
    assert.equal(one?.source_analysis, 'analysis-1');
    const row = await bench.database.read.selectFrom('sources').select('next_catch_up').executeTakeFirstOrThrow();
    const againInMs = row.next_catch_up - Date.now();
    assert.ok(againInMs > leftToWebhookMs && againInMs < 2 * leftToWebhookMs, String(againInMs));
    await bench.arrive(source, payloadOf(young));
    await caughtUp(bench, source);
    assert.deepEqual(
      (await made(bench, 2)).map((each) => each.source_key),
      ['analysis:analysis-1', 'task:task-2'],
    );
  });
});
