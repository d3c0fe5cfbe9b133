import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleDocument } from '../../../test/pdf/document.ts';
import { sampleGate, sonarqubeDocument } from '../../../test/pdf/sonarqube.ts';
import type { ReportDocument, ReportedFinding } from '../report.ts';
import { decisionsText, reasonText, smallPrint, stateText } from './entries.ts';
import { hotspotCategoryNames } from './hotspot-categories.ts';
import { textsOf } from './messages.ts';
import { originOf } from './origin.ts';
import { detailsOf, gateOf, hotspotsOf, metricName, shareReviewed } from './quality.ts';
import { coverageOf, headOf, noFindingsText, rowsListedMax, verdictOf } from './sections.ts';
import type { Section } from './sections.ts';
import { durationText, hotspotText } from './words.ts';

// What the sections say is read as the words they are given, in English, before it is laid out.
const texts = textsOf('en');
const sectionOf = (document: ReportDocument): Section => ({ document: headOf(document), texts: textsOf(document.language) });
const section = sectionOf(sonarqubeDocument({ findings: 20, conditions: 10 }));

test('conditions stand as they came: without a value, passed although the value breaks the threshold, of unknown metrics', () => {
  const rows = gateOf(section)?.rows.map((row) => [row.metric, row.failsWhen, row.value, row.status, row.failed]);
  assert.deepEqual(rows?.slice(0, 8), [
    ['Coverage on new code', 'less than 80%', 'no value', 'No value', false],
    ['Security rating on new code', 'worse than A', 'D', 'Failed', true],
    ['Security hotspots reviewed on new code', 'less than 100%', 'no value', 'Passed', false],
    ['Duplicated lines on new code', 'greater than 3%', '0.43%', 'Passed', false],
    ['Security issues', 'greater than 0', '114', 'Failed', true],
    ['Technical debt on new code', 'greater than 48 h 0 min', '7 h 10 min', 'Warning', false],
    ['house_own_metric', 'not equal to pending', 'agreed', 'Passed', false],
    ['Coverage', 'less than 80%', '0.0%', 'Passed', false],
  ]);
});

test('words that nobody knows stay as they came, also those that are names of other things', () => {
  const condition = { metric: 'new', operator: 'title', value: 'x', status: 'note', errorThreshold: 'y' };
  const odd = [
    condition,
    { ...condition, metric: 'toString', operator: 'GREATER_THAN', status: 'caption' },
    { ...condition, metric: 'a_rating', operator: 'LESS_THAN', value: '9', errorThreshold: '2.5' },
  ];
  const document = { ...sonarqubeDocument(), gate: { name: '', status: 'line', conditions: odd } };
  const gate = gateOf(sectionOf(document)) ?? assert.fail();
  assert.deepEqual([gate.line, gate.statusText], ['Quality gate: –', 'line']);
  assert.deepEqual(
    gate.rows.map((row) => [row.metric, row.failsWhen, row.value, row.status]),
    [
      ['new', 'title y', 'x', 'note'],
      ['toString', 'greater than y', 'x', 'caption'],
      ['a_rating', 'better than 2.5', '9', 'note'],
    ],
  );
});

test('a gate without conditions says so, one with more than the list shows says how many, and none is no section', () => {
  const gateWith = (count: number) => gateOf(sectionOf({ ...sonarqubeDocument(), gate: sampleGate(count, 'OK') }));
  assert.deepEqual(gateWith(0)?.notes, ['This quality gate has no conditions.']);
  assert.equal(gateWith(30)?.rows.length, 30);
  assert.equal(gateWith(rowsListedMax + 3)?.rows.length, rowsListedMax);
  assert.equal(gateWith(rowsListedMax + 3)?.notes.at(-1), 'And 3 more, not shown here.');
  const sarif = sectionOf(sampleDocument());
  assert.deepEqual(
    [gateOf(sarif), hotspotsOf(sarif), detailsOf(sarif), originOf(sarif), decisionsText(sarif)],
    [null, null, null, null, null],
  );
});

test('metrics of our own gates are named too', () => {
  assert.equal(metricName(texts, 'new_cwe_top_25_2025'), 'CWE Top 25 2025 on new code');
  assert.equal(metricName(texts, 'owasp_top_10_2021'), 'OWASP Top 10 2021');
  assert.equal(metricName(texts, 'minor_violations'), 'Minor issues');
});

test('hotspots that could not be read have no rating and no count', () => {
  const poor = sectionOf(sonarqubeDocument({ poor: true }));
  const hotspots = hotspotsOf(poor) ?? assert.fail();
  assert.deepEqual([hotspots.known, hotspots.rating, hotspots.countText, hotspots.rows], [false, null, '', []]);
  assert.match(hotspots.notes.join(' '), /could not be read/);
  assert.deepEqual(detailsOf(poor)?.newCode, []);
  assert.match(detailsOf(poor)?.notes.join(' ') ?? '', /in new code is not known/);
  assert.equal(
    originOf(poor)?.facts.find((fact) => fact.label === 'Project version taken from')?.value,
    'the revision’s tag v1.4.0, since the analysis has none',
  );
});

test('a share is rounded down, so that no band looks reached that is not', () => {
  assert.equal(shareReviewed(texts, { reviewed: 7_999, toReview: 2_001, rating: 'B' }), '79.9%');
  assert.equal(shareReviewed(texts, { reviewed: 4, toReview: 1, rating: 'A' }), '80%');
  assert.equal(shareReviewed(texts, { reviewed: 0, toReview: 0, rating: 'A' }), '–');
});

test('SonarQube’s own measures and ours stand side by side, and what neither knows is left out', () => {
  const measures = originOf(section)?.measures ?? [];
  assert.deepEqual(
    measures.find(([label]) => label === 'Security issues'),
    ['Security issues', '114', '20'],
  );
  assert.deepEqual(
    measures.find(([label]) => label === 'Security hotspots reviewed'),
    ['Security hotspots reviewed', '40.0%', '33.3%'],
  );
  const poor = originOf(sectionOf(sonarqubeDocument({ poor: true })))?.measures ?? [];
  assert.equal(
    poor.some(([label]) => label === 'Lines of code'),
    false,
  );
});

test('a report with findings missing says so and not that it is complete', () => {
  const notes = coverageOf(sectionOf(sonarqubeDocument({ poor: true }))).notes.join(' ');
  assert.match(notes, /Incomplete: .* could not be fetched are missing here: 431\./);
  assert.doesNotMatch(notes, /Nothing was left out/);
  assert.match(coverageOf(section).notes.join(' '), /Nothing was left out/);
  assert.match(coverageOf(section).notes.join(' '), /not about security, and are no part of this report: 2,310/);
});

test('where only rules that found something are known, a clean report does not say that nothing could have been found', () => {
  const known = { rules: { seen: 0, withoutStandards: 0 } };
  const clean = sectionOf(sonarqubeDocument({ notAssessed: true, facts: known }));
  assert.match(verdictOf(clean).rule, /which of its rules were active is not known/);
  assert.match(noFindingsText(clean), /which of its rules were active is not known/);
  assert.match(coverageOf(clean).notes.join(' '), /Which rules were active in SonarQube is not known here/);
  const told = sectionOf(sonarqubeDocument({ notAssessed: true, facts: { rules: { ...known.rules, active: 300 } } }));
  assert.match(verdictOf(told).rule, /No tool or rule of this analysis could have found anything/);
  assert.doesNotMatch(coverageOf(told).notes.join(' '), /Which rules were active/);
  assert.match(coverageOf(told).notes.join(' '), /rules were active is known: 300 about security/);
});

test('who decided, when and why is said as far as it is known', () => {
  const [finding = assert.fail()] = sonarqubeDocument().findings;
  const aside = (suppression: ReportedFinding['suppression']): ReportedFinding => ({
    ...finding,
    state: 'suppressed',
    ...(suppression === undefined ? {} : { suppression }),
  });
  const whole = aside({ kind: 'external', status: 'falsePositive', by: 'Ada', at: '2026-03-02T09:15:04+0100', justification: 'A test.' });
  assert.equal(reasonText(texts, whole), 'false positive, by Ada, 2026-03-02: A test.');
  assert.equal(reasonText(texts, aside({ kind: 'external', status: 'falsePositive' })), 'false positive: no justification given');
  assert.equal(reasonText(texts, aside({ kind: 'inSource', status: 'accepted' })), 'accepted, in the source code: no justification given');
  assert.deepEqual(
    [stateText(section, whole), stateText(section, aside({ kind: 'external', status: 'accepted' }))],
    ['False positive', 'Accepted'],
  );
  assert.match(smallPrint(texts, { ...finding, effortMinutes: 65, isNew: true }), /in new code · Effort 1 h 5 min/);
});

test('durations and hotspots in words; categories of SonarQube that are new stand as they came', () => {
  assert.deepEqual(
    [0, 59, 60, 1_441].map((minutes) => durationText(texts, minutes)),
    ['0 min', '59 min', '1 h 0 min', '24 h 1 min'],
  );
  const [finding = assert.fail()] = sonarqubeDocument().findings;
  const words = (category: string, probability: string) =>
    hotspotText(texts, { ...finding, hotspot: { category, probability, status: 'REVIEWED', resolution: 'SAFE' } });
  assert.equal(words('sql-injection', 'HIGH'), 'SQL injection, probability: High, safe');
  const odd = { category: 'x', probability: 'probability', status: 'REVIEWED', resolution: 'probability' } as const;
  assert.equal(hotspotText(texts, { ...finding, hotspot: odd }), 'x, probability: probability, probability');
  assert.equal(words('constructor', 'EXTREME'), 'constructor, probability: EXTREME, safe');
  assert.equal(Object.keys(hotspotCategoryNames).length, 25);
});
