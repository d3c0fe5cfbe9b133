import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateGate } from './evaluate.ts';
import type { Condition, GivenCondition } from './gate.ts';
import { builtInGate, checkedConditions, checkedGateName, conditionsOfGateMax, gateNameCharactersMax } from './gate.ts';
import type { GateCounts } from './metrics.ts';
import { metricNames, standardMetric, valueOf } from './metrics.ts';

// Conditions, limits and values alone, without a database.

const standards = [
  ...[2019, 2020, 2021, 2022, 2023, 2024, 2025].map((edition) => ({ type: 'CWE Top 25', edition })),
  ...[2017, 2021, 2025].map((edition) => ({ type: 'OWASP Top 10', edition })),
];
const metrics = metricNames(standards);
const nothing: GateCounts = { open: { BLOCKER: 0, CRITICAL: 0, MAJOR: 0, MINOR: 0, INFO: 0 }, toReview: 0, reviewed: 0, standards: {} };
const counts = (open: Partial<GateCounts['open']>, more: Partial<GateCounts> = {}): GateCounts => ({
  ...nothing,
  ...more,
  open: { ...nothing.open, ...open },
});
const checked = (...given: readonly GivenCondition[]) => checkedConditions(given, metrics);
const over = (metric: string, errorThreshold: string | number): GivenCondition => ({ metric, operator: 'GREATER_THAN', errorThreshold });
const under = (metric: string, errorThreshold: string): GivenCondition => ({ metric, operator: 'LESS_THAN', errorThreshold });

test('a standard is a metric by its name and edition, overall and of what is new', () => {
  assert.equal(standardMetric({ type: 'CWE Top 25', edition: 2025 }), 'cwe_top_25_2025');
  assert.ok(metrics.includes('owasp_top_10_2021') && metrics.includes('new_owasp_top_10_2021'));
  assert.equal(new Set(metrics).size, metrics.length);
});

test('values are written as SonarQube writes them', () => {
  const found = counts({ BLOCKER: 1, MAJOR: 2, INFO: 4 }, { toReview: 1, reviewed: 2, standards: { cwe_top_25_2025: 3 } });
  const values = Object.fromEntries(metrics.filter((name) => !name.startsWith('new_')).map((name) => [name, valueOf(name, found)]));
  assert.deepEqual(Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)), {
    vulnerabilities: '7',
    violations: '7',
    blocker_violations: '1',
    critical_violations: '0',
    major_violations: '2',
    minor_violations: '0',
    info_violations: '4',
    security_rating: '5',
    security_hotspots: '1',
    security_hotspots_reviewed: '66.7',
    security_review_rating: '3',
    cwe_top_25_2025: '3',
  });
});

test('ratings go by the worst open finding, and by how many hotspots were reviewed', () => {
  const ratings = (['BLOCKER', 'CRITICAL', 'MAJOR', 'MINOR', 'INFO'] as const).map((severity) =>
    valueOf('security_rating', counts({ [severity]: 1 })),
  );
  assert.deepEqual([...ratings, valueOf('security_rating', nothing)], ['5', '4', '3', '2', '1', '1']);
  const reviews = [100, 80, 79, 70, 69, 50, 49, 30, 29, 0].map((reviewed) =>
    valueOf('security_review_rating', counts({}, { reviewed, toReview: 100 - reviewed })),
  );
  assert.deepEqual(reviews, ['1', '1', '2', '2', '3', '3', '4', '4', '5', '5']);
  assert.equal(valueOf('security_review_rating', nothing), '1');
  assert.equal(valueOf('security_hotspots_reviewed', nothing), null);
  assert.equal(valueOf('security_hotspots_reviewed', counts({}, { reviewed: 9_999, toReview: 1 })), '99.9');
});

test('a condition fails beyond its threshold and not on it, whichever way it looks', () => {
  const gate = (condition: GivenCondition) => ({ name: 'g', conditions: checked(condition) });
  const status = (condition: GivenCondition, found: GateCounts) => evaluateGate(gate(condition), { overall: found, fresh: null }).status;
  assert.deepEqual(
    [2, 3, 4].map((MAJOR) => status(over('vulnerabilities', '3'), counts({ MAJOR }))),
    ['OK', 'OK', 'ERROR'],
  );
  assert.deepEqual(
    [
      [79, 21],
      [80, 20],
      [100, 0],
    ].map(([reviewed = 0, toReview = 0]) => status(under('security_hotspots_reviewed', '80'), counts({}, { reviewed, toReview }))),
    ['ERROR', 'OK', 'OK'],
  );
  // As numbers, not as texts.
  assert.equal(status(over('vulnerabilities', '9'), counts({ MAJOR: 10 })), 'ERROR');
  assert.equal(status(over('vulnerabilities', '10'), counts({ MAJOR: 9 })), 'OK');
});

test('without a previous version what is new has no value and fails nothing', () => {
  const found = counts({ BLOCKER: 3 });
  const first = evaluateGate(builtInGate, { overall: found, fresh: null });
  assert.equal(first.status, 'OK');
  assert.deepEqual(first.conditions[0], {
    metric: 'new_vulnerabilities',
    operator: 'GREATER_THAN',
    status: 'NO_VALUE',
    errorThreshold: '0',
  });
  assert.deepEqual(evaluateGate(builtInGate, { overall: found, fresh: nothing }).status, 'OK');
  assert.deepEqual(evaluateGate(builtInGate, { overall: found, fresh: counts({ MINOR: 1 }) }), {
    name: 'Gatepost way',
    status: 'ERROR',
    conditions: [
      { metric: 'new_vulnerabilities', operator: 'GREATER_THAN', value: '1', status: 'ERROR', errorThreshold: '0' },
      { metric: 'new_security_rating', operator: 'GREATER_THAN', value: '2', status: 'ERROR', errorThreshold: '1' },
    ],
  });
});

test('a gate without conditions passes', () => {
  assert.deepEqual(evaluateGate({ name: 'none', conditions: [] }, { overall: counts({ BLOCKER: 1 }), fresh: null }), {
    name: 'none',
    status: 'OK',
    conditions: [],
  });
});

test('the built-in gate keeps the rules that it holds others to', () => {
  assert.deepEqual(checked(...builtInGate.conditions), builtInGate.conditions);
});

test('thresholds that could never be passed or mean nothing are refused', () => {
  const kept: readonly GivenCondition[] = [
    over('security_rating', '1'),
    over('security_rating', '4'),
    under('new_security_rating', '2'),
    under('new_security_rating', '5'),
    over('vulnerabilities', '0'),
    over('vulnerabilities', 999_999_999),
    under('security_hotspots_reviewed', '100'),
    under('security_hotspots_reviewed', '99.95'),
  ];
  for (const condition of kept) assert.equal(checked(condition)[0]?.errorThreshold, String(condition.errorThreshold));
  const refused: readonly GivenCondition[] = [
    over('security_rating', '0'),
    over('security_rating', '5'),
    under('security_rating', '1'),
    over('security_rating', 'A'),
    over('vulnerabilities', '-1'),
    over('vulnerabilities', '1.5'),
    over('vulnerabilities', ''),
    over('vulnerabilities', '1000000000'),
    over('vulnerabilities', 1e21),
    under('security_hotspots_reviewed', '100.01'),
    under('security_hotspots_reviewed', '99.999'),
  ];
  for (const condition of refused) assert.throws(() => checked(condition), { code: 'invalid_threshold' }, JSON.stringify(condition));
  assert.equal(checked(over('vulnerabilities', '007'))[0]?.errorThreshold, '7');
});

test('a gate names no metric twice, none that is not there, and no more than it may', () => {
  assert.throws(() => checked(over('coverage', '1')), { code: 'unknown_metric' });
  assert.throws(() => checked(over('new_new_vulnerabilities', '1')), { code: 'unknown_metric' });
  assert.throws(() => checked(over('vulnerabilities', '1'), over('vulnerabilities', '2')), { code: 'duplicate_condition' });
  const many: readonly Condition[] = metrics.map((metric) => ({ metric, operator: 'GREATER_THAN', errorThreshold: '1' }));
  assert.ok(many.length > conditionsOfGateMax);
  const counted = many.filter(({ metric }) => !metric.includes('reviewed'));
  assert.equal(checked(...counted.slice(0, conditionsOfGateMax)).length, conditionsOfGateMax);
  assert.throws(() => checked(...counted.slice(0, conditionsOfGateMax + 1)), { code: 'too_many_conditions' });
});

test('names are trimmed, and refused at the edge of their length and with control characters', () => {
  assert.equal(checkedGateName('  House gate '), 'House gate');
  assert.equal(checkedGateName('x'.repeat(gateNameCharactersMax)).length, gateNameCharactersMax);
  for (const name of ['', '   ', 'x'.repeat(gateNameCharactersMax + 1), 'a\nb', 'a\0']) {
    assert.throws(() => checkedGateName(name), { code: 'invalid_name' });
  }
});
