// Our signatures are checked by the libraries that receivers use: `standardwebhooks` and `svix`, and for the plain form by a second
// computation from the contract's sentence. A thousand random bodies and secrets, with and without a rotation under way.
import assert from 'node:assert/strict';
import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { plainHex } from './plain-hex.ts';
import type { Scheme } from './secret.ts';
import { generateSecret, standardKey, tailOf } from './secret.ts';
import { standardWebhooks } from './standard-webhooks.ts';

const plain = plainHex('x-gatepost-signature-256');
const timestampSeconds = Math.floor(Date.now() / 1000);
const textOf = () => JSON.stringify({ text: randomBytes(randomInt(0, 600)).toString('utf8'), more: '\u2028é😀"\\' });

function signed(scheme: Scheme, body: Buffer, secrets: { current: string; previous: string | null }): Record<string, string> {
  return { ...scheme({ id: 'msg_1', timestampSeconds, body, secrets }) };
}

test('standardwebhooks and svix verify what we sign, for 1,000 random bodies, and refuse it when a byte differs', () => {
  for (let round = 0; round < 1000; round += 1) {
    const secret = generateSecret();
    const text = textOf();
    const headers = signed(standardWebhooks, Buffer.from(text), { current: secret, previous: null });
    for (const library of [new Webhook(secret), new SvixWebhook(secret)]) {
      library.verify(text, headers);
      assert.throws(() => library.verify(`${text} `, headers));
      assert.throws(() => library.verify(text, { ...headers, 'webhook-id': 'msg_2' }));
    }
  }
});

test('while a secret is being changed both verify, and the plain header signs with the old one until the overlap ends', () => {
  for (let round = 0; round < 1000; round += 1) {
    const [current, previous] = [generateSecret(), generateSecret()];
    const text = textOf();
    const body = Buffer.from(text);
    const headers = signed(standardWebhooks, body, { current, previous });
    for (const secret of [current, previous]) {
      new Webhook(secret).verify(text, headers);
      new SvixWebhook(secret).verify(text, headers);
    }
    assert.throws(() => new Webhook(generateSecret()).verify(text, headers));
    assert.throws(() => new SvixWebhook(generateSecret()).verify(text, headers));
    const hex = (secret: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    assert.deepEqual(signed(plain, body, { current, previous }), {
      'x-gatepost-signature-256': hex(previous),
      'x-gatepost-signature-256-next': hex(current),
    });
    assert.deepEqual(signed(plain, body, { current, previous: null }), { 'x-gatepost-signature-256': hex(current) });
  }
});

test('any text is a secret: its UTF-8 is the key, and what only looks like whsec_ is such text', () => {
  const body = '{"a":1}';
  for (const secret of ['s', 'correct horse battery staple', 'пароль', 'whsec_', 'whsec_not base64', 'whsec_abc']) {
    assert.deepEqual(standardKey(secret), Buffer.from(secret, 'utf8'));
    const headers = signed(standardWebhooks, Buffer.from(body), { current: secret, previous: null });
    assert.deepEqual(new Webhook(Buffer.from(secret, 'utf8'), { format: 'raw' }).verify(body, headers), { a: 1 });
  }
  assert.deepEqual(standardKey('whsec_AAEC'), Buffer.from([0, 1, 2]));
});

test('a generated secret holds 32 bytes and is another each time', () => {
  assert.equal(standardKey(generateSecret()).length, 32);
  assert.match(generateSecret(), /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.notEqual(generateSecret(), generateSecret());
});

test('the tail of a short secret would give it away, so it has none', () => {
  assert.equal(tailOf('whsec_abcdefghijklmnop'), 'mnop');
  assert.equal(tailOf('x'.repeat(16)), 'xxxx');
  assert.equal(tailOf('x'.repeat(15)), '');
});
