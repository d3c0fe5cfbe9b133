// The scanner against JSON.parse: what one takes the other takes, however the bytes are cut; and what it gives out for a plan.
import assert from 'node:assert/strict';
import test from 'node:test';
import { refusal } from '../../../test/sarif/log.ts';
import { GatepostError } from '../../errors.ts';
import { depthMax, elementBytesMax, elementValuesMax, keyBytesMax, numberBytesMax } from './limits.ts';
import { array, object, type Plan, skip, strict, take } from './plan.ts';
import { createScanner } from './scan.ts';
import { pointerOf } from './scan-state.ts';

const any = { max: 1_000_000, code: 'too_many' };

/** All events, told shortly; the text handed in in parts of so many bytes. */
function scanned(plan: Plan, text: string | Uint8Array, partBytes = 1_000): readonly string[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const scanner = createScanner({ plan });
  const told: string[] = [];
  for (let from = 0; from < bytes.length; from += partBytes) {
    scanner.push(bytes.subarray(from, from + partBytes));
    for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
      const what = event.kind === 'leave' ? event.count : event.again ? 'again' : '';
      told.push(`${event.kind} ${event.name} ${pointerOf(event.path)} ${event.kind === 'piece' ? event.text : ''}${what}`.trim());
    }
  }
  scanner.finish();
  return told;
}

const rows = strict(object('log', { name: take('name'), rows: array('rows', take('row'), any) }));

test('planned parts come out, in the order of the text, and nothing else', () => {
  const text = ' {"other":{"rows":[1]}, "rows":[ {"a":[1,{}]} , "x",3.5 ,null,[] ] , "name":"N\\u00e9e" , "end":[[],{"rows":[9]}] } ';
  assert.deepEqual(scanned(rows, text), [
    'enter log',
    'enter rows /rows/0',
    'piece row /rows/0 {"a":[1,{}]}',
    'piece row /rows/1 "x"',
    'piece row /rows/2 3.5',
    'piece row /rows/3 null',
    'piece row /rows/4 []',
    'leave rows /rows 5',
    'piece name /name "N\\u00e9e"',
    'leave log  0',
  ]);
});

test('the parts the bytes come in make no difference, down to single bytes', () => {
  const text = '{"a\\"b":"\\\\\\u12aF\\n","rows":[true,false,null,-0.5e+10,"é😀",{"k":[{}]}],"name":"x"}';
  const whole = scanned(rows, text);
  for (const partBytes of [1, 2, 3, 5, 7]) assert.deepEqual(scanned(rows, text, partBytes), whole);
});

test('null in place of a list is told, and a value of another type where the plan is not strict', () => {
  assert.deepEqual(scanned(rows, '{"rows":null}'), ['enter log', 'none rows /rows', 'leave log  0']);
  for (const value of ['7', '"s"', '{"rows":[1]}', 'true', '-1']) {
    for (const partBytes of [1, 100]) {
      assert.deepEqual(scanned(rows, `{"rows":${value},"name":1}`, partBytes), [
        'enter log',
        'wrong rows /rows',
        'piece name /name 1',
        'leave log  0',
      ]);
    }
  }
});

test('a strict plan refuses a value of another type', () => {
  const plan = strict(object('log', { rows: strict(array('rows', skip, any)) }));
  for (const value of ['7', '"s"', '{}', 'true']) {
    assert.throws(() => scanned(plan, `{"rows":${value}}`), refusal('not_sarif', { pointer: '/rows', line: 1, column: 9, offset: 8 }));
  }
  for (const value of ['[]', '"s"', '12', 'true', 'null']) assert.throws(() => scanned(plan, value), refusal('not_sarif'));
});

test('a key that comes twice is told as coming again', () => {
  const told = scanned(rows, '{"rows":[1],"rows":[2,3],"name":1,"name":2,"other":1,"other":2}');
  assert.deepEqual(
    told.filter((line) => line.endsWith('again')),
    ['enter rows /rows/0 again', 'piece name /name 2again'],
  );
});

test('a key may be written with escapes, and one too long to be planned is passed over', () => {
  assert.ok(scanned(rows, '{"r\\u006fws":[1]}').includes('piece row /rows/0 1'));
  const long = `"${'k'.repeat(keyBytesMax * 3)}"`;
  for (const partBytes of [1, 100, 10_000]) {
    assert.deepEqual(scanned(rows, `{${long}:{"rows":[2]},"rows":[1]}`, partBytes).slice(1, 3), [
      'enter rows /rows/0',
      'piece row /rows/0 1',
    ]);
  }
});

test('an empty list counts none', () => {
  assert.ok(scanned(rows, '{"rows":[ ]}').includes('leave rows /rows 0'));
});

test('a list may be as long as its plan says, and no longer', () => {
  const plan = strict(object('log', { rows: array('rows', skip, { max: 3, code: 'too_many_rows' }) }));
  assert.ok(scanned(plan, '{"rows":[1,2,3]}').includes('leave rows /rows 3'));
  assert.throws(() => scanned(plan, '{"rows":[1,2,3,4]}'), refusal('too_many_rows', { pointer: '/rows/2', max: 3 }));
});

const texts = [
  '{}',
  '{"a":1}',
  '{"a":[]}',
  '{"a":[1,2]}',
  '{"a":{"b":{}}}',
  '{"a":"\\u0000\\ud800"}',
  '{"a":-0}',
  '{"a":0.1e-5}',
  '{"a":1E400}',
  '{"":""}',
  '\t\r\n{ }\n',
  '{"a":"\u007f"}',
  '{"a":"\\/"}',
  '{"__proto__":1,"constructor":[]}',
  '{"a":1.0}',
  '{"a":[[[[]]]]}',
  '{',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{,}',
  '{"a":[1,]}',
  '{"a":[,1]}',
  '{"a":[1 2]}',
  '{"a" 1}',
  '{"a":1 "b":2}',
  '{"a":1}}',
  '{"a":1}]',
  '{"a":01}',
  '{"a":-}',
  '{"a":+1}',
  '{"a":.5}',
  '{"a":1.}',
  '{"a":1e}',
  '{"a":--1}',
  '{"a":1e+}',
  '{"a":0x1}',
  '{"a":1_0}',
  '{"a":NaN}',
  '{"a":tru}',
  '{"a":trues}',
  '{"a":nul}',
  '{"a":True}',
  '{"a":undefined}',
  '{"a":\'b\'}',
  '{a:1}',
  '{"a":"\n"}',
  '{"a":"\t"}',
  '{"a":"\\x"}',
  '{"a":"\\u12g4"}',
  '{"a":"\\u12"}',
  '{"a":"b}',
  '{"a":[}',
  '{"a":[1}',
  '{"a":{]}',
  '{"a":1]',
  '{"a":1}x',
  '{"a":1}{}',
  '{"a":1}\u0000',
  '{"a":1} null',
  '// c\n{}',
  '{}//',
  '{"a":1\u00a0}',
  '\u000b{}',
  '{"a":"\u0000"}',
  '[{]',
  ']',
  '}',
  ',',
  ':',
  '"',
  'x',
  '<sarif/>',
];

test('every text is taken where JSON.parse takes it, and refused with our error where it does not', () => {
  for (const text of texts) {
    let valid = true;
    try {
      JSON.parse(text);
    } catch {
      valid = false;
    }
    for (const plan of [
      strict(object('log', {})),
      strict(object('log', { a: take('a') })),
      strict(object('log', { a: array('a', skip, any) })),
    ]) {
      for (const partBytes of [1, 3, 1_000]) {
        let taken = true;
        try {
          scanned(plan, text, partBytes);
        } catch (error) {
          assert.ok(error instanceof GatepostError, `${text}: ${String(error)}`);
          taken = false;
        }
        assert.equal(taken, valid, text);
      }
    }
  }
});

test('the place of an error is told in lines, columns and bytes', () => {
  const text = '{\n  "rows": [\n    1,\n    é\n  ]\n}';
  assert.throws(() => scanned(rows, text), refusal('not_json', { pointer: '/rows/1', line: 4, column: 5, offset: 25 }));
  assert.throws(() => scanned(rows, `\ufeff${text}`), refusal('not_json', { line: 4, column: 5, offset: 28 }));
  assert.throws(() => scanned(rows, '\ufeff{x'), refusal('not_json', { line: 1, column: 2, offset: 4 }));
});

test('a text that stops short is told apart from one that is no JSON', () => {
  const text = '{"rows":[{"a":"b\\u00e9"},12,true],"name":"x"}';
  for (let length = 1; length < text.length; length += 1) {
    assert.throws(() => scanned(rows, text.slice(0, length)), refusal('sarif_truncated', { offset: length }), text.slice(0, length));
  }
  for (const empty of ['', ' ', '\n\t ', '\ufeff', '\ufeff ']) assert.throws(() => scanned(rows, empty), refusal('not_json'));
});

test('UTF-16 and UTF-32 are refused as what they are', () => {
  const text = '{"rows":[]}';
  const little = Buffer.from(text, 'utf16le');
  const big = Buffer.from(little).swap16();
  for (const bytes of [
    little,
    big,
    Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
    Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
    Buffer.alloc(8),
  ]) {
    assert.throws(() => scanned(rows, bytes), refusal('not_utf8'));
  }
});

test('bytes that are no UTF-8 are told and shown as U+FFFD; U+FFFD itself is none of them', () => {
  const scanner = createScanner({ plan: rows });
  scanner.push(Buffer.concat([Buffer.from('{"rows":["a'), Buffer.from([0xe9]), Buffer.from('b","\ufffd"]}')]));
  const pieces = [];
  for (let event = scanner.next(); event !== undefined; event = scanner.next())
    if (event.kind === 'piece') pieces.push([event.text, event.utf8]);
  assert.deepEqual(pieces, [
    ['"a\ufffdb"', false],
    ['"\ufffd"', true],
  ]);
});

test('brackets may be nested as deep as the limit says, and no deeper', () => {
  const nested = (levels: number) => `{"rows":[${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}]}`;
  assert.ok(scanned(rows, nested(depthMax)).length > 0);
  assert.throws(() => scanned(rows, nested(depthMax + 1)), refusal('sarif_too_deep', { pointer: '/rows/0', depthMax }));
  assert.throws(() => scanned(rows, `{"other":${'{"a":'.repeat(1_000_000)}`, 65_536), refusal('sarif_too_deep', { pointer: '/other' }));
});

test('an entry may be as large as the limit says, and no larger', () => {
  const entry = (bytes: number) => `{"rows":["${'x'.repeat(bytes - 2)}"]}`;
  assert.equal(scanned(rows, entry(elementBytesMax), 65_536).length, 5);
  assert.throws(
    () => scanned(rows, entry(elementBytesMax + 1), 65_536),
    refusal('sarif_element_too_large', { pointer: '/rows/0', bytesMax: elementBytesMax }),
  );
  // What the plan passes over may be of any size.
  assert.equal(scanned(rows, `{"other":"${'x'.repeat(elementBytesMax + 10)}"}`, 65_536).length, 2);
});

test('an entry may hold as many values as the limit says, and no more', () => {
  const entry = (values: number) => `{"rows":[{"a":[${'0,'.repeat(values - 3)}0]}]}`;
  assert.equal(scanned(rows, entry(elementValuesMax), 65_536).length, 5);
  const refused = refusal('sarif_element_too_large', { pointer: '/rows/0', valuesMax: elementValuesMax });
  assert.throws(() => scanned(rows, entry(elementValuesMax + 1), 65_536), refused);
  // What the plan passes over may hold any number.
  assert.equal(scanned(rows, `{"other":[${'[],'.repeat(elementValuesMax)}0]}`, 65_536).length, 2);
  assert.equal(
    scanned(rows, `{"rows":[${'[1,2],'.repeat(elementValuesMax / 3)}0]}`, 65_536).length,
    4 + Math.floor(elementValuesMax / 3) + 1,
  );
});

test('a number may have as many characters as the limit says, and no more', () => {
  const number = (length: number) => `{"a":${'1'.repeat(length)},"rows":[${'1'.repeat(length)}]}`;
  for (const partBytes of [1, 100, 100_000]) {
    assert.equal(scanned(rows, number(numberBytesMax), partBytes).length, 5);
    assert.throws(() => scanned(rows, number(numberBytesMax + 1), partBytes), refusal('sarif_number_too_long', { pointer: '/a' }));
  }
});

test('a long string in small parts is walked once, not again with every part', () => {
  const start = performance.now();
  scanned(rows, `{"other":"${'x'.repeat(8_000_000)}","rows":["${'y'.repeat(8_000_000)}"]}`, 512);
  assert.ok(performance.now() - start < 5_000);
});
