import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectWhileStreaming } from './heap.ts';

test('what streams through leaves no more than a little behind, however much it is, and nothing goes on after it', async () => {
  const begin = process.memoryUsage().arrayBuffers;
  const release = collectWhileStreaming();
  const other = collectWhileStreaming();
  let most = 0;
  for (let piece = 0; piece < 40; piece += 1) {
    for (let part = 0; part < 16; part += 1) Buffer.allocUnsafeSlow(64 * 1024).fill(1);
    await sleep(25);
    most = Math.max(most, process.memoryUsage().arrayBuffers - begin);
  }
  assert.ok(most < 24 * 2 ** 20, `${most} bytes`);
  release();
  release();
  other();
  assert.equal(typeof globalThis.gc, 'undefined');
});
