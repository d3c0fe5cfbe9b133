// Bodies as Google reads JSON: which names are the same, what counts as absent, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessage, readMessage } from './message.ts';

const kinds = { targetUri: 'text', disabled: 'flag', events: 'list', pushOption: 'message', uid: 'ignored' } as const;
const refused = { code: 'invalid_argument' };

test('both spellings are one field, and null is absent', () => {
  const read = readMessage({ target_uri: 'a', disabled: null, uid: 5, pushOption: {} }, kinds);
  assert.deepEqual(
    [...read],
    [
      ['targetUri', 'a'],
      ['uid', 5],
      ['pushOption', {}],
    ],
  );
});

test('an unknown field is refused by its path, and so are both spellings at once and other kinds', () => {
  assert.throws(() => readMessage({ target: 'a' }, kinds), { ...refused, details: { field: 'target' } });
  assert.throws(() => readMessage({ x: 1 }, { y: 'text' }, 'pushOption'), { ...refused, details: { field: 'pushOption.x' } });
  assert.throws(() => readMessage(JSON.parse('{"__proto__":{}}') as Record<string, unknown>, kinds), refused);
  assert.throws(() => readMessage({ target_uri: 'a', targetUri: 'a' }, kinds), { ...refused, message: /twice/ });
  for (const wrong of [{ targetUri: 1 }, { targetUri: '\ud800' }, { disabled: 'true' }, { events: 'PUSH' }, { pushOption: [] }])
    assert.throws(() => readMessage(wrong, kinds), refused, JSON.stringify(wrong));
});

test('a body is a JSON object, or nothing', () => {
  assert.deepEqual(parseMessage(undefined), {});
  assert.deepEqual(parseMessage(Buffer.alloc(0)), {});
  assert.deepEqual(parseMessage(Buffer.from('{"a":1}')), { a: 1 });
  for (const text of ['[]', 'null', '"a"', '{', 'a=b']) assert.throws(() => parseMessage(Buffer.from(text)), refused, text);
  assert.throws(() => parseMessage(Buffer.from([0x7b, 0xff, 0x7d])), refused, 'not UTF-8');
});
