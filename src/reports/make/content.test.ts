import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFacts, makeFinding, plainTool } from '../../../test/make/findings.ts';
import type { Finding } from '../../analyses/finding.ts';
import { findStandard } from '../standards/standard.ts';
import { createContentHash } from './content.ts';
import { buildDocument, trendPointsMax } from './document.ts';
import { createEvaluator } from './evaluate.ts';
import type { MakeJob } from './job.ts';

const job: MakeJob = {
  directory: '',
  sarif: '',
  known: '',
  late: false,
  analysis: {
    id: 'analysis-1',
    version: '1.0',
    branch: 'main',
    revision: 'abc',
    dateText: '2026-01-01T00:00:00+00:00',
    contentDate: null,
    properties: { a: '1', b: '2' },
  },
  organizationName: 'Organization',
  project: { key: 'key', name: 'Name' },
  language: 'en',
  madeAt: '2026-01-02T00:00:00+00:00',
  standards: [{ type: 'CWE Top 25', edition: 2025, reportId: 'report-1', trend: [], previousCategories: null, unchangedContent: null }],
};

interface Given {
  readonly findings: readonly Finding[];
  readonly job?: MakeJob;
  readonly facts?: ReturnType<typeof makeFacts>;
  readonly change?: 'new' | 'still';
}

function contentOf(given: Given): string {
  const standard = findStandard('CWE Top 25', 2025) ?? assert.fail();
  const facts = given.facts ?? makeFacts();
  const used = given.job ?? job;
  const [report] = used.standards;
  const evaluator = createEvaluator({ standard, tools: facts.tools, previousCategories: report?.previousCategories ?? null });
  const content = createContentHash();
  for (const finding of given.findings) {
    const reported = evaluator.add(finding, { change: given.change ?? null, firstSeen: given.change === 'still' ? 5 : null });
    if (reported !== null) content.add(finding, reported.categories);
  }
  const evaluation = evaluator.result();
  const document = buildDocument({
    job: used,
    report: report ?? assert.fail(),
    standard,
    facts,
    evaluation,
    fixed: given.change === 'still' ? 3 : null,
  });
  return content.digest({ ...document, contentDate: used.analysis.contentDate });
}

const findings = Array.from({ length: 3_000 }, (_, index) => makeFinding(index, { cwes: [index % 3 === 0 ? 79 : 89] }));
const base = contentOf({ findings });

test('the content is the same in whatever order the findings come, and wherever they stand in the file', () => {
  assert.match(base, /^[0-9a-f]{64}$/);
  assert.equal(contentOf({ findings: findings.toReversed() }), base);
  assert.equal(contentOf({ findings: findings.map((finding) => ({ ...finding, pointer: '/elsewhere' })) }), base);
});

test('ids, times and comparisons with other analyses are no content', () => {
  const [report] = job.standards;
  const later: MakeJob = {
    ...job,
    madeAt: '2027-01-01T00:00:00+00:00',
    analysis: { ...job.analysis, id: 'analysis-2', dateText: '2027-01-01T00:00:00+00:00', properties: { b: '2', a: '1' } },
    standards: [
      {
        ...(report ?? assert.fail()),
        reportId: 'report-2',
        trend: [{ version: '0.9', date: '2025-01-01T00:00:00+00:00', count: 1, rating: 'E' }],
        previousCategories: { 'CWE-79': 1 },
      },
    ],
  };
  assert.equal(contentOf({ findings, job: later, change: 'still' }), base);
  assert.equal(contentOf({ findings, facts: makeFacts([plainTool], { scannedAt: '2026-02-02T00:00:00Z' }) }), base);
});

test('findings that are not in the report, but for the counts that tell of them, are no content', () => {
  assert.equal(contentOf({ findings: [...findings, makeFinding('other', { state: 'suppressed', cwes: [310] })] }), base);
});

test('everything the report says is content', () => {
  const [first = assert.fail(), ...rest] = findings;
  const analysis = (more: Partial<MakeJob['analysis']>): MakeJob => ({ ...job, analysis: { ...job.analysis, ...more } });
  const others: Record<string, Given> = {
    message: { findings: [{ ...first, message: 'another' }, ...rest] },
    'a finding less': { findings: rest },
    'a finding twice': { findings: [first, first, ...rest] },
    severity: { findings: [{ ...first, severity: 'INFO' }, ...rest] },
    state: { findings: [{ ...first, state: 'suppressed' }, ...rest] },
    place: { findings: [{ ...first, place: { path: 'other.c' } }, ...rest] },
    'a finding below a category': { findings: [...findings, makeFinding('below', { cwes: [80] })] },
    'an open finding elsewhere': { findings: [...findings, makeFinding('elsewhere')] },
    version: { findings, job: analysis({ version: '1.1' }) },
    branch: { findings, job: analysis({ branch: 'other' }) },
    revision: { findings, job: analysis({ revision: 'def' }) },
    'the date that was given': { findings, job: analysis({ contentDate: '2026-01-01T00:00:00+00:00' }) },
    properties: { findings, job: analysis({ properties: { a: '1' } }) },
    language: { findings, job: { ...job, language: 'fr' } },
    'project name': { findings, job: { ...job, project: { key: 'key', name: 'Other' } } },
    'tool version': { findings, facts: makeFacts([{ ...plainTool, version: '2.0' }]) },
    'what the tools can find': { findings, facts: makeFacts([{ ...plainTool, ruleCwes: [22] }]) },
  };
  const seen = new Set([base]);
  for (const [what, given] of Object.entries(others)) {
    const content = contentOf(given);
    assert.ok(!seen.has(content), what);
    seen.add(content);
  }
});

test(`a trend has this report last, and of more than ${trendPointsMax} points the newest`, () => {
  const points = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ version: `0.${index}`, date: '', count: index, rating: null }));
  const standard = findStandard('CWE Top 25', 2025) ?? assert.fail();
  const [report = assert.fail()] = job.standards;
  const versions = (count: number) => {
    const evaluation = createEvaluator({ standard, tools: [plainTool], previousCategories: null }).result();
    const document = buildDocument({
      job,
      report: { ...report, trend: points(count) },
      standard,
      facts: makeFacts(),
      evaluation,
      fixed: null,
    });
    return document.trend.map((point) => point.version);
  };
  assert.deepEqual(versions(0), ['1.0']);
  assert.equal(versions(trendPointsMax - 1)[0], '0.0');
  assert.deepEqual(versions(trendPointsMax), [
    ...points(trendPointsMax)
      .slice(1)
      .map((point) => point.version),
    '1.0',
  ]);
});
