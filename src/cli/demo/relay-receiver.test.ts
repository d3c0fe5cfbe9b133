import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { startRelayReceiver } from './relay-receiver.ts';

const header = 'X-Sonar-Webhook-HMAC-SHA256';

test('what was written for SonarQube takes a webhook only where its signature is right over the bytes', async (t) => {
  const secret = 'sixteen-chars-ok';
  const receiver = await startRelayReceiver({ secret });
  t.after(() => receiver.close());
  const post = async (body: string, headers: Record<string, string>) =>
    (await fetch(receiver.url, { method: 'POST', headers, body })).status;
  const body = '{"project":{"url":"?id\\u003dshop"}}';
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  assert.equal(await post(body, {}), 401);
  assert.equal(await post(JSON.stringify(JSON.parse(body)), { [header]: signature }), 401);
  await assert.rejects(receiver.waitFor(20), /no such webhook came within 0\.02 s; refused: 2/);
  assert.equal(await post(body, { [header]: signature }), 200);
  assert.equal((await receiver.waitFor(5_000)).toString('utf8'), body);
});
