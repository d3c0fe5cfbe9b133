import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Slots } from './slots.ts';
import { createSlots, roomOf } from './slots.ts';

const open = (more: Partial<Parameters<typeof createSlots>[0]> = {}): Slots =>
  createSlots({ count: 2, queueMax: 3, waitMs: 5_000, ...more });

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

test('the organization that has least comes first, then its token that has least', async () => {
  const slots = open({ count: 8, queueMax: 100 });
  const held = await Promise.all(Array.from({ length: 8 }, () => slots.take({})));
  const order: string[] = [];
  const wait = async (organization: string, token: string): Promise<void> => {
    await slots.take({ shares: [organization, token] });
    order.push(organization + token);
  };
  const waiting = [wait('a', '1'), wait('a', '1'), wait('a', '2'), wait('b', '1')];
  for (const giveBack of held) {
    giveBack();
    await sleep(1);
  }
  await Promise.all(waiting);
  assert.deepEqual(order, ['a1', 'b1', 'a2', 'a1']);
});

test('none holds all, however many tokens it asks by: other organizations and other tokens find a place, in the queue too', async () => {
  const slots = open({ count: 32, queueMax: 256 });
  const asked = (organization: string, token: string, times: number) =>
    Array.from({ length: times }, () => slots.take({ shares: [organization, token] }).catch(() => null));
  void [...asked('a', '1', 100), ...asked('a', '2', 100)];
  await sleep(1);
  assert.equal(slots.busy(), 22);
  await slots.take({ shares: ['a', '3'] });
  void asked('b', '1', 300);
  await sleep(1);
  assert.ok(slots.busy() < 32 && slots.waiting() < 256, `${slots.busy()} ${slots.waiting()}`);
  await slots.take({ shares: ['c', '1'] });
  assert.ok(slots.busy() < 32);
});

test('one alone has three quarters, and who has none has the last', () => {
  const most = (free: number): number => {
    let held = 0;
    while (roomOf(free - held, held) > 0) held += 1;
    return held;
  };
  assert.deepEqual([0, 1, 2, 3, 4, 8, 32].map(most), [0, 1, 1, 2, 3, 6, 24]);
  assert.deepEqual([roomOf(1, 0), roomOf(1, 1), roomOf(0, 0)], [1, 0, 0]);
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
