// Our signatures are checked by the libraries that receivers use: `standardwebhooks` and `svix`, and `@octokit/webhooks-methods` for the plain
// form, as well as a second computation from the contract's sentence. A thousand random bodies and secrets, with and without a rotation under way.
import assert from 'node:assert/strict';
import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { verify as verifyPlain } from '@octokit/webhooks-methods';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { bareHex } from './bare-hex.ts';
import { hubSignature, hubSignature256 } from './hub-signature.ts';
import { plainHex } from './plain-hex.ts';
import type { Scheme } from './secret.ts';
import { generateSecret, standardKey, tailOf } from './secret.ts';
import { standardWebhooks } from './standard-webhooks.ts';

const header = 'x-gatepost-signature-256';
const plain = plainHex(header);
const timestampSeconds = Math.floor(Date.now() / 1000);
const largeCharacters = 300_000;

/** Bodies as they may come: text of all kinds, JSON, a few that are large, the first one empty. */
function textOf(round: number): string {
  if (round === 0) return '';
  if (round % 250 === 1) return `{"large":"${'é😀x'.repeat(largeCharacters / 4)}"}`;
  const text = randomBytes(randomInt(0, 600)).toString('utf8');
  return round % 2 === 0 ? text : JSON.stringify({ text, more: '\u2028é😀"\\' });
}

function signed(scheme: Scheme, body: Buffer, secrets: { current: string; previous: string | null }): Record<string, string> {
  return { ...scheme({ id: 'msg_1', timestampSeconds, body, secrets }) };
}

/** The library takes no empty body, so for that one the contract's sentence alone is asked. */
async function plainVerifies(secret: string, text: string, signature: string): Promise<void> {
  assert.equal(signature, `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`);
  if (text !== '') assert.equal(await verifyPlain(secret, text, signature), true);
}

test('the published libraries verify what we sign, for 1,000 random bodies, and refuse it when a byte differs', async () => {
  for (let round = 0; round < 1000; round += 1) {
    const secret = generateSecret();
    const text = textOf(round);
    const headers = signed(standardWebhooks, Buffer.from(text), { current: secret, previous: null });
    new Webhook(secret).verify(text, headers, { jsonParse: false });
    new SvixWebhook(secret).verify(text, headers);
    for (const library of [new Webhook(secret), new SvixWebhook(secret)]) {
      assert.throws(() => library.verify(`${text} `, headers), /No matching signature/);
      assert.throws(() => library.verify(text, { ...headers, 'webhook-id': 'msg_2' }), /No matching signature/);
    }
    const { [header]: signature = '' } = signed(plain, Buffer.from(text), { current: secret, previous: null });
    await plainVerifies(secret, text, signature);
    assert.equal(await verifyPlain(secret, `${text} `, signature), false);
  }
});

test('while a secret is being changed both verify, and the plain header signs with the old one until the overlap ends', async () => {
  for (let round = 0; round < 1000; round += 1) {
    const [current, previous, other] = [generateSecret(), generateSecret(), generateSecret()];
    const text = textOf(round);
    const body = Buffer.from(text);
    const headers = signed(standardWebhooks, body, { current, previous });
    for (const secret of [current, previous]) {
      new Webhook(secret).verify(text, headers, { jsonParse: false });
      new SvixWebhook(secret).verify(text, headers);
    }
    assert.throws(() => new Webhook(other).verify(text, headers), /No matching signature/);
    assert.throws(() => new SvixWebhook(other).verify(text, headers), /No matching signature/);
    const both = signed(plain, body, { current, previous });
    assert.deepEqual(Object.keys(both), [header, `${header}-next`]);
    await plainVerifies(previous, text, both[header] ?? '');
    await plainVerifies(current, text, both[`${header}-next`] ?? '');
    if (text !== '') assert.equal(await verifyPlain(current, text, both[header] ?? ''), false);
    const alone = signed(plain, body, { current, previous: null });
    assert.deepEqual(Object.keys(alone), [header]);
    await plainVerifies(current, text, alone[header] ?? '');
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

test('the bare form signs the raw bytes: the published vector, a payload with its escapes, and a secret of any script', () => {
  const bare = bareHex('X-Sonar-Webhook-HMAC-SHA256');
  const name = 'X-Sonar-Webhook-HMAC-SHA256';
  assert.deepEqual(signed(bare, Buffer.from('{"payload": {}}'), { current: 'my_secret', previous: null }), {
    [name]: 'ef35d3420a3df3d05f8f7eb3b53384abc41395f164245d6c7e78a70e61703dde',
  });
  const body = Buffer.from(String.raw`{"url":"https://x/dashboard?id\u003dk","name":"é"}`);
  const hex = (secret: string) => createHmac('sha256', Buffer.from(secret, 'utf8')).update(body).digest('hex');
  for (const secret of ['s', 'ключ', 'whsec_AAEC', 'x'.repeat(200)])
    assert.deepEqual(signed(bare, body, { current: secret, previous: null }), { [name]: hex(secret) });
  assert.deepEqual(signed(bare, body, { current: 'new', previous: 'old' }), { [name]: hex('old'), [`${name}-Next`]: hex('new') });
});

test('GitHub’s forms: the published vectors, and both while a secret is being changed', () => {
  const name = 'X-Hub-Signature';
  assert.deepEqual(signed(hubSignature256, Buffer.from('Hello, World!'), { current: "It's a Secret to Everybody", previous: null }), {
    [`${name}-256`]: 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  });
  const fox = Buffer.from('The quick brown fox jumps over the lazy dog');
  const known = 'sha1=de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9';
  assert.deepEqual(signed(hubSignature, fox, { current: 'key', previous: null }), { [name]: known });
  const both = signed(hubSignature, fox, { current: 'ключ', previous: 'key' });
  const current = `sha1=${createHmac('sha1', Buffer.from('ключ', 'utf8')).update(fox).digest('hex')}`;
  assert.deepEqual(both, { [name]: known, [`${name}-next`]: current });
});
