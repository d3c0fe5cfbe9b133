import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFinding, plainTool } from '../../../test/make/findings.ts';
import type { Finding, Tool } from '../../analyses/finding.ts';
import { findingsShownMax, setAsideShownMax } from '../report.ts';
import type { CategoryResult } from '../report.ts';
import { findStandard } from '../standards/standard.ts';
import type { Evaluation } from './evaluate.ts';
import { createEvaluator, messageShownCharactersMax } from './evaluate.ts';
import type { Marks } from './known.ts';

const noMarks: Marks = { change: null, firstSeen: null };

interface Given {
  readonly type?: string;
  readonly edition?: number;
  readonly tools?: readonly Tool[];
  readonly previous?: Record<string, number> | null;
}

function evaluate(findings: Iterable<Finding>, given: Given = {}, marks: Marks = noMarks): Evaluation {
  const standard = findStandard(given.type ?? 'CWE Top 25', given.edition ?? 2025) ?? assert.fail('no such standard');
  const evaluator = createEvaluator({ standard, tools: given.tools ?? [plainTool], previousCategories: given.previous ?? null });
  for (const finding of findings) evaluator.add(finding, marks);
  return evaluator.result();
}

function category(of: Evaluation, id: string): CategoryResult {
  return of.categories.find((each) => each.id === id) ?? assert.fail(`${id} is missing`);
}

test('only exactly the CWE counts directly; those below it stand in their own column, named', () => {
  const result = evaluate([makeFinding(1, { cwes: [79] }), makeFinding(2, { cwes: [80] }), makeFinding(3, { cwes: [80, 83] })]);
  const { direct, withDescendants, descendantsFound } = category(result, 'CWE-79');
  assert.deepEqual({ direct, withDescendants }, { direct: 1, withDescendants: 3 });
  assert.deepEqual(descendantsFound, [
    { cwe: 80, count: 2 },
    { cwe: 83, count: 1 },
  ]);
  assert.equal(result.vulnerabilitiesCount, 1);
});

test('a finding that is in a category and below it counts once with descendants', () => {
  const result = evaluate([makeFinding(1, { cwes: [79, 80] })]);
  assert.equal(category(result, 'CWE-79').withDescendants, 1);
});

test('a finding below a category only is not in the report', () => {
  const result = evaluate([makeFinding(1, { cwes: [80] })], { tools: [{ ...plainTool, ruleCwes: [79] }] });
  assert.equal(result.vulnerabilitiesCount, 0);
  assert.deepEqual(result.findings, []);
  assert.equal(result.rating, 'A');
});

test('a finding in several categories counts once in the whole and once in each', () => {
  const result = evaluate([makeFinding(1, { cwes: [79, 89] })]);
  assert.equal(result.vulnerabilitiesCount, 1);
  assert.equal(result.categorySum, 2);
  assert.equal(category(result, 'CWE-79').direct, 1);
  assert.equal(category(result, 'CWE-89').direct, 1);
  assert.deepEqual(result.findings[0]?.categories, ['CWE-79', 'CWE-89']);
});

test('CWE-259 counts in two categories of OWASP 2021 and once in the whole', () => {
  const result = evaluate([makeFinding(1, { cwes: [259] })], { type: 'OWASP Top 10', edition: 2021 });
  assert.equal(category(result, 'A02').direct, 1);
  assert.equal(category(result, 'A07').direct, 1);
  assert.equal(result.vulnerabilitiesCount, 1);
  assert.equal(category(result, 'A02').withDescendants, 1, 'for OWASP both columns are equal');
});

test("the tool's own OWASP categories beat what its CWE would say", () => {
  const tagged = makeFinding(1, { cwes: [79], owasp: [{ edition: 2021, id: 'A05' }] });
  const result = evaluate([tagged], { type: 'OWASP Top 10', edition: 2021 });
  assert.equal(category(result, 'A05').direct, 1);
  assert.equal(category(result, 'A03').direct, 0);
  assert.equal(category(evaluate([tagged], { type: 'OWASP Top 10', edition: 2025 }), 'A05').direct, 1, 'by CWE in an edition without tags');
});

test('suppressed, absent and those for review are not counted, but told apart', () => {
  const result = evaluate([
    makeFinding(1, { cwes: [79], state: 'suppressed', severity: 'BLOCKER' }),
    makeFinding(2, { cwes: [79], state: 'absent', severity: 'BLOCKER' }),
    makeFinding(3, { cwes: [79], state: 'review', severity: 'BLOCKER' }),
    makeFinding(4, { cwes: [79], severity: 'MINOR' }),
  ]);
  assert.equal(result.vulnerabilitiesCount, 1);
  assert.equal(result.rating, 'B');
  assert.equal(result.projectRating, 'B');
  const { direct, withDescendants, review, suppressed, rating } = category(result, 'CWE-79');
  assert.deepEqual(
    { direct, withDescendants, review, suppressed, rating },
    { direct: 1, withDescendants: 1, review: 1, suppressed: 1, rating: 'B' },
  );
  assert.deepEqual(result.setAsideTotal, { review: 1, suppressed: 1, absent: 1 });
  assert.deepEqual(
    result.setAside.map((finding) => finding.state),
    ['review', 'suppressed', 'absent'],
  );
});

test('the rating is the worst severity, E for BLOCKER to B for MINOR', () => {
  const rated = (severity: Finding['severity']) =>
    evaluate([makeFinding(1, { cwes: [79], severity }), makeFinding(2, { cwes: [89], severity: 'INFO' })]).rating;
  assert.deepEqual((['BLOCKER', 'CRITICAL', 'MAJOR', 'MINOR'] as const).map(rated), ['E', 'D', 'C', 'B']);
});

test('INFO alone is A, and counts', () => {
  const result = evaluate([makeFinding(1, { cwes: [79], severity: 'INFO' })]);
  assert.equal(result.rating, 'A');
  assert.equal(result.vulnerabilitiesCount, 1);
  assert.deepEqual(result.openBySeverity, { BLOCKER: 0, CRITICAL: 0, MAJOR: 0, MINOR: 0, INFO: 1 });
});

test('what was not assessed has no rating and no count, never an A', () => {
  const result = evaluate([makeFinding(1, { severity: 'BLOCKER' })]);
  assert.equal(result.assessed, false);
  assert.equal(result.rating, null);
  assert.equal(result.vulnerabilitiesCount, 0);
  assert.ok(result.categories.every((each) => !each.assessed && each.rating === null));
  assert.equal(result.projectRating, 'E', 'the project has its own rating, from all findings');
  assert.equal(result.projectOpen, 1);
});

test('a tool that could have found something and did not makes an A, only where it looked', () => {
  const result = evaluate([], { tools: [{ ...plainTool, ruleCwes: [79] }] });
  assert.equal(result.assessed, true);
  assert.equal(result.rating, 'A');
  assert.equal(category(result, 'CWE-79').rating, 'A');
  assert.equal(category(result, 'CWE-89').rating, null);
});

test('a finding makes its category assessed, a suppressed one too', () => {
  const result = evaluate([makeFinding(1, { cwes: [79], state: 'suppressed' })]);
  assert.equal(category(result, 'CWE-79').rating, 'A');
  assert.equal(result.assessed, true);
});

test('no tool at all: the project has no rating either', () => {
  assert.equal(evaluate([], { tools: [] }).projectRating, null);
});

test('worst first: severity, then category, path, line, fingerprint; the same whatever order they came in', () => {
  const findings = [
    makeFinding('a', { cwes: [89], severity: 'MAJOR', place: { path: 'a.c', startLine: 9 } }),
    makeFinding('b', { cwes: [79], severity: 'MAJOR', place: { path: 'b.c', startLine: 1 } }),
    makeFinding('c', { cwes: [89], severity: 'BLOCKER', place: { path: 'z.c', startLine: 1 } }),
    makeFinding('d', { cwes: [89], severity: 'MAJOR', place: { path: 'a.c', startLine: 2 } }),
    makeFinding('e', { cwes: [89], severity: 'MAJOR', place: { path: 'a.c', startLine: 2 } }),
  ];
  const order = (list: readonly Finding[]) => evaluate(list).findings.map((finding) => finding.message);
  const [d, e] = [findings[3], findings[4]];
  const byFingerprint = (d?.fingerprint ?? '') < (e?.fingerprint ?? '') ? ['Found d', 'Found e'] : ['Found e', 'Found d'];
  const expected = ['Found c', 'Found b', ...byFingerprint, 'Found a'];
  assert.deepEqual(order(findings), expected);
  assert.deepEqual(order(findings.toReversed()), expected);
});

test(`of more than ${findingsShownMax} open findings the worst are shown, and all are counted`, () => {
  function* many(): Generator<Finding> {
    for (let index = 0; index < findingsShownMax; index += 1) yield makeFinding(index, { cwes: [79], severity: 'MINOR' });
    yield makeFinding('worst', { cwes: [79], severity: 'BLOCKER' });
  }
  const result = evaluate(many());
  assert.equal(result.findings.length, findingsShownMax);
  assert.equal(result.findingsTotal, findingsShownMax + 1);
  assert.equal(result.vulnerabilitiesCount, findingsShownMax + 1);
  assert.equal(result.findings[0]?.message, 'Found worst');
});

test(`of more than ${setAsideShownMax} set aside the first are shown, and all are counted`, () => {
  const result = evaluate(
    Array.from({ length: setAsideShownMax + 1 }, (_, index) => makeFinding(index, { cwes: [79], state: 'suppressed' })),
  );
  assert.equal(result.setAside.length, setAsideShownMax);
  assert.equal(result.setAsideTotal.suppressed, setAsideShownMax + 1);
});

test('a message is shown whole up to its limit, and cut past it, never inside a character', () => {
  const shown = (message: string) => evaluate([makeFinding(1, { cwes: [79], message })]).findings[0];
  const full = 'x'.repeat(messageShownCharactersMax);
  assert.equal(shown(full)?.message, full);
  assert.equal(shown(full)?.messageCut, undefined);
  assert.equal(shown(`${full}y`)?.message, full);
  assert.equal(shown(`${full}y`)?.messageCut, true);
  const beforeEmoji = 'x'.repeat(messageShownCharactersMax - 1);
  assert.equal(shown(`${beforeEmoji}😀`)?.message, beforeEmoji);
});

test('findings whose CWE is not meant for mapping are noted', () => {
  const result = evaluate([
    makeFinding(1, { cwes: [20] }),
    makeFinding(2, { cwes: [20, 79] }),
    makeFinding(3, { cwes: [20], state: 'suppressed' }),
  ]);
  assert.deepEqual(result.mappingNotes, [{ cwe: 20, usage: 'Discouraged', count: 2 }]);
});

test("a category stands beside the previous version's count", () => {
  assert.equal(category(evaluate([], { previous: { 'CWE-79': 4 } }), 'CWE-79').previous, 4);
  assert.equal(category(evaluate([], { previous: { 'CWE-79': 4 } }), 'CWE-89').previous, 0);
  assert.equal(category(evaluate([]), 'CWE-79').previous, null);
});
