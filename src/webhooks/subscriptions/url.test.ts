import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basicAuthorization, hasSecrets, maskUrl, parseWebhookUrl, secretsOf, urlCharactersMax } from './url.ts';

test('only absolute http and https URLs without a fragment are taken', () => {
  const good = ['http://a.example', 'https://a.example:8443/x?y=z', 'HTTP://A.example/', 'https://user:pass@a.example/', 'http://[::1]/'];
  for (const text of good) parseWebhookUrl(text);
  const bad = [
    '',
    'a.example',
    '/hook',
    'ftp://a.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'gopher://a.example',
    'http:a.example',
    'http:///a.example',
    'http://',
    'http://a.example/#',
    'http://a.example/#part',
    'http:\\\\a.example',
    ' http://a.example',
    'http://a.example/ x',
    'http://a.exa\nmple/',
    'http://a.example/\u0000',
    'http://a.example:0/',
    'http://a.example:70000/',
    'http://256.1.1.1/',
    'http://[::1/',
  ];
  for (const text of bad) assert.throws(() => parseWebhookUrl(text), { code: 'invalid_url' }, text);
});

test('a URL of exactly the limit is taken, one character more is not', () => {
  const start = 'https://a.example/';
  parseWebhookUrl(start + 'x'.repeat(urlCharactersMax - start.length));
  assert.throws(() => parseWebhookUrl(start + 'x'.repeat(urlCharactersMax - start.length + 1)), { code: 'invalid_url' });
});

test('a shown URL has no user, no password and no value of its query', () => {
  assert.equal(
    maskUrl(new URL('https://bob:s3cret@a.example:8443/p/q?token=abc&flag&x=1=2')),
    'https://***@a.example:8443/p/q?token=***&***&x=***',
  );
  assert.equal(maskUrl(new URL('https://bob@a.example/')), 'https://***@a.example/');
  assert.equal(maskUrl(new URL('http://a.example/p')), 'http://a.example/p');
  assert.equal(hasSecrets(new URL('http://a.example/p')), false);
  assert.equal(hasSecrets(new URL('http://a.example/p?x')), true);
  assert.equal(hasSecrets(new URL('http://bob@a.example/p')), true);
});

test('a user and a password go out as Basic authorization, decoded', () => {
  assert.equal(basicAuthorization(new URL('https://b%40b:p%C3%A9%3A@a.example/')), `Basic ${Buffer.from('b@b:pé:').toString('base64')}`);
  assert.equal(basicAuthorization(new URL('https://a.example/')), null);
});

test('what a receiver could throw back is known in every form it was sent in', () => {
  const texts = secretsOf(new URL('https://bob:p%40ssword@a.example/?token=a%20bc%2Fd&x=1'));
  for (const text of ['p%40ssword', 'p@ssword', 'a%20bc%2Fd', 'a bc/d', Buffer.from('bob:p@ssword').toString('base64')]) {
    assert.ok(texts.includes(text), text);
  }
  assert.ok(!texts.includes('1'));
});
