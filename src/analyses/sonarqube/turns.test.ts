import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestClock } from '../../../test/http.ts';
import { GatepostError } from '../../errors.ts';
import { sourceFault } from './client/fault.ts';
import type { Tried } from './fetch-verdict.ts';
import { FetchLost, judgeFetch, mistakesMax, unavailableMs, waitAfter, waitMsMax } from './fetch-verdict.ts';
import { createSourceTurns } from './turns.ts';

const turnsOf = (clock = createTestClock()) => createSourceTurns({ clock, perSource: 2, troubledMax: 2, firstWaitMs: 100 });

test('a source that is well gets as many fetches as it may have', () => {
  const turns = turnsOf();
  turns.began('a');
  assert.deepEqual(turns.passedOver(), []);
  turns.began('a');
  assert.deepEqual(turns.passedOver(), ['a']);
  turns.ended('a');
  assert.deepEqual(turns.passedOver(), []);
});

test('one that failed rests, longer with each failure in a row, and is then tried with one fetch at a time', () => {
  const clock = createTestClock();
  const turns = turnsOf(clock);
  for (const wait of [100, 200, 400]) {
    turns.failed('a');
    // What was under way with it met the same fault.
    turns.failed('a');
    clock.ms += wait - 1;
    assert.deepEqual(turns.passedOver(), ['a']);
    clock.ms += 1;
    assert.deepEqual(turns.passedOver(), []);
  }
  turns.began('a');
  assert.deepEqual(turns.passedOver(), ['a']);
  turns.succeeded('a');
  assert.deepEqual(turns.passedOver(), []);
});

test('those that are not well share a few fetches, so that many that hang leave room for the others', () => {
  const clock = createTestClock();
  const turns = turnsOf(clock);
  for (const source of ['a', 'b', 'c']) turns.failed(source);
  clock.ms += 1_000;
  turns.began('a');
  turns.began('b');
  turns.began('well');
  assert.deepEqual([...turns.passedOver()].toSorted(), ['a', 'b', 'c']);
});

const tried: Tried = { stopping: false, attempts: 0, crashes: 0, ageMs: 0, firstWaitMs: 5_000, forMs: 1_000_000 };
const fault = (code: Parameters<typeof sourceFault>[0]) => sourceFault(code, { path: 'api/x' });

test('the wait doubles, up to a quarter of an hour', () => {
  assert.deepEqual(
    [0, 1, 2, 7, 8, 1_000].map((attempts) => waitAfter(attempts, 5_000)),
    [5_000, 10_000, 20_000, 640_000, waitMsMax, waitMsMax],
  );
});

test('what passes is tried again until its time is over; what a person must mend waits however long', () => {
  assert.deepEqual(judgeFetch(fault('source_timeout'), { ...tried, attempts: 1 }), {
    kind: 'again',
    afterMs: 10_000,
    counts: true,
    crash: false,
  });
  assert.equal(judgeFetch(fault('source_failing'), { ...tried, ageMs: tried.forMs - 1 }).kind, 'again');
  assert.equal(judgeFetch(fault('source_failing'), { ...tried, ageMs: tried.forMs }).kind, 'failed');
  assert.equal(judgeFetch(fault('source_token_refused'), { ...tried, ageMs: tried.forMs * 10 }).kind, 'again');
});

test('what is not there fails for good; a stop and a lost claim count for nothing', () => {
  const gone = new GatepostError('not_found', 'source_project_unknown', 'Gone.');
  assert.deepEqual(judgeFetch(gone, tried), { kind: 'failed', code: 'source_project_unknown', message: 'Gone.' });
  assert.deepEqual(judgeFetch(new Error('any'), { ...tried, stopping: true }), { kind: 'again', afterMs: 0, counts: false, crash: false });
  assert.equal(judgeFetch(new FetchLost(), tried).kind, 'lost');
});

test('a full disk waits; three mistakes of ours are enough', () => {
  const full = new GatepostError('storage_full', 'storage_full', 'Full.');
  assert.deepEqual(judgeFetch(full, tried), { kind: 'again', afterMs: unavailableMs, counts: false, crash: false });
  assert.equal(judgeFetch(new TypeError('ours'), { ...tried, crashes: mistakesMax - 2 }).kind, 'again');
  assert.equal(judgeFetch(new TypeError('ours'), { ...tried, crashes: mistakesMax - 1 }).kind, 'failed');
});
