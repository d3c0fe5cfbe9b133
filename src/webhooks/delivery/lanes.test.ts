import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLanes } from './lanes.ts';

const sizes = { healthy: 4, again: 2, trial: 3, slow: 1, asked: 1 };

test('retries and replays take a part of the healthy lane and no more, first attempts always find room', () => {
  const lanes = createLanes(sizes);
  lanes.take('again');
  lanes.take('again');
  assert.deepEqual([lanes.room('again'), lanes.room('healthy')], [0, 2]);
  lanes.take('healthy');
  lanes.take('healthy');
  assert.equal(lanes.room('healthy'), 0);
  lanes.free('again');
  assert.deepEqual([lanes.room('again'), lanes.room('healthy')], [1, 1]);
});

test('what hangs gives its place back and closes the slow lane, even beyond its size', () => {
  const lanes = createLanes(sizes);
  for (let n = 0; n < 4; n += 1) lanes.take('healthy');
  for (let n = 0; n < 4; n += 1) lanes.moveToSlow('healthy');
  assert.deepEqual([lanes.room('healthy'), lanes.room('slow')], [4, -3]);
  for (let n = 0; n < 4; n += 1) lanes.free('slow');
  assert.equal(lanes.room('slow'), 1);
});

test('a lane at its edge: the last place is given, one more is not', () => {
  const lanes = createLanes(sizes);
  for (let n = 0; n < 3; n += 1) {
    assert.ok(lanes.room('trial') > 0);
    lanes.take('trial');
  }
  assert.equal(lanes.room('trial'), 0);
  assert.equal(lanes.room('asked'), 1);
});
