import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTimetable } from './timetable.ts';

test('what is due comes out in the order of its time, whatever the order it went in', () => {
  const timetable = createTimetable<number>();
  const times = Array.from({ length: 1_000 }, (_, index) => (index * 7_919) % 1_009);
  for (const at of times) timetable.add(at, at);
  assert.equal(timetable.next(), 0);
  assert.deepEqual(
    timetable.due(500),
    times.filter((at) => at <= 500).toSorted((one, other) => one - other),
  );
  assert.ok((timetable.next() ?? 0) > 500);
  assert.equal(timetable.due(2_000).length, times.filter((at) => at > 500).length);
  assert.equal(timetable.next(), null);
  assert.deepEqual(timetable.due(9_999), []);
});
