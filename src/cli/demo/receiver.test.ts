// The receiver is sent what our own signing makes, right and wrong, over HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateSecret } from '../../webhooks/signing/secret.ts';
import { standardWebhooks } from '../../webhooks/signing/standard-webhooks.ts';
import { startReceiver } from './receiver.ts';

const body = Buffer.from(JSON.stringify({ organizationId: 'o', reports: [{ id: 'one' }] }));

function send(url: string, secret: string, id: string): Promise<Response> {
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const headers = standardWebhooks({ id, timestampSeconds, body, secrets: { current: secret, previous: null } });
  return fetch(url, { method: 'POST', headers: { ...headers, 'x-gatepost-event': 'report.ingested' }, body });
}

test('a webhook is taken only where its signature is right', async (t) => {
  const receiver = await startReceiver({ now: () => 5 });
  t.after(() => receiver.close());
  const secret = generateSecret();
  assert.equal((await send(receiver.url, secret, 'd1')).status, 401, 'before a secret is known');
  receiver.useSecret(secret);
  assert.equal((await send(receiver.url, generateSecret(), 'd1')).status, 401, 'signed with another secret');
  await assert.rejects(receiver.waitFor('one', 50), /no such webhook came within 0.05 s; refused: .*; refused: /);
  const waiting = receiver.waitFor('one', 5_000);
  assert.equal((await send(receiver.url, secret, 'd1')).status, 204);
  assert.equal((await send(receiver.url, secret, 'd1')).status, 204, 'the same again');
  assert.deepEqual(await waiting, { id: 'd1', event: 'report.ingested', body: { organizationId: 'o', reports: [{ id: 'one' }] }, at: 5 });
});
