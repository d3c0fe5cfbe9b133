import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSlots, inFlightMax, inFlightOfWebhookMax, retriesInFlightMax } from './slots.ts';

test('a webhook takes so many slots and not one more, and is left out of the claim when it has them', () => {
  const slots = createSlots();
  for (let n = 0; n < inFlightOfWebhookMax; n += 1) {
    assert.deepEqual(slots.full(), []);
    slots.take('a', 'first');
  }
  assert.equal(slots.roomOf('a'), 0);
  assert.deepEqual(slots.full(), ['a']);
  assert.equal(slots.roomOf('b'), inFlightOfWebhookMax);
  slots.free('a', 'first', true);
  assert.equal(slots.roomOf('a'), 1);
});

test('one that failed is probed by a single delivery until one succeeds', () => {
  const slots = createSlots();
  slots.take('a', 'first');
  slots.free('a', 'first', false);
  assert.equal(slots.roomOf('a'), 1);
  slots.take('a', 'retry');
  assert.equal(slots.roomOf('a'), 0);
  slots.free('a', 'retry', true);
  assert.equal(slots.roomOf('a'), inFlightOfWebhookMax);
});

test('retries never take all slots, first attempts may', () => {
  const slots = createSlots();
  for (let n = 0; n < retriesInFlightMax; n += 1) slots.take(`w${n}`, 'retry');
  assert.equal(slots.roomIn('retry'), 0);
  assert.equal(slots.roomIn('first'), inFlightMax - retriesInFlightMax);
  for (let n = 0; n < inFlightMax - retriesInFlightMax; n += 1) slots.take(`v${n}`, 'first');
  assert.equal(slots.roomIn('first'), 0);
});
