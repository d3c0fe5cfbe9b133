import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { equalInConstantTime, hmacSha256, keysCachedMax, sha256Hex } from './hmac.ts';

test('HMAC-SHA256 is the published one, whatever the number of parts and the kind of key', () => {
  // RFC 4231, test case 2.
  assert.equal(
    hmacSha256('Jefe', 'what do ya want ', 'for nothing?').toString('hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
  const key = Buffer.from('00ff80ü', 'utf8');
  assert.deepEqual(hmacSha256(key, 'a'), createHmac('sha256', key).update('a').digest());
  assert.deepEqual(hmacSha256(key.subarray(2, 5), 'a'), createHmac('sha256', key.subarray(2, 5)).update('a').digest());
});

test('more keys than are kept ready all sign right', () => {
  for (let index = 0; index < keysCachedMax + 10; index += 1) hmacSha256(`key ${index}`, 'x');
  assert.deepEqual(hmacSha256('key 0', 'x'), createHmac('sha256', 'key 0').update('x').digest());
});

test('texts are compared whole', () => {
  assert.equal(equalInConstantTime('a', 'a'), true);
  assert.equal(equalInConstantTime('a', 'b'), false);
  assert.equal(equalInConstantTime('a', 'ab'), false);
  assert.equal(sha256Hex(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});
