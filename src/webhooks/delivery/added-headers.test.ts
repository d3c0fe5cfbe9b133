import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addedHeaderList,
  addedHeaderCharactersMax,
  addedHeadersMax,
  checkedHeaders,
  headerNameCharactersMax,
  headerValueCharactersMax,
} from './added-headers.ts';

const refusedWith = (code: string, given: Record<string, string>, url?: URL) =>
  assert.throws(() => checkedHeaders(given, url), { code }, JSON.stringify(given).slice(0, 100));

test('what people add comes back with names in lower case and values as they are', () => {
  assert.deepEqual(checkedHeaders({ 'X-Api-Key': 'a b\tc', Authorization: 'Bearer x', Cookie: 'a=b' }), {
    'x-api-key': 'a b\tc',
    authorization: 'Bearer x',
    cookie: 'a=b',
  });
  assert.deepEqual(checkedHeaders({}), {});
  assert.deepEqual(checkedHeaders({ constructor: 'a', 'x-1': 'b' }), { constructor: 'a', 'x-1': 'b' });
});

test('nothing that HTTP, the signatures or we set can be added, however it is written', () => {
  for (const name of [
    'Host',
    'content-LENGTH',
    'Content-Type',
    'content-encoding',
    'Transfer-Encoding',
    'Connection',
    'keep-alive',
    'TE',
    'Trailer',
    'upgrade',
    'Expect',
    'User-Agent',
    'Webhook-Signature',
    'webhook-id',
    'X-Gatepost-Anything',
    'X-Sonar-Webhook-HMAC-SHA256',
    'X-SonarQube-Project',
    'X-SecureSourceManager-Event',
    'X-Hub-Signature-256',
    'Proxy-Authorization',
  ]) {
    refusedWith('reserved_header', { [name]: 'x' });
  }
});

test('authorization is the URL’s own where the URL holds a user', () => {
  refusedWith('reserved_header', { authorization: 'Bearer x' }, new URL('https://a:b@receiver.example/'));
  assert.deepEqual(checkedHeaders({ authorization: 'Bearer x' }, new URL('https://receiver.example/')), { authorization: 'Bearer x' });
});

test('a name or value that could break the request apart is refused, and the value is never told', () => {
  for (const name of ['', 'a b', 'a:', 'a\r\nb', 'ä', 'a\0', 'a'.repeat(headerNameCharactersMax + 1)]) {
    refusedWith('invalid_header_name', { [name]: 'x' });
  }
  for (const value of ['', ' x', 'x ', '\tx', 'a\r\nb: c', 'a\nb', 'a\0b', 'ä', '\x7f', 'x'.repeat(headerValueCharactersMax + 1)]) {
    refusedWith('invalid_header_value', { 'x-a': value });
  }
  assert.throws(
    () => checkedHeaders({ 'x-a': 'secret\nsecret' }),
    (error: Error) => !error.message.includes('secret'),
  );
  refusedWith('duplicate_header', { 'X-A': '1', 'x-a': '2' });
});

test('each limit holds at its edge', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'v']));
  assert.equal(Object.keys(checkedHeaders(many(addedHeadersMax))).length, addedHeadersMax);
  refusedWith('too_many_headers', many(addedHeadersMax + 1));
  assert.ok(checkedHeaders({ ['n'.repeat(headerNameCharactersMax)]: 'v'.repeat(headerValueCharactersMax) }));
  const half = addedHeaderCharactersMax / 2;
  assert.ok(checkedHeaders({ aa: 'v'.repeat(half - 2), bb: 'v'.repeat(half - 2) }));
  refusedWith('headers_too_large', { aa: 'v'.repeat(half - 2), bb: 'v'.repeat(half - 2), c: 'v' });
});

test("a webhook's own header stands in the place of that of the settings, so that no name goes out twice", () => {
  assert.deepEqual(addedHeaderList({ 'x-a': 'all', 'x-b': 'all' }, { 'x-b': 'own', 'x-c': 'own' }), [
    'x-a',
    'all',
    'x-b',
    'own',
    'x-c',
    'own',
  ]);
});

test('where the URL holds a user, its authorization is the only one', () => {
  const url = new URL('https://user@receiver.example/');
  assert.deepEqual(addedHeaderList({ authorization: 'Bearer all' }, { 'x-a': 'own' }, url), ['x-a', 'own']);
  assert.deepEqual(addedHeaderList({ authorization: 'Bearer all' }, {}, new URL('https://receiver.example/')), [
    'authorization',
    'Bearer all',
  ]);
});
