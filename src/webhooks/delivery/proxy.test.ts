import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProxyUrl, proxyUrlCharactersMax } from './proxy.ts';

test('a proxy is a host and a port, with a login if it asks for one', () => {
  for (const text of [
    'http://proxy',
    'http://proxy:3128',
    'https://proxy.example:8443/',
    'http://a:b@10.0.0.1:3128',
    'http://[::1]:3128',
  ]) {
    assert.equal(parseProxyUrl(text).href.replace(/\/$/, ''), text.replace(/\/$/, ''));
  }
});

test('what is no proxy that can be spoken to is refused without telling its login', () => {
  for (const text of [
    '',
    'proxy:3128',
    'socks5://proxy',
    'http://',
    'http://user:secret@proxy/path',
    'http://proxy?secret',
    'http://proxy/#',
    'http://proxy:0',
    'http://pro xy',
    'http:\\\\proxy',
    `http://${'a'.repeat(proxyUrlCharactersMax)}`,
  ]) {
    assert.throws(
      () => parseProxyUrl(text),
      (error: Error & { code?: string }) => error.code === 'invalid_proxy' && !error.message.includes('secret'),
      text,
    );
  }
});
