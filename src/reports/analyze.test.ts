import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import type { AnalysisBench } from '../../test/analyses.ts';
import { createAnalysisBench, emptyFacts } from '../../test/analyses.ts';
import { eachDatabase } from '../../test/databases.ts';
import { knownFindings } from '../analyses/findings.ts';
import type { Claim } from '../analyses/store.ts';
import { claimAnalysis } from '../analyses/claim.ts';
import { crashesMax, leaseMs, readAnalysis, takeBackAnalyses, settleAgain, settleDone } from '../analyses/store.ts';
import { GatepostError } from '../errors.ts';
import { deleteProject } from '../projects/deletion.ts';
import { findProject } from '../projects/store.ts';
import { parseTimestamp } from '../timestamps.ts';
import { analyze } from './analyze.ts';
import { reportDeletionSteps } from './deletion.ts';
import { referencedArtifacts } from './references.ts';
import { readArtifacts, readSnapshots } from './store.ts';
import { ClaimLost, judge } from './verdict.ts';

// From a claimed analysis to standing reports, with a making of reports that says what the test wants. Rows are looked at, on both databases.

const never = new AbortController().signal;

async function claimed(bench: AnalysisBench): Promise<Claim> {
  const claim = await claimAnalysis({ database: bench.database, clock: bench.clock, ids: bench.deps.ids });
  assert.ok(claim !== null);
  return claim;
}

async function run(bench: AnalysisBench): Promise<readonly string[]> {
  return analyze(bench.deps, await claimed(bench), never);
}

const listed = (bench: AnalysisBench) =>
  bench.database.read.selectFrom('reports').selectAll().where('organization', '=', bench.organization).orderBy('id').execute();
const date = (text: string) => ({ date: parseTimestamp(text) });

eachDatabase((open, engine) => {
  test(`a pull request's findings are kept, make no listed report, and are nothing to the branch of its name (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    await bench.arrive({ branch: '45' });
    bench.next({ content: 'a', seen: ['of-the-branch'] });
    await run(bench);
    const { id } = await bench.arrive({ branch: '45' });
    await bench.database.write((tx) => tx.updateTable('analyses').set({ branch_type: 'PULL_REQUEST' }).where('id', '=', id).execute());
    bench.next({ content: 'b', seen: ['of-the-pull-request'], fixed: ['of-the-branch'] });
    const before = await bench.events();
    assert.deepEqual(await run(bench), []);
    assert.deepEqual([bench.jobs[1]?.standards, bench.jobs[1]?.late, bench.jobs[1]?.kind], [[], true, 'sarif']);
    assert.deepEqual(await bench.events(), before);
    assert.equal((await listed(bench)).length, 2);
    const done = await readAnalysis({ read: bench.database.read, organization: bench.organization, id });
    assert.deepEqual([done?.status, done?.reports], ['done', '[]']);
    assert.ok(done?.findings_sha256);
    const known = await bench.database.read.selectFrom('findings').select(['fingerprint', 'state']).execute();
    assert.deepEqual(known, [{ fingerprint: 'of-the-branch', state: 'open' }]);
    // The branch goes on from its own past, however new the pull request is.
    await bench.database.write((tx) =>
      tx
        .updateTable('analyses')
        .set({ date: bench.clock.now() + 3_600_000 })
        .where('id', '=', id)
        .execute(),
    );
    await bench.arrive({ branch: '45' });
    bench.next({ content: 'c' });
    await run(bench);
    assert.equal(bench.jobs[2]?.late, false);
  });

  test(`an analysis makes one report per standard, one event, and is done (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    const { id } = await bench.arrive();
    assert.deepEqual(await run(bench), ['ingested', 'ingested']);
    const reports = await listed(bench);
    assert.deepEqual(
      reports.map((row) => [row.type, row.edition]),
      [
        ['CWE Top 25', 2025],
        ['OWASP Top 10', 2025],
      ],
    );
    const [event, ...others] = await bench.events();
    assert.deepEqual(others, []);
    assert.equal(event?.kind, 'report.ingested');
    assert.deepEqual(event?.facts, {
      organizationId: bench.organization,
      reports: reports.map((row) => JSON.parse(row.listed) as unknown),
    });
    assert.deepEqual(Object.keys(event?.facts.reports[0] ?? {}), [
      'projectName',
      'id',
      'reportType',
      'reportVersion',
      'projectVersion',
      'date',
      'uploadDate',
      'vulnerabilitiesCount',
      'securityRating',
    ]);
    const analysis = await readAnalysis({ read: bench.database.read, organization: bench.organization, id });
    assert.equal(analysis?.status, 'done');
    assert.deepEqual(
      JSON.parse(analysis?.reports ?? ''),
      reports.map((row) => row.id),
    );
    assert.deepEqual(await readdir(bench.deps.workDirectory), []);
  });

  test(`the same input and metadata again: no snapshot, no event (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    await bench.arrive();
    await run(bench);
    const before = await listed(bench);
    await bench.arrive();
    assert.deepEqual(await run(bench), ['unchanged', 'unchanged']);
    assert.deepEqual(await listed(bench), before);
    assert.equal((await bench.events()).length, 1);
  });

  test(`other content updates the report under its id, and keeps the earlier snapshot (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    await bench.arrive({ version: 'v1.0' });
    await run(bench);
    const [before] = await listed(bench);
    bench.next({ content: 'b', count: 5 });
    await bench.arrive({ version: '1.0.0' });
    assert.deepEqual(await run(bench), ['updated', 'updated']);
    const [after] = await listed(bench);
    assert.equal(after?.id, before?.id);
    assert.ok((after?.upload_date ?? 0) > (before?.upload_date ?? 0));
    assert.equal(after?.version, '1.0.0');
    assert.equal((await bench.events())[1]?.kind, 'report.updated');
    const snapshots = await readSnapshots({ read: bench.database.read, organization: bench.organization, report: after?.id ?? '' });
    assert.deepEqual(
      snapshots.map((snapshot) => snapshot.count),
      [5, 1],
    );
  });

  test(`an analysis that comes late is kept as an earlier snapshot, without an event (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    await bench.arrive(date('2026-02-01T00:00:00Z'));
    await run(bench);
    const before = await listed(bench);
    bench.next({ content: 'older', seen: ['f'.repeat(32)] });
    await bench.arrive(date('2026-01-01T00:00:00Z'));
    assert.deepEqual(await run(bench), ['earlier', 'earlier']);
    assert.equal(bench.jobs[1]?.late, true);
    assert.deepEqual(await listed(bench), before);
    assert.equal((await bench.events()).length, 1);
    assert.deepEqual(await bench.database.read.selectFrom('findings').selectAll().execute(), []);
    await bench.arrive(date('2026-01-01T00:00:00Z'));
    assert.deepEqual(await run(bench), ['unchanged', 'unchanged']);
  });

  test(`branches and versions are reports of their own (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    for (const request of [{}, { branch: 'main' }, { version: '1.1' }, { version: '1.0+build' }]) {
      await bench.arrive(request);
      assert.deepEqual(await run(bench), ['ingested', 'ingested']);
    }
    assert.equal((await listed(bench)).length, 8);
  });

  test(`a trend and the counts before come from the versions before (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    for (const [number, version] of ['1.0', '1.1', '1.2'].entries()) {
      bench.next({ content: version, count: number + 1 });
      await bench.arrive({ version });
      await run(bench);
    }
    const standard = bench.jobs[2]?.standards[0];
    assert.deepEqual(
      standard?.trend.map((point) => [point.version, point.count]),
      [
        ['1.0', 1],
        ['1.1', 2],
      ],
    );
    assert.deepEqual(standard?.previousCategories, { 'CWE-79': 2 });
  });

  test(`run again after a crash before the last unit, it comes to the same (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    const [first, second] = ['a'.repeat(32), 'b'.repeat(32)];
    bench.next({ content: '1', seen: [first] });
    await bench.arrive();
    await run(bench);
    bench.next({ content: '2', seen: [second], fixed: [first] });
    await bench.arrive();
    const broken = { ...bench.deps, onRecorded: () => Promise.reject(new Error('killed')) };
    const claim = await claimed(bench);
    await assert.rejects(analyze(broken, claim, never), { message: 'killed' });
    assert.equal((await bench.events()).length, 1);
    const known = async () => {
      const rows = [];
      for await (const row of knownFindings({
        read: bench.database.read,
        organization: bench.organization,
        project: claim.analysis.project,
        branch: '',
      }))
        rows.push(row);
      return rows;
    };
    const before = await known();
    assert.deepEqual(
      before.map((row) => [row.fingerprint, row.state, row.state_analysis === claim.analysis.id]),
      [
        [first, 'fixed', true],
        [second, 'open', true],
      ],
    );
    await takeBackAnalyses(bench.database);
    assert.deepEqual(await run(bench), ['updated', 'updated']);
    assert.deepEqual(await known(), before);
  });

  test(`two analyses of one branch are never under way at once (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    const first = await bench.arrive();
    await bench.arrive();
    const other = await bench.arrive({ branch: 'other' });
    const claims = await Promise.all(
      [1, 2, 3].map(() => claimAnalysis({ database: bench.database, clock: bench.clock, ids: bench.deps.ids })),
    );
    const held = claims.filter((claim) => claim !== null).map((claim) => claim.analysis.id);
    const more = await claimAnalysis({ database: bench.database, clock: bench.clock, ids: bench.deps.ids });
    assert.deepEqual([...held, ...(more === null ? [] : [more.analysis.id])].toSorted(), [first.id, other.id].toSorted());
  });

  test(`a claim that ran out is another's, and the late outcome is refused (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    await bench.arrive();
    const late = await claimed(bench);
    bench.clock.ms += leaseMs + 1;
    const other = await claimed(bench);
    assert.equal(other.analysis.id, late.analysis.id);
    await assert.rejects(analyze(bench.deps, late, never), ClaimLost);
    assert.deepEqual(await analyze(bench.deps, other, never), ['ingested', 'ingested']);
    const again = await bench.database.write((tx) =>
      settleDone({ tx, claim: late }, { facts: emptyFacts, findingsSha256: '', reports: [], gate: null }, bench.clock),
    );
    assert.equal(again, false);
  });

  test(`what is due later is not taken before (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    await bench.arrive();
    const claim = await claimed(bench);
    await bench.database.write((tx) => settleAgain({ tx, claim }, { due: bench.clock.now() + 5000, crashes: 1 }));
    const take = () => claimAnalysis({ database: bench.database, clock: bench.clock, ids: bench.deps.ids });
    assert.equal(await take(), null);
    bench.clock.ms += 5000;
    assert.equal((await take())?.analysis.crashes, 1);
  });

  test(`a project deleted while its analysis is under way leaves nothing behind (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    await bench.arrive();
    const { database, clock, organization } = bench;
    bench.next({
      content: 'x',
      seen: ['c'.repeat(32)],
      async meanwhile() {
        const project = await findProject({ read: database.read, organization, key: 'shop' });
        assert.ok(project !== null);
        await deleteProject({ database, steps: reportDeletionSteps, organization, project, actor: 'cli', ids: bench.deps.ids, clock });
      },
    });
    await assert.rejects(run(bench), ClaimLost);
    for (const table of ['reports', 'snapshots', 'snapshot_artifacts', 'findings', 'analyses', 'projects', 'events'] as const) {
      assert.deepEqual(await database.read.selectFrom(table).selectAll().execute(), [], table);
    }
  });

  test(`what a report, an analysis or its findings point to is kept by the sweep (${engine})`, async (t) => {
    const bench = await createAnalysisBench(t, await open(t));
    const { id } = await bench.arrive();
    await run(bench);
    const { read } = bench.database;
    const analysis = await readAnalysis({ read, organization: bench.organization, id });
    const [report] = await listed(bench);
    const files = await readArtifacts({ read, organization: bench.organization, snapshot: report?.snapshot ?? '' });
    const pointed = [analysis?.body_sha256 ?? '', analysis?.findings_sha256 ?? '', ...files.map((file) => file.sha256)];
    assert.deepEqual(
      [...(await referencedArtifacts(read, bench.organization, [...pointed, 'd'.repeat(64)]))].toSorted(),
      [...new Set(pointed)].toSorted(),
    );
    assert.deepEqual(await referencedArtifacts(read, '00000000-0000-4000-8000-000000000009', pointed), new Set());
  });
});

test('bad input fails at once, with its place', () => {
  const error = new GatepostError('invalid', 'sarif_truncated', 'It ends too early.', { details: { offset: 7 } });
  assert.deepEqual(judge(error, { stopping: false, crashes: 0, crashesMax }), {
    kind: 'failed',
    code: 'sarif_truncated',
    message: 'It ends too early.',
    place: { offset: 7 },
  });
});

test('what brings the worker down three times has failed, with the reason', () => {
  const lost = new GatepostError('internal', 'worker_lost', 'The child needed more than 450 MB.');
  const verdicts = [0, 1, 2].map((crashes) => judge(lost, { stopping: false, crashes, crashesMax }));
  assert.deepEqual(
    verdicts.map((verdict) => verdict.kind),
    ['again', 'again', 'failed'],
  );
  assert.ok(verdicts[2]?.kind === 'failed' && verdicts[2].code === 'worker_lost' && verdicts[2].message.includes('450 MB'));
});

test('a full disk and a server that stops count as no crash', () => {
  const full = new GatepostError('storage_full', 'storage_full', 'No room.');
  assert.deepEqual(judge(full, { stopping: false, crashes: 2, crashesMax }), { kind: 'again', afterMs: 15_000, crash: false });
  assert.deepEqual(judge(new Error('killed'), { stopping: true, crashes: 2, crashesMax }), { kind: 'again', afterMs: 0, crash: false });
});
