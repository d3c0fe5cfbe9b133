import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestClock } from '../../../test/http.ts';
import { GatepostError } from '../../errors.ts';
import { sourceFault } from './client/fault.ts';
import type { Tried } from './fetch-verdict.ts';
import { FetchLost, judgeFetch, mistakesMax, unavailableMs, waitAfter, waitMsMax } from './fetch-verdict.ts';
import { busyMs, createSourceTurns } from './turns.ts';

const turnsOf = ({
  clock = createTestClock(),
  sources = ['a'],
}: {
  readonly clock?: ReturnType<typeof createTestClock>;
  readonly sources?: string[];
} = {}) => {
  const looks = { count: 0 };
  const look = () => {
    looks.count += 1;
    return Promise.resolve([...sources]);
  };
  return { ...createSourceTurns({ clock, look, lookEveryMs: 1_000, perSource: 2, troubledMax: 2, firstWaitMs: 100 }), looks };
};

test('a source that is well gets as many fetches as it may have', async () => {
  const turns = turnsOf();
  turns.began('a');
  assert.equal(await turns.next(), 'a');
  turns.began('a');
  assert.equal(await turns.next(), null);
  turns.ended('a');
  assert.equal(await turns.next(), 'a');
});

test('sources have their turn one after the other', async () => {
  const turns = turnsOf({ sources: ['a', 'b', 'c'] });
  const served = [];
  for (let turn = 0; turn < 5; turn += 1) served.push(await turns.next());
  assert.deepEqual(served, ['a', 'b', 'c', 'a', 'b']);
});

test('one that failed rests, longer with each failure in a row, and is then tried with one fetch at a time', async () => {
  const clock = createTestClock();
  const turns = turnsOf({ clock });
  for (const wait of [100, 200, 400]) {
    turns.failed('a');
    // What was under way with it met the same fault.
    turns.failed('a');
    clock.ms += wait - 1;
    assert.equal(await turns.next(), null);
    clock.ms += 1;
    assert.equal(await turns.next(), 'a');
  }
  turns.began('a');
  assert.equal(await turns.next(), null);
  turns.succeeded('a');
  assert.equal(await turns.next(), 'a');
});

test('those that are not well share a few fetches, so that many that hang leave room for the others', async () => {
  const clock = createTestClock();
  const turns = turnsOf({ clock, sources: ['a', 'b', 'c', 'well'] });
  for (const source of ['a', 'b', 'c']) turns.failed(source);
  clock.ms += 1_000;
  turns.began('a');
  turns.began('b');
  turns.began('well');
  assert.deepEqual([await turns.next(), await turns.next()], ['well', 'well']);
});

test('what arrives has its turn without another look; one that had nothing has none until something arrives or it is looked again', async () => {
  const clock = createTestClock();
  const turns = turnsOf({ clock, sources: [] });
  assert.equal(await turns.next(), null);
  for (let arrival = 0; arrival < 100; arrival += 1) turns.arrived('a');
  assert.equal(await turns.next(), 'a');
  turns.hadNothing('a', false);
  assert.equal(await turns.next(), null);
  turns.arrived('a');
  assert.equal(await turns.next(), 'a');
  // While it was asked.
  turns.arrived('a');
  turns.hadNothing('a', false);
  assert.equal(await turns.next(), 'a');
  assert.equal(turns.looks.count, 1);
  clock.ms += 1_000;
  assert.equal(await turns.next(), null);
  assert.equal(turns.looks.count, 2);
  turns.lookAgain();
  assert.equal(await turns.next(), null);
  assert.equal(turns.looks.count, 3);
});

test('one whose branches are all under way waits for the end of one of them, or for a moment', async () => {
  const clock = createTestClock();
  const turns = turnsOf({ clock });
  assert.equal(await turns.next(), 'a');
  turns.began('a');
  turns.hadNothing('a', true);
  turns.arrived('a');
  assert.equal(await turns.next(), null);
  clock.ms += busyMs;
  assert.equal(await turns.next(), 'a');
  turns.hadNothing('a', true);
  turns.ended('a');
  assert.equal(await turns.next(), 'a');
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
