// Analyses whose tasks ended long after their dates: the queue was long, or somebody dated them by hand. None may be missed for it, none made twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import type { SmallServer } from '../../../test/sonarqube/small-server.ts';
import { startSmallServer } from '../../../test/sonarqube/small-server.ts';
import type { WorkBench } from '../../../test/sonarqube/work.ts';
import { createWorkBench, smallAnalysis, until } from '../../../test/sonarqube/work.ts';
import type { Source } from './source.ts';

const hour = 3_600_000;
const ago = (hours: number): number => Date.now() - hours * hour;

async function caughtUp(bench: WorkBench, source: Source): Promise<void> {
  const asked = await bench.work.catchUp({ organization: bench.organization, source: source.id });
  await until(
    () => bench.source(source.id),
    (seen) => seen.caughtUp !== null && seen.caughtUp >= asked,
  );
}

async function keys(bench: WorkBench): Promise<readonly string[]> {
  const all = await until(
    () => bench.analyses(),
    (seen) => seen.every((one) => one.stage === 'make'),
  );
  return all.map((one) => `${one.source_analysis}`).toSorted();
}

/** The requests of one more look, when nothing is being fetched. */
async function askedInALook(server: SmallServer, bench: WorkBench, source: Source): Promise<readonly string[]> {
  await keys(bench);
  server.asked.length = 0;
  await caughtUp(bench, source);
  return server.asked.filter((path) => path === 'api/project_analyses/search' || path === 'api/ce/activity');
}

eachDatabase((open, engine) => {
  type Context = Parameters<typeof open>[0];
  const start = async (t: Context, given: Partial<Pick<SmallServer, 'administers' | 'hasBranches'>>, first = '1') => {
    const server = Object.assign(await startSmallServer(t), given);
    const bench = await createWorkBench(t, await open(t), { settings: { GATEPOST_CATCH_UP_FIRST: first } });
    const source = await bench.addSource(server);
    server.analyses.push(smallAnalysis(1, { date: ago(3) }));
    bench.work.start();
    await caughtUp(bench, source);
    return { server, bench, source };
  };

  test(`all since the last known one come, and what is dated before it where tasks are seen, each once (${engine})`, async (t) => {
    const { server, bench, source } = await start(t, {});
    assert.deepEqual(await keys(bench), ['analysis-1']);
    const late = smallAnalysis(2, { date: ago(2), ended: Date.now() });
    const backdated = smallAnalysis(4, { date: ago(500), ended: Date.now() });
    server.analyses.push(late, smallAnalysis(3, { date: Date.now() }), backdated);
    await caughtUp(bench, source);
    assert.deepEqual(await keys(bench), ['analysis-1', 'analysis-2', 'analysis-3', 'analysis-4']);
    assert.deepEqual(await askedInALook(server, bench, source), ['api/ce/activity'], 'nothing is new');
    server.analyses.push(smallAnalysis(5, { date: ago(900), ended: Date.now() }));
    await caughtUp(bench, source);
    await caughtUp(bench, source);
    assert.deepEqual(await keys(bench), ['analysis-1', 'analysis-2', 'analysis-3', 'analysis-4', 'analysis-5']);
    const marks = await bench.database.read.selectFrom('source_marks').select(['branch', 'analysis']).execute();
    assert.deepEqual(marks, [{ branch: 'main', analysis: 'analysis-3' }], 'what is dated before it does not move it back');
  });

  test(`where nothing is new a look asks for no project's analyses, however many there are (${engine})`, async (t) => {
    const { server, bench, source } = await start(t, {});
    for (const project of ['a', 'b', 'c']) server.analyses.push(smallAnalysis(10 + server.analyses.length, { project, date: ago(2) }));
    await caughtUp(bench, source);
    assert.equal((await keys(bench)).length, 4);
    assert.deepEqual(await askedInALook(server, bench, source), ['api/ce/activity']);
  });

  for (const administers of [true, false]) {
    const sees = administers ? 'tasks are seen' : 'tasks are not seen';
    test(`one that is dated hours before the last look comes, on a known branch and on a new one, where ${sees} (${engine})`, async (t) => {
      const { server, bench, source } = await start(t, { administers, hasBranches: true });
      const ended = Date.now();
      server.analyses.push(
        smallAnalysis(2, { date: ago(2), ended }),
        smallAnalysis(3, { date: ago(4), ended, branch: 'next' }),
        smallAnalysis(4, { date: ago(3.5), ended, branch: 'next' }),
        smallAnalysis(5, { date: ago(5_000), ended, project: 'imported' }),
      );
      await caughtUp(bench, source);
      await caughtUp(bench, source);
      assert.deepEqual(await keys(bench), ['analysis-1', 'analysis-2', 'analysis-3', 'analysis-4', 'analysis-5']);
    });

    test(`where nothing of before the first look is wanted, all after it comes, where ${sees} (${engine})`, async (t) => {
      const { server, bench, source } = await start(t, { administers }, '0');
      assert.deepEqual(await keys(bench), []);
      server.analyses.push(smallAnalysis(2, { date: ago(2), ended: Date.now() }));
      await caughtUp(bench, source);
      await caughtUp(bench, source);
      assert.deepEqual(await keys(bench), ['analysis-2']);
    });
  }
});
