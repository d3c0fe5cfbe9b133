import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { openPushBody } from './push-body.ts';

const limits = { lookMs: 10_000, bytesMin: 1, busyMs: 20, busyBytesMin: 1_000 };

test('a push that holds a place which others wait for must arrive faster; before, and while nobody waits, it need not', async (t) => {
  let waiting = true;
  const stream = new PassThrough();
  const body = openPushBody(stream, limits, () => waiting);
  t.after(() => body.close());
  const trickle = setInterval(() => stream.write('x'), 5);
  t.after(() => clearInterval(trickle));
  for (let pieces = 0; pieces < 30; pieces += 1) assert.notEqual(await body.next(), null);
  waiting = false;
  body.takesPlace();
  for (let pieces = 0; pieces < 30; pieces += 1) assert.notEqual(await body.next(), null);
  waiting = true;
  clearInterval(trickle);
  await assert.rejects(body.next(), { code: 'push_too_slow' });
});
