// What a receiver throws back of what it was sent is masked in whatever form it comes, what stands beside it stays, and that costs little.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hide, hideInBody, layersMax, soughtOf } from './masking.ts';
import { secretsOf, secretsOfQuery } from './url.ts';

const query = 'key=sup%C3%A9r%2Fsecr%26t&secret=wide+open&lonely%21one';
const sought = soughtOf(secretsOfQuery(query));

/** Every character of it, each in this way. */
const each = (text: string, way: (code: number) => string) => Array.from(text, (character) => way(character.charCodeAt(0))).join('');
const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0');

test('what was sent is masked in every form, and nothing else is', () => {
  const secret = 'supér/secr&t';
  const bytes = Array.from(Buffer.from(secret), (byte) => `%${hex(byte, 2)}`).join('');
  const forms = [
    query,
    query.replaceAll('&', '&amp;'),
    query.replaceAll('&', '\\u0026'),
    encodeURIComponent(query),
    encodeURIComponent(encodeURIComponent(query)),
    'sup%C3%A9r%2Fsecr%26t',
    'SUP%c3%a9R%2fSECR%26T',
    secret,
    'supér/secr\\u0026t',
    'sup\\u00e9r\\/secr&t',
    'supér/secr&amp;t',
    'wide+open',
    'Wide Open',
    'wide%20open',
    'wide%2Bopen',
    'lonely%21one',
    'lonely!one',
    bytes,
    bytes.toUpperCase(),
    encodeURIComponent(bytes),
    each(secret, (code) => `\\u${hex(code, 4)}`),
    each(secret, (code) => `&#x${hex(code, 2)};`),
    each(secret, (code) => `&#x${hex(code, 6).toUpperCase()};`),
    each(secret, (code) => `&#${code};`),
    Buffer.from(secret).toString('hex').toUpperCase(),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
    encodeURIComponent(Buffer.from(secret).toString('base64')),
    JSON.stringify(JSON.stringify(secret)).slice(3, -3),
  ];
  for (const form of forms) assert.equal(hide(`got ${form}, thanks`, sought), 'got ***, thanks', form);
  // In the midst of something else that was encoded, whatever stands before it.
  for (const before of ['', 'a', 'ab', 'abc']) {
    for (const encoding of ['base64', 'base64url'] as const) {
      const shown = hide(Buffer.from(`${before}${secret}&more`).toString(encoding), sought);
      assert.ok(shown.includes('***') && shown.length < 20, shown);
    }
  }
  for (const other of ['', '%', '\\', '&', '100% of "all" \\n lines &amp; more', 'wide open'.slice(0, 6), 'İ %41 K']) {
    assert.equal(hide(other, sought), other);
  }
});

test('what is masked leaves all that is beside it as it came', () => {
  assert.equal(hide('{"a":"\\u0041\\n%41","b":"wide%20open","c":"\\u00e9"}', sought), '{"a":"\\u0041\\n%41","b":"***","c":"\\u00e9"}');
  assert.equal(hide('😀%F0%9F%98%80wide+open😀', sought), '😀%F0%9F%98%80***😀');
  assert.equal(hide('%ff%77ide open%fe', sought), '***%fe', 'bytes that are no text stand for nothing in particular');
  assert.equal(hide('wide openwide open', sought), '******');
});

test('a login goes with both its parts, alone and encoded together', () => {
  const known = soughtOf(secretsOf(new URL('https://bob:p%40ssword@a.example/hooks/a1b2%2Fc3d4e5?x=1')));
  for (const text of ['p%40ssword', 'p@ssword', Buffer.from('bob:p@ssword').toString('base64'), 'a1b2%2Fc3d4e5', 'a1b2/c3d4e5']) {
    assert.equal(hide(`<${text}>`, known), '<***>', text);
  }
});

test('a value that is too short to be looked for is masked where it is the whole answer', () => {
  const short = soughtOf(secretsOfQuery('pin=7b%21'));
  for (const text of ['7b!', ' 7B!\n', '"7b!"', '7b%21', '&#x37;&#x62;&#x21;', '\\u0037\\u0062\\u0021']) {
    assert.equal(hideInBody(text, short), '***', text);
  }
  for (const text of ['', '7b', 'it was 7b!', '"']) assert.equal(hideInBody(text, short), text);
});

test('what is cut off at the end of what is kept is masked as well', () => {
  const known = soughtOf(['correct-horse', 'battery']);
  for (const end of ['correct-ho', 'corr', 'batter', 'CORR%65', 'corr%6', 'corre&#x6', 'c\\u006frre\\u00']) {
    assert.equal(hideInBody(`it was ${end}`, known), 'it was ***', end);
  }
  for (const whole of ['it was cor', 'it was something', 'it was %6']) assert.equal(hideInBody(whole, known), whole);
});

test(`what was escaped more than ${layersMax} times over is no longer found, which bounds what an answer costs`, () => {
  let text = 'wide open';
  for (let times = 0; times < layersMax; times += 1) text = encodeURIComponent(text);
  assert.equal(hide(text, sought), '***');
  assert.equal(hide(encodeURIComponent(text), sought), encodeURIComponent(text));
});

test('the largest answers cost little, whatever is in them and however much was sent', () => {
  const many = soughtOf(secretsOfQuery(Array.from({ length: 250 }, (_, index) => `k=v${index}xyz`).join('&')));
  const alike = soughtOf(['a'.repeat(1_999) + 'b', `b${'a'.repeat(1_999)}`]);
  const fill = (text: string) => text.repeat(Math.ceil(16_384 / text.length)).slice(0, 16_384);
  const started = performance.now();
  for (const text of ['a', '%61', '%2525', '\\u0061', '&#x61;', '\\', '%', '&', ' ', '%ff', 'k=v1xy&'].map(fill)) {
    for (const known of [many, alike]) hideInBody(text, known);
  }
  const perAnswerMs = (performance.now() - started) / 22;
  assert.ok(perAnswerMs < 250, `${perAnswerMs} ms`);
});
