import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Slots } from './slots.ts';
import { createSlots } from './slots.ts';

const open = (more: Partial<Parameters<typeof createSlots>[0]> = {}): Slots =>
  createSlots({ count: 2, perShare: 2, queueMax: 3, waitMs: 5_000, ...more });

test('no more are taken than there are, and given back twice a slot is free once', async () => {
  const slots = open();
  const [first] = [await slots.take({}), await slots.take({})];
  const third = slots.take({});
  await sleep(1);
  assert.deepEqual([slots.busy(), slots.waiting()], [2, 1]);
  first?.();
  first?.();
  await third;
  assert.deepEqual([slots.busy(), slots.waiting()], [2, 0]);
});

test('who has least comes first, and none has more than its part', async () => {
  const slots = open({ count: 3, perShare: 2 });
  const held = [await slots.take({ share: 'a' }), await slots.take({ share: 'a' })];
  const order: string[] = [];
  const wait = async (share: string): Promise<() => void> => {
    const giveBack = await slots.take({ share });
    order.push(share);
    return giveBack;
  };
  const third = wait('a');
  const other = await wait('b');
  const [fourth, fifth] = [wait('c'), wait('b')];
  held[0]?.();
  await fourth;
  other();
  await fifth;
  held[1]?.();
  await third;
  assert.deepEqual(order, ['b', 'c', 'b', 'a']);
});

test('a full queue, a wait that is too long and a caller that gave up are git_busy, and leave nothing behind', async () => {
  const slots = open({ count: 1, queueMax: 1, waitMs: 30 });
  const giveBack = await slots.take({});
  const late = slots.take({});
  await assert.rejects(slots.take({}), { code: 'git_busy', kind: 'unavailable', retryAfterSeconds: 10 });
  await assert.rejects(late, { code: 'git_busy' });
  const abort = new AbortController();
  const left = slots.take({ signal: abort.signal });
  abort.abort();
  await assert.rejects(left, { code: 'git_busy' });
  assert.deepEqual([slots.busy(), slots.waiting()], [1, 0]);
  giveBack();
  assert.equal(slots.busy(), 0);
});
