// Severity and state of a result, by the tables of the standard and of what tools make of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { oneResult, read, readOne } from '../../../test/sarif/log.ts';
import { levelOf, severityOfScore } from './severity.ts';

test('a score falls into the band whose lowest value it reaches', () => {
  const bands: readonly (readonly [unknown, string | undefined])[] = [
    ['9.0', 'BLOCKER'],
    ['10.0', 'BLOCKER'],
    [9, 'BLOCKER'],
    ['8.9', 'CRITICAL'],
    ['7.0', 'CRITICAL'],
    ['6.9', 'MAJOR'],
    [4, 'MAJOR'],
    ['3.9', 'MINOR'],
    ['0.1', 'MINOR'],
    ['0', 'INFO'],
    [0, 'INFO'],
    ['0.0', 'INFO'],
    [' 7.5 ', 'CRITICAL'],
    ['11', 'BLOCKER'],
    ['CRITICAL', 'BLOCKER'],
    ['High', 'CRITICAL'],
    ['MEDIUM', 'MAJOR'],
    ['low', 'MINOR'],
    ['info', 'INFO'],
    ['-1', undefined],
    [-1, undefined],
    ['', undefined],
    ['high-ish', undefined],
    ['7,5', undefined],
    [Number.NaN, undefined],
    [null, undefined],
    [{}, undefined],
    ['1.2.3', undefined],
    [true, undefined],
  ];
  for (const [score, severity] of bands) assert.equal(severityOfScore(score), severity, String(score));
});

test('a level is known in any case, and nothing else is one', () => {
  assert.equal(levelOf('Error'), 'error');
  for (const other of ['high', '', 3, null, undefined, 'constructor']) assert.equal(levelOf(other), undefined);
});

const rule = (more: object) => ({ rules: [{ id: 'r', ...more }] });
const severities: readonly (readonly [string, object, object, string])[] = [
  [
    'the score of the result goes before all',
    { level: 'note', properties: { 'security-severity': '9.1' } },
    rule({ properties: { 'security-severity': '2' } }),
    'BLOCKER',
  ],
  ['the score of the rule goes before levels', { level: 'error' }, rule({ properties: { 'security-severity': '2' } }), 'MINOR'],
  ['a score in words counts too', { level: 'note' }, rule({ properties: { 'security-severity': 'MEDIUM' } }), 'MAJOR'],
  ['a score of 0 is a score', { level: 'error' }, rule({ properties: { 'security-severity': '0.0' } }), 'INFO'],
  ['a score nobody can read is none', { level: 'error' }, rule({ properties: { 'security-severity': 'n/a' } }), 'CRITICAL'],
  ['the level of the result goes before that of the rule', { level: 'note' }, rule({ defaultConfiguration: { level: 'error' } }), 'MINOR'],
  ['the level of the rule stands in for that of the result', {}, rule({ defaultConfiguration: { level: 'error' } }), 'CRITICAL'],
  ['a level nobody knows is none', { level: 'urgent' }, rule({ defaultConfiguration: { level: 'note' } }), 'MINOR'],
  ['without any level it is a warning', {}, rule({}), 'MAJOR'],
  ['without a rule it is a warning', { ruleId: undefined }, {}, 'MAJOR'],
  ['level none is INFO', { level: 'none' }, {}, 'INFO'],
  ['what does not fail has no level of its rule', { kind: 'review' }, rule({ defaultConfiguration: { level: 'error' } }), 'INFO'],
  ['what does not fail may have its own level', { kind: 'open', level: 'error' }, {}, 'CRITICAL'],
  ['what does not fail may have a score', { kind: 'open' }, rule({ properties: { 'security-severity': 8 } }), 'CRITICAL'],
];
for (const [name, result, driver, severity] of severities) {
  test(name, async () => {
    assert.equal((await readOne(oneResult({ ruleId: 'r', ...result }, driver))).severity, severity);
  });
}

const states: readonly (readonly [string, object, string])[] = [
  ['nothing said', {}, 'open'],
  ['kind fail', { kind: 'fail' }, 'open'],
  ['a kind nobody knows', { kind: 'bad' }, 'open'],
  ['kind review', { kind: 'review' }, 'review'],
  ['kind open', { kind: 'open' }, 'review'],
  ['kind pass', { kind: 'pass' }, 'ignored'],
  ['kind notApplicable', { kind: 'notApplicable' }, 'ignored'],
  ['kind informational', { kind: 'informational' }, 'ignored'],
  ['baseline new', { baselineState: 'new' }, 'open'],
  ['baseline unchanged', { baselineState: 'unchanged' }, 'open'],
  ['baseline updated', { baselineState: 'updated' }, 'open'],
  ['a baseline state nobody knows', { baselineState: 'existing' }, 'open'],
  ['baseline absent', { baselineState: 'absent' }, 'absent'],
  ['absent and suppressed', { baselineState: 'absent', suppressions: [{ kind: 'inSource' }] }, 'absent'],
  ['absent and for review', { baselineState: 'absent', kind: 'review' }, 'absent'],
  ['pass and absent', { baselineState: 'absent', kind: 'pass' }, 'ignored'],
  ['looked for suppressions, none', { suppressions: [] }, 'open'],
  ['suppressions null', { suppressions: null }, 'open'],
  ['suppressed in source', { suppressions: [{ kind: 'inSource' }] }, 'suppressed'],
  ['suppressed outside', { suppressions: [{ kind: 'external' }] }, 'suppressed'],
  ['suppressed and accepted', { suppressions: [{ kind: 'external', status: 'accepted' }] }, 'suppressed'],
  ['suppression under review', { suppressions: [{ kind: 'external', status: 'underReview' }] }, 'open'],
  ['suppression rejected', { suppressions: [{ kind: 'external', status: 'rejected' }] }, 'open'],
  [
    'one accepted, one rejected',
    {
      suppressions: [
        { kind: 'external', status: 'accepted' },
        { kind: 'external', status: 'rejected' },
      ],
    },
    'open',
  ],
  ['one without status, one under review', { suppressions: [{ kind: 'inSource' }, { kind: 'external', status: 'underReview' }] }, 'open'],
  ['a review that is suppressed', { kind: 'review', suppressions: [{ kind: 'inSource' }] }, 'suppressed'],
];
for (const [name, result, state] of states) {
  test(`state: ${name} is ${state}`, async () => {
    const { facts, findings } = await read(oneResult(result));
    assert.equal(findings[0]?.state ?? 'ignored', state);
    const expected = { results: 1, open: 0, review: 0, suppressed: 0, absent: 0, ignored: 0, withCwe: 0, [state]: 1 };
    assert.deepEqual(facts.totals, expected);
  });
}

test('a suppression is told with its status and the first justification given', async () => {
  const suppressions = [
    { kind: 'external', status: 'accepted' },
    { kind: 'inSource', justification: 'only in tests' },
  ];
  const finding = await readOne(oneResult({ suppressions }));
  assert.deepEqual(finding.suppression, { kind: 'external', status: 'accepted', justification: 'only in tests' });
  assert.equal((await readOne(oneResult({ suppressions: [{ kind: 'external', status: 'rejected' }] }))).suppression, undefined);
});
