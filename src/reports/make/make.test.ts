import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeLine } from '../../../test/make/child.ts';
import { makeFacts, makeFinding, plainTool } from '../../../test/make/findings.ts';
import type { Finding } from '../../analyses/finding.ts';
import { GatepostError } from '../../errors.ts';
import type { KnownFinding, MakeJob, MakeOutcome, StandardJob } from './job.ts';
import { makeReports } from './make.ts';

// The children are real; the reader and the renderers in them are fakes (test/make/child.ts), told by the lines of the file they read.
const program = new URL('../../../test/make/child.ts', import.meta.url);
const top25: StandardJob = {
  type: 'CWE Top 25',
  edition: 2025,
  reportId: 'report-a',
  trend: [],
  previousCategories: null,
  unchangedContent: null,
};
const top10: StandardJob = { ...top25, type: 'OWASP Top 10', reportId: 'report-b' };

function job(t: TestContext, lines: readonly FakeLine[], more: Partial<MakeJob> = {}, known: readonly KnownFinding[] = []): MakeJob {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-make-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const sarif = join(directory, 'scan.sarif');
  writeFileSync(sarif, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  writeFileSync(join(directory, 'known.ndjson'), known.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return {
    directory,
    sarif,
    known: join(directory, 'known.ndjson'),
    late: false,
    analysis: {
      id: 'this',
      version: '1.0',
      branch: 'main',
      revision: null,
      dateText: '2026-01-01T10:00:00.1234567+00:00',
      contentDate: null,
      properties: {},
    },
    organizationName: 'Organization',
    project: { key: 'key', name: 'Name' },
    language: 'en',
    madeAt: '2026-01-02T00:00:00+00:00',
    standards: [top25, top10],
    ...more,
  };
}

const findings: readonly Finding[] = [
  makeFinding(1, { cwes: [79], severity: 'BLOCKER' }),
  makeFinding(2, { cwes: [79, 89], state: 'suppressed', suppression: { kind: 'inSource', justification: 'tested' } }),
  makeFinding(3, { cwes: [310], message: 'not in the Top 25' }),
  makeFinding(4, { cwes: [22], tool: 'Other', severity: 'INFO', state: 'review', owasp: [{ edition: 2025, id: 'A02' }] }),
];
const tools = [plainTool, { ...plainTool, name: 'Other' }, { ...plainTool, name: 'Silent' }];
const usual: readonly FakeLine[] = [...findings.map((finding) => ({ finding })), { facts: makeFacts(tools) }];

function lines(path: string): unknown[] {
  const text = readFileSync(path, 'utf8');
  return text.split('\n').flatMap((line): unknown[] => (line === '' ? [] : [JSON.parse(line)]));
}

function artifact(outcome: MakeOutcome, report: number, name: string): string {
  const found = outcome.reports[report]?.artifacts.find((each) => each.name === name);
  return readFileSync(found?.path ?? assert.fail(`${name} is missing`), 'utf8');
}

async function failure(promise: Promise<unknown>): Promise<GatepostError> {
  const error: unknown = await promise.then(
    () => assert.fail('it should have failed'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof GatepostError, String(error));
  return error;
}

test('an analysis becomes a report of each standard with all its files', async (t) => {
  const outcome = await makeReports(job(t, usual), { program });
  assert.deepEqual(
    outcome.reports.map(({ type, edition, reportId, vulnerabilitiesCount, rating, assessed, unchanged }) => ({
      type,
      edition,
      reportId,
      vulnerabilitiesCount,
      rating,
      assessed,
      unchanged,
    })),
    [
      { type: 'CWE Top 25', edition: 2025, reportId: 'report-a', vulnerabilitiesCount: 1, rating: 'E', assessed: true, unchanged: false },
      { type: 'OWASP Top 10', edition: 2025, reportId: 'report-b', vulnerabilitiesCount: 1, rating: 'E', assessed: true, unchanged: false },
    ],
  );
  assert.equal(outcome.reports[0]?.categories['CWE-79'], 1);
  assert.equal(outcome.reports[0]?.categories['CWE-22'], 0);
  for (const report of outcome.reports) {
    assert.deepEqual(
      report.artifacts.map(({ name, mediaType }) => `${name} ${mediaType}`),
      [
        'report.html text/html; charset=utf-8',
        'report.pdf application/pdf',
        'findings.json application/json',
        'findings.sarif application/sarif+json',
      ],
    );
  }
  assert.match(artifact(outcome, 0, 'report.html'), /CWE Top 25 2025/);
  assert.match(artifact(outcome, 1, 'report.html'), /OWASP Top 10 2025/);
});

test('the children get none of the environment, which holds secrets', async (t) => {
  process.env.TEST_POSTGRES_URL ??= 'postgres://secret';
  const outcome = await makeReports(job(t, usual), { program });
  assert.equal(artifact(outcome, 0, 'report.pdf'), '%PDF of 1 findings, no environment');
});

test('all findings are kept, and each fingerprint once with its state', async (t) => {
  const twice = [...findings, findings[0] ?? assert.fail(), makeFinding(9, { state: 'absent', cwes: [79] })];
  const outcome = await makeReports(job(t, [...twice.map((finding) => ({ finding })), { facts: makeFacts() }]), { program });
  assert.deepEqual(lines(outcome.findings), twice);
  assert.deepEqual(
    lines(outcome.fingerprints).map((line) => (line as { state: string }).state),
    ['open', 'suppressed', 'open', 'review'],
  );
  assert.deepEqual(lines(outcome.fingerprints)[0], {
    fingerprint: makeFinding(1).fingerprint,
    rule: 'rule-1',
    severity: 'BLOCKER',
    cwes: [79],
    owasp: [],
    path: 'src/1.c',
    state: 'open',
  });
});

test('findings.json is complete: header, categories, every finding of the report whatever its state', async (t) => {
  const outcome = await makeReports(job(t, usual), { program });
  const json = JSON.parse(artifact(outcome, 0, 'findings.json')) as {
    format: string;
    report: Record<string, unknown>;
    categories: { id: string }[];
    findings: Finding[];
  };
  assert.equal(json.format, 'gatepost.findings/1');
  assert.equal(json.report.vulnerabilitiesCount, 1);
  assert.equal(json.report.contentSha256, outcome.reports[0]?.contentSha256);
  assert.equal(json.categories.length, 25);
  assert.deepEqual(
    json.findings.map((finding) => [finding.message, finding.state]),
    [
      ['Found 1', 'open'],
      ['Found 2', 'suppressed'],
      ['Found 4', 'review'],
    ],
  );
  assert.deepEqual(json.findings[0], {
    ...findings[0],
    categories: ['CWE-79'],
    firstSeen: '2026-01-01T10:00:00.123+00:00',
    change: 'new',
  });
});

test('findings.sarif holds the findings of that report, a run for each tool, an empty one for what found nothing', async (t) => {
  const outcome = await makeReports(job(t, usual), { program });
  const sarif = JSON.parse(artifact(outcome, 0, 'findings.sarif')) as {
    version: string;
    runs: {
      tool: { driver: { name: string; rules: unknown[] } };
      taxonomies: { taxa: { id: string }[] }[];
      results: Record<string, unknown>[];
    }[];
  };
  assert.equal(sarif.version, '2.1.0');
  assert.deepEqual(
    sarif.runs.map((run) => [run.tool.driver.name, run.results.length]),
    [
      ['Scanner', 2],
      ['Other', 1],
      ['Silent', 0],
    ],
  );
  const [scanner, other] = sarif.runs;
  assert.deepEqual(
    scanner?.taxonomies[0]?.taxa.map((taxon) => taxon.id),
    ['79', '89'],
  );
  assert.equal(scanner?.results[0]?.level, 'error');
  assert.deepEqual(scanner?.results[1]?.suppressions, [{ kind: 'inSource', justification: 'tested' }]);
  assert.deepEqual([other?.results[0]?.kind, other?.results[0]?.level], ['review', 'none']);
  assert.deepEqual(scanner?.tool.driver.rules, [
    {
      id: 'rule-1',
      defaultConfiguration: { level: 'error' },
      properties: { 'security-severity': '9.0', tags: ['security', 'external/cwe/cwe-79', 'external/cwe/cwe-89'] },
    },
  ]);
});

test('what is new, fixed and reopened is told against the branch, the same when the run is repeated', async (t) => {
  const base = {
    firstSeen: 1_000,
    firstSeenAnalysis: 'before',
    stateAnalysis: 'before',
    severity: 'MAJOR',
    cwes: [79],
    owasp: [],
  } as const;
  const gone = makeFinding('gone').fingerprint;
  const present = [1, 2, 3].map((seed) => ({ finding: makeFinding(seed, { cwes: [79] }) }));
  const [first = '', second = '', third = ''] = present.map((line) => line.finding.fingerprint);
  const before: KnownFinding[] = [
    { ...base, fingerprint: first, state: 'open' },
    { ...base, fingerprint: second, state: 'fixed' },
    { ...base, fingerprint: gone, state: 'open' },
    { ...base, fingerprint: makeFinding('elsewhere').fingerprint, state: 'open', cwes: [310] },
  ];
  const after: KnownFinding[] = [
    { ...base, fingerprint: first, state: 'open' },
    { ...base, fingerprint: second, state: 'open', stateAnalysis: 'this' },
    { ...base, fingerprint: third, state: 'open', firstSeenAnalysis: 'this', stateAnalysis: 'this', firstSeen: 1_767_261_600_123 },
    { ...base, fingerprint: gone, state: 'fixed', stateAnalysis: 'this' },
  ];
  const run = async (known: readonly KnownFinding[]) => {
    const outcome = await makeReports(job(t, [...present, { facts: makeFacts() }], { standards: [top25] }, known), { program });
    const json = JSON.parse(artifact(outcome, 0, 'findings.json')) as { report: { change: unknown }; findings: unknown };
    return { change: json.report.change, findings: json.findings, outcome };
  };
  const once = await run(before);
  assert.deepEqual(once.change, { new: 1, fixed: 1, still: 1, reopened: 1 });
  assert.equal(readFileSync(once.outcome.fixed, 'utf8'), `${gone}\n${makeFinding('elsewhere').fingerprint}\n`);
  const again = await run(after);
  assert.deepEqual({ change: again.change, findings: again.findings }, { change: once.change, findings: once.findings });
});

test('a late analysis, and the first of a branch, tell of no change', async (t) => {
  const known: KnownFinding = {
    fingerprint: makeFinding(7).fingerprint,
    state: 'open',
    firstSeen: 1,
    firstSeenAnalysis: 'newer',
    stateAnalysis: 'newer',
    severity: 'MAJOR',
    cwes: [79],
    owasp: [],
  };
  const late = await makeReports(job(t, usual, { late: true }, [known]), { program });
  assert.equal((JSON.parse(artifact(late, 0, 'findings.json')) as { report: { change: unknown } }).report.change, null);
  assert.equal(readFileSync(late.fixed, 'utf8'), '');
  const first = await makeReports(job(t, usual), { program });
  assert.equal((JSON.parse(artifact(first, 0, 'findings.json')) as { report: { change: unknown } }).report.change, null);
});

test('a report whose content is that of the newest snapshot is not made again', async (t) => {
  const once = await makeReports(job(t, usual), { program });
  const unchangedContent = once.reports[0]?.contentSha256 ?? null;
  const reordered = usual.toReversed();
  const again = await makeReports(job(t, reordered, { standards: [{ ...top25, unchangedContent }, top10] }), { program });
  assert.equal(again.reports[0]?.unchanged, true);
  assert.deepEqual(again.reports[0]?.artifacts, []);
  assert.equal(again.reports[0]?.vulnerabilitiesCount, 1);
  assert.equal(again.reports[1]?.unchanged, false);
  assert.match(artifact(again, 1, 'report.pdf'), /^%PDF/);
});

test('what the reader refuses comes through with its code and place', async (t) => {
  const error = await failure(makeReports(job(t, [{ refuse: { code: 'sarif_too_deep', pointer: '/runs/0' } }]), { program }));
  assert.deepEqual([error.kind, error.code, error.details], ['invalid', 'sarif_too_deep', { pointer: '/runs/0' }]);
});

test('a child that dies, needs too much memory or takes too long is told as worker_lost, with the reason', async (t) => {
  const limits = { rssBytesMax: 300 * 2 ** 20, ms: 30_000 };
  const died = await failure(makeReports(job(t, [{ misbehave: 'die' }]), { program, limits }));
  assert.deepEqual([died.kind, died.code, died.details], ['internal', 'worker_lost', { reason: 'ended' }]);
  const large = await failure(makeReports(job(t, [{ misbehave: 'allocate' }]), { program, limits }));
  assert.deepEqual([large.code, large.details], ['worker_lost', { reason: 'memory' }]);
  const slow = await failure(makeReports(job(t, [{ misbehave: 'hang' }]), { program, limits: { ...limits, ms: 500 } }));
  assert.deepEqual([slow.code, slow.details], ['worker_lost', { reason: 'time' }]);
});

test('a full disk and a mistake of ours are told apart, and no inner text goes out', async (t) => {
  const full = await failure(makeReports(job(t, [{ misbehave: 'full' }]), { program }));
  assert.deepEqual([full.kind, full.code], ['storage_full', 'storage_full']);
  const bug = await failure(makeReports(job(t, [{ misbehave: 'bug' }]), { program }));
  assert.deepEqual([bug.kind, bug.code], ['internal', 'making_failed']);
  assert.doesNotMatch(bug.message, /mistake/);
  assert.match(String(bug.cause), /A mistake of ours/);
});

/** As /proc tells the fake's `sleep 61.<our pid>`: words end with NUL. */
const orphan = ['sleep', `61.${process.pid}`, ''].join('\0');

test('an abort kills the child and what it started, and leaves no process', async (t) => {
  const controller = new AbortController();
  const running = makeReports(job(t, [{ misbehave: 'orphan' }]), { program, signal: controller.signal });
  await until(() => processes(orphan).length === 1);
  controller.abort();
  await assert.rejects(running, { name: 'AbortError' });
  await until(() => processes(orphan).length === 0);
  await assert.rejects(makeReports(job(t, usual), { program, signal: controller.signal }), { name: 'AbortError' });
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    assert.ok(tries < 400, 'it did not come to that');
    await sleep(25);
  }
}

/** Processes whose command line holds this. */
function processes(command: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(command);
    } catch {
      return false;
    }
  });
}

test('what was fetched from SonarQube is read by its own reader', async (t) => {
  const outcome = await makeReports(
    job(t, [{ refuse: { code: 'sarif_too_deep', pointer: '/runs/0' } }], { kind: 'sonarqube', standards: [] }),
    {
      program,
    },
  );
  assert.deepEqual(
    outcome.facts.tools.map((tool) => tool.name),
    ['SonarQube'],
  );
  assert.deepEqual(outcome.reports, []);
});
