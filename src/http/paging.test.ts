import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cursorCharactersMax, decodeCursor, encodeCursor } from './paging.ts';

test('a cursor comes back as it went, whatever text its parts are', () => {
  const parts = ['1.0.0-ü☃', 1_700_000_000_000, '', '"\\'];
  assert.deepEqual(decodeCursor(encodeCursor(parts), parts.length), parts);
  assert.match(encodeCursor(parts), /^[\w-]+$/);
});

test('whatever is no cursor of ours is refused as one', () => {
  const bad = [
    '',
    'x',
    '%',
    '=',
    encodeCursor(['a']),
    Buffer.from('[1,null]').toString('base64url'),
    Buffer.from('{"length":2}').toString('base64url'),
    'a'.repeat(cursorCharactersMax + 1),
  ];
  for (const text of bad) assert.throws(() => decodeCursor(text, 2), { code: 'invalid_cursor' }, text.slice(0, 40));
});
