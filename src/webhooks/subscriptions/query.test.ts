// Where a webhook with a sensitive query string is sent, how that is shown, and how it goes out. Hook IDs beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedHookId, madeHookId } from './hook-id.ts';
import { checkedQuery, joined, queryPlaceholder, sensitiveQueryCharactersMax, shownJoined } from './query.ts';
import { requestTarget } from './url.ts';

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
    assert.equal(new URL(joined(target, query)).href, sent);
    assert.equal(shownJoined(new URL(target), query), shown);
  }
  const url = 'https://a.example/hook?x=1';
  assert.equal(joined(url, null), url);
  assert.equal(shownJoined(new URL(url), null), 'https://a.example/hook?x=***');
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

test('path and query go out character by character, as they were written', () => {
  const cases: readonly (readonly [target: string, query: string | null, sent: string])[] = [
    ['https://a.example/hook', "sig=it's", "/hook?sig=it's"],
    ['https://a.example/a/../b/./c//d', null, '/a/../b/./c//d'],
    ['https://a.example/%7Euser/%2e%2E/x', null, '/%7Euser/%2e%2E/x'],
    ['https://a.example', 'a="<{}>`|^[]"', '/?a="<{}>`|^[]"'],
    ['https://a.example?x=1', 'y=%zz%', '/?x=1&y=%zz%'],
    ['HTTPS://us%65r:p@A.example:443/X', null, '/X'],
    // HTTP knows no other way.
    ['https://a.example/é', 'name=日本', '/%C3%A9?name=%E6%97%A5%E6%9C%AC'],
  ];
  for (const [target, query, sent] of cases) assert.equal(requestTarget(joined(target, query)), sent);
});

test('a hook ID keeps its rule, and one that is made does', () => {
  for (const id of ['a', 'a1', 'my-hook', 'a'.repeat(63), madeHookId('01890a5d-ac96-774b-bcce-b302099a8057')])
    assert.equal(checkedHookId(id), id);
  for (const id of ['', '1a', '-a', 'a-', 'A', 'a_b', 'é', 'a'.repeat(64), 'a\n']) {
    assert.throws(() => checkedHookId(id), { code: 'invalid_hook_id', kind: 'invalid' }, id);
  }
});
