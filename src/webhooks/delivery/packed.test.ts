import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack, unpack } from './packed.ts';

test('rows come out as they went in, through a message', () => {
  const rows = [
    { id: 'a', count: 1, none: null, flag: true },
    { id: 'b', count: 2, none: null, flag: false },
  ];
  assert.deepEqual(unpack(structuredClone(pack(rows))), rows);
  assert.deepEqual(unpack(structuredClone(pack([]))), []);
});
