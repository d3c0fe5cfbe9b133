// Where a webhook with a sensitive query string is sent, how that is shown, and what a receiver could throw back of it. Hook IDs beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedHookId, madeHookId } from './hook-id.ts';
import { checkedQuery, joined, queryPlaceholder, sensitiveQueryCharactersMax, shownJoined } from './query.ts';
import { secretsOf, secretsOfQuery } from './url.ts';

test('the sensitive query string stands behind the target, and never shows', () => {
  const cases: readonly (readonly [target: string, given: string, sent: string, shown: string])[] = [
    ['https://a.example', 'key=k&secret=s', 'https://a.example/?key=k&secret=s', `https://a.example/?${queryPlaceholder}`],
    [
      'https://a.example/v1/t:webhook',
      'key=Hello%20Secret',
      'https://a.example/v1/t:webhook?key=Hello%20Secret',
      `https://a.example/v1/***?${queryPlaceholder}`,
    ],
    ['https://a.example/hook', '?token=a', 'https://a.example/hook?token=a', `https://a.example/hook?${queryPlaceholder}`],
    ['https://a.example/hook', '&token=a', 'https://a.example/hook?token=a', `https://a.example/hook?${queryPlaceholder}`],
    ['https://a.example/hook', '??token=a', 'https://a.example/hook??token=a', `https://a.example/hook?${queryPlaceholder}`],
    ['https://a.example/hook?x=1', 'token=a', 'https://a.example/hook?x=1&token=a', `https://a.example/hook?x=***&${queryPlaceholder}`],
    ['https://a.example/hook?x=1&', 'token=a', 'https://a.example/hook?x=1&token=a', `https://a.example/hook?x=***&${queryPlaceholder}`],
    ['https://a.example/hook?', 'token=a', 'https://a.example/hook?token=a', `https://a.example/hook?${queryPlaceholder}`],
  ];
  for (const [target, given, sent, shown] of cases) {
    const query = checkedQuery(given);
    assert.equal(joined(new URL(target), query).href, sent);
    assert.equal(shownJoined(new URL(target), query), shown);
  }
  const url = new URL('https://a.example/hook?x=1');
  assert.equal(joined(url, null), url);
  assert.equal(shownJoined(url, null), 'https://a.example/hook?x=***');
});

test('a sensitive query string that could not be sent as it is written is refused, without repeating it', () => {
  for (const given of [
    'key=a#b',
    '#',
    'key=a b',
    'key=a\n',
    'key=\u0000',
    'key=***',
    queryPlaceholder,
    `a${queryPlaceholder}`,
    'a\ud800',
  ]) {
    assert.throws(
      () => checkedQuery(given),
      (error: Error & { code?: string }) => error.code === 'invalid_sensitive_query' && !error.message.includes('key='),
    );
  }
  const longest = 'k'.repeat(sensitiveQueryCharactersMax);
  for (const start of ['', '?', '&']) assert.equal(checkedQuery(start + longest), longest);
  assert.throws(() => checkedQuery(`${longest}k`), { code: 'invalid_sensitive_query' });
  for (const none of ['', '?', '&']) assert.equal(checkedQuery(none), null);
});

test('of a sensitive query string everything is known that may come back, in every form', () => {
  const query = 'key=sup%C3%A9r%2Fsecr%26t&secret=wide+open&lonely%21one';
  const known = new Set([...secretsOfQuery(query), ...secretsOf(joined(new URL('https://a.example/hook'), query))]);
  const forms = [
    query,
    query.replaceAll('&', '&amp;'),
    query.replaceAll('&', '\\u0026'),
    encodeURIComponent(query),
    'sup%C3%A9r%2Fsecr%26t',
    'sup%c3%a9r%2fsecr%26t',
    'supér/secr&t',
    'supér/secr\\u0026t',
    'sup\\u00e9r/secr&t',
    'supér\\/secr&t',
    'supér/secr&amp;t',
    'wide+open',
    'wide open',
    'wide%20open',
    'lonely%21one',
    'lonely!one',
  ];
  for (const form of forms) assert.ok(known.has(form), form);
});

test('a hook ID keeps its rule, and one that is made does', () => {
  for (const id of ['a', 'a1', 'my-hook', 'a'.repeat(63), madeHookId('01890a5d-ac96-774b-bcce-b302099a8057')])
    assert.equal(checkedHookId(id), id);
  for (const id of ['', '1a', '-a', 'a-', 'A', 'a_b', 'é', 'a'.repeat(64), 'a\n']) {
    assert.throws(() => checkedHookId(id), { code: 'invalid_hook_id', kind: 'invalid' }, id);
  }
});
