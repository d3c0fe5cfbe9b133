import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBodyReader } from './body.ts';

function asking(bytes: number) {
  const raw = new IncomingMessage(new Socket());
  raw.push(Buffer.alloc(bytes));
  return { request: { raw, headers: {} }, end: () => raw.push(null) };
}

test('questions of one organization never take all the memory there is for them', async () => {
  const bodies = createBodyReader({ allBytesMax: 1_000, bytesMax: 500 });
  const held = [asking(300), asking(300), asking(150)];
  const answers = held.map(({ request }) => bodies.read(request, 'a'));
  await sleep(5);
  await assert.rejects(bodies.read(asking(10).request, 'a'), { code: 'git_busy' });
  const other = asking(100);
  other.end();
  assert.equal((await bodies.read(other.request, 'b')).length, 100);
  for (const { end } of held) end();
  assert.deepEqual(
    (await Promise.all(answers)).map(({ length }) => length),
    [300, 300, 150],
  );
  const again = asking(400);
  again.end();
  assert.equal((await bodies.read(again.request, 'a')).length, 400);
});
