// The receiver is sent requests as Secure Source Manager's hooks send them, right and wrong, over HTTP.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import type { ReceivedHook } from './hook-receiver.ts';
import { startHookReceiver } from './hook-receiver.ts';
import { hookText } from './hook-text.ts';

const key = 'the-key';
const secret = 'whsec_made-for-the-demo';
const body = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'harbour/harbour' } });
const signature = createHmac('sha256', secret).update(body).digest('hex');

test('a hook is taken only with the key in its query and a signature that is right over the bytes; a repeat does nothing', async (t) => {
  const receiver = await startHookReceiver({ key, now: () => 5 });
  t.after(() => receiver.close());
  const further: ReceivedHook[] = [];
  receiver.onFurther((one) => further.push(one));
  const send = async (query: string, signed: string, text = body) => {
    const headers = {
      'x-securesourcemanager-event': 'push',
      'x-securesourcemanager-delivery': 'd1',
      'x-securesourcemanager-signature': signed,
    };
    return (await fetch(`${receiver.url}${query}`, { method: 'POST', headers, body: text })).status;
  };
  assert.equal(await send(`?key=${key}`, signature), 401, 'before a secret is known');
  receiver.useSecret(secret);
  assert.equal(await send('', signature), 401);
  assert.equal(await send('?key=other', signature), 401);
  assert.equal(await send(`?key=${key}`, ''), 401);
  assert.equal(await send(`?key=${key}`, signature, `${body} `), 401);
  const any = () => true;
  await assert.rejects(receiver.waitFor(any, 20), /no such webhook came within 0\.02 s; refused: a wrong signature; refused: no key/);
  const waiting = receiver.waitFor(({ body: { ref } }) => ref === 'refs/heads/main', 5_000);
  assert.equal(await send(`?key=${key}`, signature), 204);
  assert.equal(await send(`?key=${key}`, signature), 204);
  const received = await waiting;
  assert.deepEqual([received.event, received.delivery, received.at, further.length], ['push', 'd1', 5, 1]);
  assert.equal(hookText(received), 'push of harbour/harbour, refs/heads/main, key and signature verified');
});
