import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFacts, makeFinding, plainTool } from '../../../test/make/findings.ts';
import type { AnalysisFacts, Finding, SonarqubeFacts } from '../../analyses/finding.ts';
import type { GateFacts } from '../../events/event.ts';
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

test('SARIF comes to the content it came to before gates and SonarQube were known', () => {
  assert.equal(base, '06e6857ab629dc1d3b41ea75663ec23e04db2bc8753643c3384f103548fa7363');
});

const sonarqube: SonarqubeFacts = {
  serverUrl: 'https://sonar.example.test',
  version: '26.9.0.129388',
  mode: 'mqr',
  analysis: 'key-1',
  versionFrom: 'analysis',
  measures: { securityRating: 'E', hotspotsToReview: 3 },
  newCode: { mode: 'PREVIOUS_VERSION', parameter: '1.0' },
  fetch: { startedAt: '2026-01-01T00:00:00Z', requests: 41 },
};
const condition = { metric: 'new_coverage', operator: 'LESS_THAN', status: 'NO_VALUE', errorThreshold: '80' };
const other = { metric: 'security_rating', operator: 'GREATER_THAN', value: '4', status: 'ERROR', errorThreshold: '1' };
const withGate = (gate: GateFacts): MakeJob => ({ ...job, analysis: { ...job.analysis, gate } });
const gated = withGate({ name: 'House gate', status: 'ERROR', conditions: [condition, other] });

function contentOfSonarqube(
  given: Partial<Given> & { readonly told?: Partial<SonarqubeFacts>; readonly notices?: AnalysisFacts['notices'] } = {},
) {
  const told = {
    ...makeFacts(),
    sonarqube: { ...sonarqube, ...given.told },
    ...(given.notices === undefined ? {} : { notices: given.notices }),
  };
  return contentOf({ findings: given.findings ?? findings, job: given.job ?? gated, facts: told });
}

test('when and how SonarQube was asked, the key of its analysis and the order of conditions are no content', () => {
  const same = contentOfSonarqube();
  assert.equal(contentOfSonarqube({ told: { fetch: { startedAt: '2027-01-01T00:00:00Z', requests: 99 } } }), same);
  assert.equal(contentOfSonarqube({ told: { analysis: 'key-2', analysisUrl: 'https://sonar.example.test/x' } }), same);
  assert.equal(contentOfSonarqube({ job: withGate({ name: 'House gate', status: 'ERROR', conditions: [other, condition] }) }), same);
  const moved = (count: number) => contentOfSonarqube({ notices: [{ code: 'total_changed_meanwhile', count }] });
  assert.equal(moved(3), moved(4));
});

test('an issue that is accepted, a gate that turns and whatever else SonarQube says differently is content', () => {
  const [first = assert.fail(), ...rest] = findings;
  const one = (more: Partial<Finding>): Partial<Given> => ({ findings: [{ ...first, ...more }, ...rest] });
  const accepted = { kind: 'external', status: 'accepted', by: 'ada', justification: 'no way in' } as const;
  const others = {
    'the gate passed': { job: withGate({ name: 'House gate', status: 'OK', conditions: [condition, other] }) },
    'a condition has another value': {
      job: withGate({ name: 'House gate', status: 'ERROR', conditions: [condition, { ...other, value: '5' }] }),
    },
    'no gate': { job },
    accepted: one({ state: 'suppressed', suppression: accepted }),
    'accepted by another': one({ state: 'suppressed', suppression: { ...accepted, by: 'ben' } }),
    'accepted on another day': one({ state: 'suppressed', suppression: { ...accepted, at: '2026-02-02' } }),
    'false positive': one({ state: 'suppressed', suppression: { ...accepted, status: 'falsePositive' } }),
    effort: one({ effortMinutes: 5 }),
    'new code': one({ isNew: true }),
    link: one({ url: 'https://sonar.example.test/issue' }),
    hotspot: one({ state: 'review', hotspot: { category: 'xss', probability: 'HIGH', status: 'TO_REVIEW' } }),
    'its own measure': { told: { measures: { securityRating: 'D', hotspotsToReview: 3 } } },
    'where the version is from': { told: { versionFrom: 'tag', versionName: 'v1' } },
    'not complete': { notices: [{ code: 'slice_not_complete', count: 4 }] },
    'less complete': { notices: [{ code: 'slice_not_complete', count: 5 }] },
  } as const satisfies Record<string, Parameters<typeof contentOfSonarqube>[0]>;
  const seen = new Set([contentOfSonarqube()]);
  for (const [what, given] of Object.entries(others)) {
    const content = contentOfSonarqube(given);
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
