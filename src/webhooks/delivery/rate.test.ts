// Attempts that begin as the rate allows, whoever asks and however often: counted in every span of the period.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Begun } from './rate.ts';
import { beginsAt, heldMsMax, rateAllows } from './rate.ts';

/** The times at which attempts begin when somebody asks every few milliseconds for as many as there are. */
function begin({ count, periodMs, everyMs, forMs }: { count: number; periodMs: number; everyMs: number; forMs: number }): number[] {
  const times: number[] = [];
  let at = 0;
  for (let now = 1_000_000; now < 1_000_000 + forMs; now += everyMs) {
    const allowed = rateAllows({ count, periodMs, at, now, wanted: 1_000 });
    at = allowed.at;
    for (let n = 0; n < allowed.count; n += 1) times.push(now);
  }
  return times;
}

for (const [count, periodMs] of [
  [1, 1_000],
  [2, 1_000],
  [7, 1_000],
  [100, 1_000],
  [1_000, 1_000],
  [1, 60_000],
  [30, 60_000],
  [5_000, 60_000],
] as const) {
  test(`${count} in ${periodMs} ms: no span sees more, and nearly all of it is used`, () => {
    const times = begin({ count, periodMs, everyMs: 3, forMs: periodMs * 3 });
    let from = 0;
    for (const [index, time] of times.entries()) {
      while ((times[from] ?? 0) <= time - periodMs) from += 1;
      assert.ok(index - from + 1 <= count, `${index - from + 1} in the span that ends at ${time}`);
    }
    assert.ok(times.length >= Math.floor(count * 3 * 0.75), `${times.length} of ${count * 3}`);
  });
}

test('it says when the next may begin, and a clock that was set back closes it for two periods at most', () => {
  const first = rateAllows({ count: 1, periodMs: 1_000, at: 0, now: 50_000, wanted: 5 });
  assert.deepEqual([first.count, first.next > 51_000], [1, true]);
  assert.equal(rateAllows({ count: 1, periodMs: 1_000, at: first.at, now: first.next - 1, wanted: 1 }).count, 0);
  assert.equal(rateAllows({ count: 1, periodMs: 1_000, at: first.at, now: first.next, wanted: 1 }).count, 1);
  assert.equal(rateAllows({ count: 1, periodMs: 1_000, at: 50_000 + 3_600_000, now: 50_000, wanted: 1 }).count, 1);
});

test('an attempt that was held up on its way holds up the one that its span has no room for, and no other', () => {
  const begun: Begun = { rate: { count: 2, periodMs: 1_000 }, times: [], next: 0 };
  // Claimed half a second apart; the first took 30 ms longer to begin than the others.
  assert.deepEqual(
    [5_030, 5_505, 6_010, 6_515, 7_020].map((now) => beginsAt(begun, now)),
    [5_030, 5_505, 6_030, 6_515, 7_030],
  );
});

test('nobody is held up longer than the limit says', () => {
  const begun: Begun = { rate: { count: 1, periodMs: 60_000 }, times: [], next: 0 };
  assert.equal(beginsAt(begun, 100_000), 100_000);
  assert.equal(beginsAt(begun, 160_000 - heldMsMax), 160_000);
  assert.equal(beginsAt(begun, 220_000 - heldMsMax - 1), 219_999);
});
