import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basicAuthorization, mask, maskUrl, parseWebhookUrl, readableCharactersMax, urlCharactersMax } from './url.ts';

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
    // What we showed, edited: it is no longer whole.
    'http://a.example/***/x',
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
});

test('of a path only plain words are shown: what a chat system gives out is the secret itself', () => {
  const shown: Readonly<Record<string, string>> = {
    '/': '/',
    '/hook': '/hook',
    '/webhooks/gatepost': '/webhooks/gatepost',
    '/api/v1/inbound-hooks': '/api/v1/inbound-hooks',
    '/api/v1/hooks.php': '/api/v1/hooks.php',
    '/API/v12/IncomingWebhook//in_b2/': '/API/v12/IncomingWebhook//in_b2/',
    '/services/T024BE7LD/B024BE7LH/aBcDeFgHiJkLmNoPqRsTa1b2': '/services/***/***/***a1b2',
    '/api/webhooks/112233445566778899/abcdefghijklmnopqrstuvwxyz-012345': '/api/webhooks/***/***2345',
    '/hooks/0a1b2c3d': '/hooks/***',
    '/hooks/qwrtplkjh': '/hooks/***',
    '/hooks/p%C3%A4ss': '/hooks/***',
    '/bot123456:AAF-x/send': '/***/send',
    '/a~b': '/***',
    '/2024': '/***',
  };
  for (const [path, masked] of Object.entries(shown)) {
    assert.equal(maskUrl(new URL(`https://a.example${path}`)), `https://a.example${masked}`, path);
  }
  const longest = 'banana'.repeat(9).slice(0, readableCharactersMax);
  assert.equal(maskUrl(new URL(`https://a.example/${longest}`)), `https://a.example/${longest}`);
  assert.equal(maskUrl(new URL(`https://a.example/${longest}b`)), `https://a.example/${mask}${`${longest}b`.slice(-4)}`);
});

test('a user and a password go out as Basic authorization, decoded', () => {
  assert.equal(basicAuthorization(new URL('https://b%40b:p%C3%A9%3A@a.example/')), `Basic ${Buffer.from('b@b:pé:').toString('base64')}`);
  assert.equal(basicAuthorization(new URL('https://a.example/')), null);
  const sent = {
    'user:': ['user:', 'user'],
    'user:p@ss:wörd': ['user:p%40ss%3Aw%C3%B6rd', 'user:p%40ss%3aw%c3%b6rd'],
    'user x:p/w%': ['us%65r%20x:p%2Fw%25'],
    // What encodes nothing stands for itself, and does not keep the rest from being decoded.
    'a%:b%zz@': ['a%:b%zz%40'],
    ':token': [':token'],
  };
  for (const [plain, forms] of Object.entries(sent)) {
    for (const form of forms) {
      assert.equal(basicAuthorization(new URL(`https://${form}@a.example/`)), `Basic ${Buffer.from(plain).toString('base64')}`, form);
    }
  }
  assert.equal(basicAuthorization(new URL('http://:@a.example/')), null);
});
