import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedName, freeSlug, nameCharactersMax, slugCharactersMax, slugOf } from './organization.ts';
import { isTokenText, newTokenText } from './tokens.ts';

test('a name gives a slug of lower-case letters, digits and single hyphens', () => {
  assert.equal(slugOf('ACME, Inc.'), 'acme-inc');
  assert.equal(slugOf('Électricité de  l’Est'), 'electricite-de-l-est');
  assert.equal(slugOf('日本語'), 'organization');
  assert.equal(slugOf('--'), 'organization');
  assert.match(slugOf(`${'a'.repeat(slugCharactersMax - 1)} bcd`), /^a+$/);
});

test('a taken slug gets the next free number, also where it is as long as can be', () => {
  assert.equal(freeSlug('acme', new Set()), 'acme');
  assert.equal(freeSlug('acme', new Set(['acme', 'acme-2'])), 'acme-3');
  const long = 'a'.repeat(slugCharactersMax);
  assert.equal(freeSlug(long, new Set([long])).length, slugCharactersMax);
});

test('a name has 1 to 200 characters and no control characters', () => {
  assert.equal(checkedName('  a '), 'a');
  assert.equal(checkedName('a'.repeat(nameCharactersMax)).length, nameCharactersMax);
  for (const bad of ['', '   ', 'a'.repeat(nameCharactersMax + 1), 'a\nb', 'a\u0000', '\ud800'])
    assert.throws(() => checkedName(bad), { code: 'invalid_name' });
});

test('a token is told from any other text by its checksum alone', () => {
  const tokens = Array.from({ length: 500 }, () => newTokenText());
  assert.equal(new Set(tokens).size, tokens.length);
  for (const token of tokens) {
    assert.match(token, /^gp_[0-9A-Za-z]{39}$/);
    assert.equal(isTokenText(token), true);
    assert.equal(isTokenText(token.slice(0, 10) + (token[10] === 'a' ? 'b' : 'a') + token.slice(11)), false);
  }
  assert.equal(isTokenText(newTokenText(Buffer.alloc(24, 0))), true);
  assert.equal(isTokenText(newTokenText(Buffer.alloc(24, 255))), true);
  assert.equal(newTokenText(Buffer.alloc(24, 255)).length, 42);
  for (const bad of ['', 'gp_', 'gp_x', `x${newTokenText()}`, `${newTokenText()}x`]) assert.equal(isTokenText(bad), false);
});
