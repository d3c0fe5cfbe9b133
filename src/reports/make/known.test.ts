import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFinding } from '../../../test/make/findings.ts';
import { createFingerprintTable } from './fingerprints.ts';
import type { KnownFinding } from './job.ts';
import { createHistory } from './known.ts';
import { createWorst } from './worst.ts';

const print = (seed: string | number): string => makeFinding(seed).fingerprint;

function known(seed: string, more: Partial<KnownFinding> = {}): KnownFinding {
  return {
    fingerprint: print(seed),
    state: 'open',
    firstSeen: 1_000,
    firstSeenAnalysis: 'first',
    stateAnalysis: 'first',
    severity: 'MAJOR',
    cwes: [79],
    owasp: [],
    ...more,
  };
}

test('a finding is new, still there, or reopened', () => {
  const history = createHistory({ known: [known('old'), known('was-fixed', { state: 'fixed' })], analysis: 'second', late: false });
  assert.deepEqual(history.meet(print('never-seen'), 'open'), { change: 'new', firstSeen: null, first: true, fresh: false });
  assert.deepEqual(history.meet(print('old'), 'open'), { change: 'still', firstSeen: 1_000, first: true, fresh: false });
  assert.deepEqual(history.meet(print('was-fixed'), 'open'), { change: 'reopened', firstSeen: 1_000, first: true, fresh: false });
  assert.equal(history.hasPast, true);
});

test('what is not met any more is gone, what was fixed before is past', () => {
  const past = known('long-fixed', { state: 'fixed' });
  const [open, suppressed] = [known('open'), known('suppressed', { state: 'suppressed' })];
  const history = createHistory({ known: [open, suppressed, past], analysis: 'second', late: false });
  history.meet(print('open'), 'open');
  assert.deepEqual([open, suppressed, past].map(history.fate), ['there', 'gone', 'past']);
});

test('an absent finding is gone', () => {
  const history = createHistory({ known: [known('a')], analysis: 'second', late: false });
  assert.deepEqual(history.meet(print('a'), 'absent'), { change: null, firstSeen: 1_000, first: false, fresh: false });
  assert.equal(history.fate(known('a')), 'gone');
});

test('a repeated run comes to the same although its own first run has been written down', () => {
  const before = [known('stays'), known('goes'), known('comes-back', { state: 'fixed' }), known('long-gone', { state: 'fixed' })];
  const mine = { firstSeenAnalysis: 'second', stateAnalysis: 'second' };
  const after = [
    known('stays'),
    known('goes', { state: 'fixed', stateAnalysis: 'second' }),
    known('comes-back', { stateAnalysis: 'second' }),
    known('long-gone', { state: 'fixed' }),
    known('appears', { ...mine, firstSeen: 2_000 }),
  ];
  const run = (list: readonly KnownFinding[]) => {
    const history = createHistory({ known: list, analysis: 'second', late: false });
    const met = ['stays', 'comes-back', 'appears'].map((seed) => history.meet(print(seed), 'open'));
    const gone = list.filter((each) => ['gone', 'already'].includes(history.fate(each))).map((each) => each.fingerprint);
    return { met, gone, hasPast: history.hasPast };
  };
  assert.deepEqual(run(after), run(before));
  assert.deepEqual(
    run(before).met.map((marks) => marks.change),
    ['still', 'reopened', 'new'],
  );
});

test('the first analysis of a branch has no past, also when it is run again', () => {
  const own = known('a', { firstSeenAnalysis: 'first', stateAnalysis: 'first' });
  assert.equal(createHistory({ known: [], analysis: 'first', late: false }).hasPast, false);
  assert.equal(createHistory({ known: [own], analysis: 'first', late: false }).hasPast, false);
});

test('an analysis that came late says nothing of changes', () => {
  const history = createHistory({ known: [known('a')], analysis: 'second', late: true });
  assert.deepEqual(history.meet(print('a'), 'open'), { change: null, firstSeen: null, first: true, fresh: false });
  assert.deepEqual(history.meet(print('b'), 'open'), { change: null, firstSeen: null, first: true, fresh: false });
});

test('since an analysis is new what came or came back by it or later; without one nothing is', () => {
  const list = [
    known('before', { stateAnalysis: '1' }),
    known('by-it', { firstSeenAnalysis: '2', stateAnalysis: '2' }),
    known('later', { firstSeenAnalysis: '3', stateAnalysis: '3' }),
    known('came-back-later', { firstSeenAnalysis: '1', stateAnalysis: '3' }),
    known('comes-back-now', { state: 'fixed', stateAnalysis: '1' }),
  ];
  const fresh = (options: { readonly newSince: string | null; readonly late?: boolean }) => {
    const history = createHistory({ known: list, analysis: '4', late: false, ...options });
    const met = ['before', 'by-it', 'later', 'came-back-later', 'comes-back-now', 'never-seen'];
    return met.filter((seed) => history.meet(print(seed), 'open').fresh);
  };
  assert.deepEqual(fresh({ newSince: '2' }), ['by-it', 'later', 'came-back-later', 'comes-back-now', 'never-seen']);
  assert.deepEqual(fresh({ newSince: '4' }), ['comes-back-now', 'never-seen']);
  assert.deepEqual(fresh({ newSince: null }), []);
  assert.deepEqual(fresh({ newSince: '2', late: true }), []);
});

test('a fingerprint that comes twice is there once', () => {
  const history = createHistory({ known: [], analysis: 'first', late: false });
  assert.equal(history.meet(print('a'), 'open').first, true);
  assert.equal(history.meet(print('a'), 'open').first, false);
});

test('the table of fingerprints numbers them as they come, over all its growing', () => {
  const table = createFingerprintTable();
  const prints = Array.from({ length: 50_000 }, (_, index) => print(index));
  assert.deepEqual(
    prints.map((each) => table.add(each)),
    prints.map((_, index) => index),
  );
  assert.ok(prints.every((each, index) => table.find(each) === index && table.add(each) === index));
  assert.equal(table.size, prints.length);
  assert.equal(table.find(print('other')), -1);
  assert.throws(() => table.add('short'), TypeError);
  assert.throws(() => table.add('z'.repeat(32)), TypeError);
});

test('the worst are kept whatever order they come in', () => {
  const numbers = Array.from({ length: 1_000 }, (_, index) => (index * 7_919) % 1_000);
  for (const list of [numbers, numbers.toSorted((a, b) => a - b), numbers.toSorted((a, b) => b - a)]) {
    const worst = createWorst<number>(10, (a, b) => a - b);
    for (const number of list) worst.add(number);
    assert.deepEqual(worst.sorted(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(worst.total, 1_000);
  }
});
