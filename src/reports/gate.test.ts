import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnalysisBench } from '../../test/analyses.ts';
import { createAnalysisBench } from '../../test/analyses.ts';
import { eachDatabase } from '../../test/databases.ts';
import { insertGate } from '../analyses/gates/store.ts';
import { claimAnalysis } from '../analyses/claim.ts';
import { readAnalysis } from '../analyses/store.ts';
import { GatepostError } from '../errors.ts';
import type { AnalysisCompletedFacts, GateFacts } from '../events/event.ts';
import { parseTimestamp } from '../timestamps.ts';
import { createAnalysisWorker } from './analysis-worker.ts';
import { analyze } from './analyze.ts';

// Which gate an analysis is held against, since when something is new to it, and what is told when it ends; rows on both databases.

const never = new AbortController().signal;

/** What the newest analysis was asked to compare with. */
async function since(bench: AnalysisBench, version: string, more: { readonly date?: string; readonly branch?: string } = {}) {
  const { date, ...rest } = more;
  const { id } = await bench.arrive({
    version,
    ...rest,
    ...(date === undefined ? {} : { date: parseTimestamp(`2026-01-${date}T00:00:00Z`) }),
  });
  const claim = await claimAnalysis({ database: bench.database, clock: bench.clock, ids: bench.deps.ids });
  assert.equal(claim?.analysis.id, id);
  await analyze(bench.deps, claim ?? assert.fail(), never);
  return { id, since: bench.jobs.at(-1)?.gate?.newSince };
}

async function completed(bench: AnalysisBench): Promise<readonly AnalysisCompletedFacts[]> {
  const rows = await bench.database.read
    .selectFrom('events')
    .select('facts')
    .where('kind', '=', 'analysis.completed')
    .orderBy('id')
    .execute();
  return rows.map((row) => JSON.parse(row.facts) as AnalysisCompletedFacts);
}

eachDatabase((open, engine) => {
  test(`what a version brought stays new however often it is analysed (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    assert.equal((await since(bench, '1.0')).since, null);
    const again = await since(bench, '1.0');
    assert.equal(again.since, again.id, 'of the only version: since its first analysis');
    assert.equal((await since(bench, 'v1.0.0')).since, again.id, 'the same version, written otherwise');
    const second = await since(bench, '2.0');
    assert.equal(second.since, second.id);
    assert.equal((await since(bench, '2.0')).since, second.id);
    assert.equal((await since(bench, 'v2')).since, second.id);
    const third = await since(bench, '3.0');
    assert.equal((await since(bench, '3.0')).since, third.id);
    assert.equal((await since(bench, '1.0', { branch: 'other' })).since, null, 'a branch has a past of its own');
  });

  test(`the past goes by dates; a late one compares with nothing, and moves nothing (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    await since(bench, '1.0', { date: '01' });
    const second = await since(bench, '2.0', { date: '10' });
    assert.equal(second.since, second.id);
    assert.equal((await since(bench, '1.5', { date: '05' })).since, null);
    assert.equal((await since(bench, '2.0', { date: '11' })).since, second.id);
    // Of one day: the order in which they came.
    const third = await since(bench, '3.0', { date: '11' });
    assert.equal((await since(bench, '3.0', { date: '11' })).since, third.id);
  });

  test(`the end of an analysis is told with its gate, in the unit that makes its reports (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    const { database, organization, clock } = bench;
    const { ids } = bench.deps;
    const condition = { metric: 'vulnerabilities', operator: 'GREATER_THAN', errorThreshold: '2' } as const;
    const given = { name: 'House', conditions: [condition], isDefault: true };
    await database.write((tx) => insertGate({ tx, organization, actor: 'cli', ids, clock, gate: given }));
    const gate = { name: 'House', status: 'ERROR', conditions: [{ ...condition, value: '3', status: 'ERROR' }] };
    bench.next({ content: 'a', gate });
    const properties = { 'sonar.analysis.build': '7' };
    const { id } = await bench.arrive({
      branch: 'feature/pay',
      revision: 'abc',
      date: parseTimestamp('2026-03-02T09:15:04+01:00'),
      properties,
    });
    const claim = await claimAnalysis({ database, clock, ids });
    const broken = { ...bench.deps, onRecorded: () => Promise.reject(new Error('killed')) };
    await assert.rejects(analyze(broken, claim ?? assert.fail(), never), { message: 'killed' });
    assert.deepEqual(await completed(bench), []);
    await analyze(bench.deps, claim ?? assert.fail(), never);
    assert.deepEqual(bench.jobs.at(-1)?.gate, { name: 'House', conditions: [condition], newSince: null });
    assert.deepEqual(await completed(bench), [
      {
        organization: 'acme',
        analysis: id,
        origin: 'sarif',
        serverUrl: 'https://gatepost.example.test',
        task: id,
        status: 'SUCCESS',
        analysedAt: '2026-03-02T09:15:04+01:00',
        changedAt: '2026-03-02T09:15:04+01:00',
        revision: 'abc',
        project: { key: 'shop', name: 'shop' },
        branch: { name: 'feature/pay', type: 'BRANCH', isMain: false },
        gate,
        properties,
        relayed: null,
      },
    ]);
    const row = await readAnalysis({ read: database.read, organization, id });
    assert.deepEqual(JSON.parse(row?.gate ?? ''), gate);
  });

  test(`the gate of the server an analysis comes from goes into its reports as it came, and none of ours is asked (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    const { database, clock, organization } = bench;
    const { ids } = bench.deps;
    const analysed = async (gate: GateFacts | null) => {
      const { id } = await bench.arrive();
      const brought = { kind: 'sonarqube', gate: gate === null ? null : JSON.stringify(gate) } as const;
      await database.write((tx) => tx.updateTable('analyses').set(brought).where('id', '=', id).execute());
      const claim = await claimAnalysis({ database, clock, ids });
      await analyze(bench.deps, claim ?? assert.fail(), never);
      const job = bench.jobs.at(-1);
      const row = await readAnalysis({ read: database.read, organization, id });
      return { told: job?.analysis.gate, asked: job?.gate, kept: row?.gate };
    };
    const condition = { metric: 'new_coverage', operator: 'LESS_THAN', status: 'ERROR', value: '12.5', errorThreshold: '80' };
    const gate: GateFacts = { name: 'Sonar way', status: 'ERROR', conditions: [condition] };
    assert.deepEqual(await analysed(gate), { told: gate, asked: null, kept: JSON.stringify(gate) });
    assert.deepEqual(await analysed(null), { told: null, asked: null, kept: null });
  });

  test(`an analysis that failed tells so, without a gate, once (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    const { database, organization } = bench;
    const { id } = await bench.arrive();
    const metrics = { ended() {} };
    let nudged = 0;
    const log = { info() {}, warn() {}, error() {} };
    const worker = createAnalysisWorker({
      ...bench.deps,
      make: () => Promise.reject(new GatepostError('invalid', 'sarif_truncated', 'It ends too early.')),
      log,
      metrics,
      concurrency: 1,
      recorded: () => void (nudged += 1),
      afterwards: () => Promise.resolve(),
    });
    worker.start();
    const ended = async () => (await readAnalysis({ read: database.read, organization, id }))?.status === 'failed';
    for (let tries = 0; tries < 200 && !(await ended()); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    await worker.stop(1_000);
    const told = await completed(bench);
    assert.deepEqual(
      told.map(({ analysis, status, gate, branch, task }) => ({ analysis, status, gate, branch, task })),
      [{ analysis: id, status: 'FAILED', gate: null, branch: { name: null, type: 'BRANCH', isMain: true }, task: id }],
    );
    assert.equal(nudged, 1);
  });
});
