import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRefLocks } from './locks.ts';

const waitMs = 10_000;

test('who wants a ref that is held waits, in the order of coming; others go on', async () => {
  const locks = createRefLocks();
  const order: string[] = [];
  const first = await locks.take({ repository: 'r', refs: ['a', 'b'], waitMs });
  const second = locks.take({ repository: 'r', refs: ['b', 'c'], waitMs }).then((release) => (order.push('second'), release));
  // It wants what the second waits for, so it does not overtake it.
  const third = locks.take({ repository: 'r', refs: ['c'], waitMs }).then((release) => (order.push('third'), release));
  const elsewhere = await locks.take({ repository: 'other', refs: ['a'], waitMs });
  const free = await locks.take({ repository: 'r', refs: ['d'], waitMs });
  assert.deepEqual(order, []);
  first();
  const releaseSecond = await second;
  assert.deepEqual(order, ['second']);
  // Given back twice, it is given back once.
  first();
  releaseSecond();
  (await third)();
  assert.deepEqual(order, ['second', 'third']);
  free();
  elsewhere();
});

test('who waits too long, or leaves, is told so and holds nobody up', async () => {
  const locks = createRefLocks();
  const held = await locks.take({ repository: 'r', refs: ['a'], waitMs });
  const gone = new AbortController();
  const leaves = locks.take({ repository: 'r', refs: ['a', 'b'], waitMs, signal: gone.signal });
  const late = locks.take({ repository: 'r', refs: ['a', 'c'], waitMs: 5 });
  const next = locks.take({ repository: 'r', refs: ['b', 'c'], waitMs });
  gone.abort();
  await assert.rejects(leaves, { code: 'ref_busy' });
  await assert.rejects(late, { code: 'ref_busy' });
  (await next)();
  await assert.rejects(locks.take({ repository: 'r', refs: ['z'], waitMs, signal: gone.signal }), { code: 'ref_busy' });
  (await locks.take({ repository: 'r', refs: ['z'], waitMs }))();
  held();
});
