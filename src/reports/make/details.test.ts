import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFacts, makeFinding, plainTool } from '../../../test/make/findings.ts';
import type { AnalysisFacts, Finding, SonarqubeFacts } from '../../analyses/finding.ts';
import { findStandard } from '../standards/standard.ts';
import { createDetailTally, detailsKnown, reviewRating } from './details.ts';
import type { Evaluation } from './evaluate.ts';
import { createEvaluator } from './evaluate.ts';

// Findings as SonarQube's are, counted by the evaluator of a whole report.
const sonarqube: SonarqubeFacts = {
  version: '26.9.0.129388',
  mode: 'mqr',
  versionFrom: 'analysis',
  measures: {},
  newCode: { mode: 'PREVIOUS_VERSION' },
};
const facts: AnalysisFacts = { ...makeFacts(), sonarqube };
const noMarks = { change: null, firstSeen: null } as const;

function evaluate(findings: readonly Finding[], of: AnalysisFacts = facts): Evaluation {
  const standard = findStandard('CWE Top 25', 2025) ?? assert.fail();
  const evaluator = createEvaluator({ standard, tools: [plainTool], previousCategories: null, details: detailsKnown(of) });
  for (const finding of findings) evaluator.add(finding, noMarks);
  return evaluator.result();
}

const hotspot = (seed: number, status: 'TO_REVIEW' | 'REVIEWED', resolution?: string): Finding =>
  makeFinding(seed, {
    cwes: [79],
    state: status === 'TO_REVIEW' ? 'review' : resolution === 'FIXED' ? 'absent' : 'suppressed',
    hotspot: { category: 'xss', probability: 'MEDIUM', status, ...(resolution === undefined ? {} : { resolution }) },
  });

test('the review rating changes at exactly 80, 70, 50 and 30 percent, and is A where there is nothing to review', () => {
  const rated = (reviewed: number, toReview: number) => reviewRating({ reviewed, toReview });
  assert.deepEqual([rated(0, 0), rated(80, 20), rated(4, 1), rated(799, 201)], ['A', 'A', 'A', 'B']);
  assert.deepEqual([rated(7, 3), rated(699, 301), rated(1, 1), rated(499, 501)], ['B', 'C', 'C', 'D']);
  assert.deepEqual([rated(3, 7), rated(299, 701), rated(0, 1)], ['D', 'E', 'E']);
});

test('reviewed hotspots count as reviewed whatever their resolution, and neither as open nor as suppressed', () => {
  const result = evaluate([
    hotspot(1, 'TO_REVIEW'),
    hotspot(2, 'REVIEWED', 'SAFE'),
    hotspot(3, 'REVIEWED', 'FIXED'),
    hotspot(4, 'REVIEWED', 'ACKNOWLEDGED'),
  ]);
  const category = result.categories.find((each) => each.id === 'CWE-79') ?? assert.fail();
  assert.deepEqual(result.details?.hotspots, { toReview: 1, reviewed: 3, rating: 'B' });
  assert.deepEqual(category.details?.hotspots, { toReview: 1, reviewed: 3, rating: 'B' });
  assert.deepEqual([category.direct, category.review, category.suppressed, category.rating], [0, 1, 0, 'A']);
  assert.deepEqual(result.hotspotCategories, [{ category: 'xss', probability: 'MEDIUM', toReview: 1, reviewed: 3 }]);
  assert.deepEqual(result.setAsideTotal, { review: 1, suppressed: 2, absent: 1 });
});

test('accepted and false positive are counted apart and are not open; what else is suppressed is neither', () => {
  const aside = (seed: number, status: string | undefined): Finding =>
    makeFinding(seed, { cwes: [79], state: 'suppressed', suppression: { kind: 'external', ...(status === undefined ? {} : { status }) } });
  const result = evaluate([aside(1, 'accepted'), aside(2, 'falsePositive'), aside(3, 'falsePositive'), aside(4, undefined)]);
  assert.deepEqual([result.details?.accepted, result.details?.falsePositive, result.vulnerabilitiesCount], [1, 2, 0]);
  assert.equal(result.categories.find((each) => each.id === 'CWE-79')?.suppressed, 4);
});

test('effort is added up over the open findings alone, once in the whole and once in each category', () => {
  const result = evaluate([
    makeFinding(1, { cwes: [79, 89], effortMinutes: 30 }),
    makeFinding(2, { cwes: [79], effortMinutes: 5 }),
    makeFinding(3, { cwes: [79] }),
    makeFinding(4, { cwes: [79], effortMinutes: 1_000, state: 'suppressed' }),
  ]);
  const effort = (id: string) => result.categories.find((each) => each.id === id)?.details?.effortMinutes;
  assert.deepEqual([result.details?.effortMinutes, result.details?.withoutEffort, effort('CWE-79'), effort('CWE-89')], [35, 1, 35, 30]);
});

test('new code is counted and rated by itself, and those of which nothing is said are told', () => {
  const result = evaluate([
    makeFinding(1, { cwes: [79], severity: 'BLOCKER', isNew: false }),
    makeFinding(2, { cwes: [79], severity: 'MINOR', isNew: true }),
    makeFinding(3, { cwes: [79], severity: 'MAJOR' }),
  ]);
  const { count, rating, unknown } = result.details?.newCode ?? assert.fail();
  assert.deepEqual({ count, rating, unknown, all: result.rating }, { count: 1, rating: 'B', unknown: 1, all: 'E' });
});

test('what could not be read is null and never zero or A', () => {
  const notices = [
    { code: 'hotspots_not_readable', count: 1 },
    { code: 'new_code_not_readable', count: 1 },
  ];
  const unread = evaluate([makeFinding(1, { cwes: [79] })], { ...facts, notices });
  assert.deepEqual([unread.details?.hotspots, unread.details?.newCode, unread.hotspotCategories], [null, null, undefined]);
  const { newCode: _none, ...without } = sonarqube;
  assert.equal(evaluate([], { ...facts, sonarqube: without }).details?.newCode, null);
  const known = { hotspots: true, newCode: true };
  assert.deepEqual(createDetailTally().result(known, false).hotspots?.rating, null);
  assert.deepEqual(createDetailTally().result(known, false).newCode?.rating, null);
});

test('a scanner that tells of none of this has none of it in its report', () => {
  assert.equal(detailsKnown(makeFacts()), null);
  const result = evaluate([makeFinding(1, { cwes: [79], effortMinutes: 5 })], makeFacts());
  assert.deepEqual(
    [result.details, result.hotspotCategories, result.categories.some((each) => 'details' in each)],
    [undefined, undefined, false],
  );
});

test('what SonarQube does not call security is in no report and in no count of one', () => {
  const result = evaluate([
    makeFinding(1, { cwes: [79], severity: 'BLOCKER', apart: true }),
    makeFinding(2, { cwes: [79], severity: 'MINOR' }),
  ]);
  assert.deepEqual([result.vulnerabilitiesCount, result.rating, result.projectOpen, result.projectRating], [1, 'B', 1, 'B']);
});
