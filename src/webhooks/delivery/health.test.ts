import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bounds, Failure } from './health.ts';
import { createHealth, failed, inFlightOf, inFlightOfSlowMax, overdue, worked } from './health.ts';

const bounds: Bounds = { inFlightMin: 4, inFlightMax: 64, slowMs: 1_000, restMsMin: 1_000, restMsMax: 60_000 };
const unknown = { failures: 0, slow: false, proven: false, restingUntil: null };
const fails = (round: number, rest: Partial<Failure> = {}): Failure => ({
  round,
  durationMs: 5,
  timedOut: false,
  notBefore: 0,
  now: 10_000,
  ...rest,
});

test('one that never answered gets one at a time; once it answers, four, and one more with each answer, up to 64', () => {
  const health = createHealth(unknown, bounds);
  assert.equal(inFlightOf(health, 0), 1);
  worked(health, 5, bounds);
  assert.equal(inFlightOf(health, 0), 4);
  for (let n = 0; n < 59; n += 1) worked(health, 5, bounds);
  assert.equal(inFlightOf(health, 0), 63);
  for (let n = 0; n < 100; n += 1) worked(health, 5, bounds);
  assert.equal(inFlightOf(health, 0), 64);
});

test('one failure falls to a single probe, the second running rests it, longer each time and no longer than the most', () => {
  const health = createHealth({ ...unknown, proven: true }, bounds);
  failed(health, fails(health.round), bounds);
  assert.deepEqual([health.standing, inFlightOf(health, 10_000)], ['probing', 1]);
  const rests: number[] = [];
  for (let n = 0; n < 9; n += 1) {
    failed(health, fails(health.round, { now: health.restUntil }), bounds);
    assert.equal(health.standing, 'resting');
    rests.push(inFlightOf(health, health.restUntil - 1), inFlightOf(health, health.restUntil));
  }
  assert.deepEqual(new Set(rests.filter((_, index) => index % 2 === 0)), new Set([0]));
  assert.deepEqual(new Set(rests.filter((_, index) => index % 2 === 1)), new Set([1]));
  const before = health.restUntil;
  failed(health, fails(health.round, { now: before }), bounds);
  assert.equal(health.restUntil - before, bounds.restMsMax);
  worked(health, 5, bounds);
  assert.deepEqual([health.standing, health.failures, inFlightOf(health, before)], ['healthy', 0, 4]);
});

test('attempts that were under way together count as one failure', () => {
  const health = createHealth({ ...unknown, proven: true }, bounds);
  const { round } = health;
  for (let n = 0; n < 64; n += 1) failed(health, fails(round), bounds);
  assert.deepEqual([health.failures, health.standing], [1, 'probing']);
});

test('a timeout, a slow answer, and one that is overdue make it slow; a quick answer makes it quick again', () => {
  const health = createHealth({ ...unknown, proven: true }, bounds);
  failed(health, fails(0, { timedOut: true }), bounds);
  assert.ok(health.slow);
  worked(health, 5, bounds);
  assert.ok(!health.slow);
  worked(health, bounds.slowMs + 1, bounds);
  assert.ok(health.slow);
  for (let n = 0; n < 10; n += 1) worked(health, bounds.slowMs + 1, bounds);
  assert.equal(inFlightOf(health, 0), inFlightOfSlowMax);
  worked(health, bounds.slowMs, bounds);
  assert.ok(!health.slow);
  overdue(health);
  assert.ok(health.slow);
});

test('what the receiver asked for rests it from the first failure on, but no longer than the most', () => {
  const health = createHealth({ ...unknown, proven: true }, bounds);
  failed(health, fails(0, { notBefore: 10_000 + 30_000 }), bounds);
  assert.deepEqual([health.standing, health.restUntil], ['resting', 40_000]);
  const other = createHealth({ ...unknown, proven: true }, bounds);
  failed(other, fails(0, { notBefore: 10_000 + 86_400_000 }), bounds);
  assert.equal(other.restUntil, 10_000 + bounds.restMsMax);
});

test('what the database remembers is where a new process begins', () => {
  assert.equal(inFlightOf(createHealth({ ...unknown, proven: true }, bounds), 0), 4);
  assert.equal(inFlightOf(createHealth({ failures: 3, slow: true, proven: true, restingUntil: 500 }, bounds), 499), 0);
  assert.equal(inFlightOf(createHealth({ failures: 3, slow: true, proven: true, restingUntil: 500 }, bounds), 500), 1);
});
