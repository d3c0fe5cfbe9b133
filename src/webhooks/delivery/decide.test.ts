import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffJitter, decide, retryAfterMs, retryAfterMsMax, retryPolicy } from './decide.ts';

const hour = 3_600_000;
const now = Date.parse('2026-03-01T12:00:00Z');
const policy = retryPolicy('hourly', hour);
const outcome = (status: number | null, headers: Record<string, string> = {}, retryUntil = now + 120 * hour) =>
  decide({ answer: { status, headers }, attempt: 1, retryUntil, policy, now, random: 0.5 });

test('any 2xx is success, and nothing else', () => {
  for (const status of [200, 201, 202, 204, 226, 299]) assert.deepEqual(outcome(status), { state: 'delivered' }, String(status));
  for (const status of [null, 301, 302, 304, 307, 308, 400, 401, 404, 409, 429, 500, 502, 503, 599, 600, 999]) {
    assert.deepEqual(outcome(status), { state: 'pending', due: now + hour }, String(status));
  }
});

test('a failed delivery is retried every hour until its time is over, to the millisecond', () => {
  assert.deepEqual(outcome(500, {}, now + hour), { state: 'pending', due: now + hour });
  assert.deepEqual(outcome(500, {}, now + hour - 1), { state: 'exhausted', gone: false });
  assert.deepEqual(outcome(null, {}, now - 1), { state: 'exhausted', gone: false });
  assert.deepEqual(outcome(200, {}, now - 1), { state: 'delivered' });
});

test('Retry-After is a floor: it puts an attempt off and never brings it forward', () => {
  assert.deepEqual(outcome(503, { 'retry-after': '60' }), { state: 'pending', due: now + hour });
  assert.deepEqual(outcome(429, { 'retry-after': '7200' }), { state: 'pending', due: now + 2 * hour });
  assert.deepEqual(outcome(503, { 'retry-after': 'Sun, 01 Mar 2026 15:00:00 GMT' }), { state: 'pending', due: now + 3 * hour });
  assert.deepEqual(outcome(503, { 'retry-after': 'Sun, 01 Mar 2020 15:00:00 GMT' }), { state: 'pending', due: now + hour });
});

test('Retry-After is bounded, by a day and by the end of the promise, which it never brings nearer', () => {
  assert.deepEqual(outcome(503, { 'retry-after': '999999999999' }), { state: 'pending', due: now + retryAfterMsMax });
  assert.deepEqual(outcome(503, { 'retry-after': '86400' }, now + 2 * hour), { state: 'pending', due: now + 2 * hour });
});

test('a Retry-After that cannot be read counts as none', () => {
  for (const text of ['', 'soon', '-5', '1.5', '1e9', '9'.repeat(400), 'Mon', undefined]) assert.equal(retryAfterMs(text, now), null, text);
});

test('410 ends the delivery and says that the webhook is gone, whatever the policy', () => {
  for (const name of ['none', 'hourly', 'backoff'] as const) {
    const answer = { status: 410, headers: {} };
    const decided = decide({ answer, attempt: 1, retryUntil: now + hour, policy: retryPolicy(name, hour), now, random: 0 });
    assert.deepEqual(decided, { state: 'exhausted', gone: true });
  }
});

test('none does not try again', () => {
  const answer = { status: 503, headers: { 'retry-after': '1' } };
  const decided = decide({ answer, attempt: 1, retryUntil: now + hour, policy: retryPolicy('none', hour), now, random: 0 });
  assert.deepEqual(decided, { state: 'exhausted', gone: false });
});

test('backoff waits longer each time, up to six intervals, and never two alike', () => {
  const wait = (attempt: number, random: number) => {
    const answer = { status: 500, headers: {} };
    const decided = decide({ answer, attempt, retryUntil: now + 120 * hour, policy: retryPolicy('backoff', hour), now, random });
    return decided.state === 'pending' ? decided.due - now : null;
  };
  assert.deepEqual(
    [1, 2, 3, 4].map((attempt) => wait(attempt, 0.5)),
    [5_000, 15_000, 45_000, 135_000],
  );
  assert.equal(wait(9, 0.5), 6 * hour);
  assert.equal(wait(1_000_000, 0.5), 6 * hour);
  assert.equal(wait(1, 0), 5_000 * (1 - backoffJitter));
  assert.equal(wait(1, 1), 5_000 * (1 + backoffJitter));
});
