// What stands behind the question mark, as generated clients, gcloud, Terraform and curl send it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readQuery } from './query.ts';

const refused = { code: 'invalid_argument' };

test('a parameter of the method may come in camelCase and in snake_case; an empty one did not come', () => {
  assert.equal(readQuery('/x?hookId=a', ['hookId']).get('hookId'), 'a');
  assert.equal(readQuery('/x?hook_id=a%2Db', ['hookId']).get('hookId'), 'a-b');
  assert.equal(readQuery('/x?hookId=', ['hookId']).get('hookId'), undefined);
  assert.equal(readQuery('/x', ['hookId']).get('hookId'), undefined);
});

test('what is not known is refused, and what comes twice, in whatever spelling', () => {
  assert.throws(() => readQuery('/x?hookid=a', ['hookId']), { ...refused, message: /"hookid"/ });
  assert.throws(() => readQuery('/x?hookId=a', []), refused);
  assert.throws(() => readQuery('/x?hookId=a&hook_id=a', ['hookId']), { ...refused, message: /twice/ });
  assert.throws(() => readQuery('/x?__proto__=a', ['hookId']), refused);
});

test('parameters of all Google APIs come with every call: the encoding is JSON, with enums as numbers where asked for', () => {
  const query = readQuery('/x?$alt=json;enum-encoding=int&$prettyPrint=false&key=k&quotaUser=q', []);
  assert.deepEqual([query.areEnumsNumbers, query.isPretty], [true, false]);
  const encoded = readQuery('/x?%24alt=json%3Benum-encoding%3Dint', []);
  assert.deepEqual([encoded.areEnumsNumbers, encoded.isPretty], [true, true]);
  assert.equal(readQuery('/x?alt=json&prettyPrint=true', []).areEnumsNumbers, false);
  for (const other of ['alt=media', 'alt=proto', '$alt=sse']) assert.throws(() => readQuery(`/x?${other}`, []), refused, other);
});

test('a whole number is one of at least 0', () => {
  assert.equal(readQuery('/x?pageSize=7', ['pageSize']).integer('pageSize'), 7);
  assert.equal(readQuery('/x', ['pageSize']).integer('pageSize'), undefined);
  for (const text of ['-1', '1.5', 'ten', '9999999999', '0x1'])
    assert.throws(() => readQuery(`/x?pageSize=${text}`, ['pageSize']).integer('pageSize'), refused, text);
});
