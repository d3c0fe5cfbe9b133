import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  breakLongWords,
  cleanForScreen,
  createPrintCleaner,
  marksOfLetterMax,
  unbrokenCharactersMax,
  webAddress,
} from '../../http/pages/clean.ts';
import { chooseFonts, coverageOf, fontFamilies } from './fonts.ts';

const sans = createPrintCleaner(coverageOf(fontFamilies.sans.regular));
const print = (text: string): string => sans(text, 10_000).text;
const screen = (text: string): string => cleanForScreen(text, 10_000).text;

test('the character maps of the fonts are read whole', () => {
  const counts = Object.values(fontFamilies).map((family) => {
    const [regular, bold] = [coverageOf(family.regular), coverageOf(family.bold)];
    let count = 0;
    for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
      count += regular(codePoint) ? 1 : 0;
      assert.equal(regular(codePoint), bold(codePoint), codePoint.toString(16));
    }
    return count;
  });
  assert.deepEqual(counts, [3094, 16732, 23174]);
});

test('a large font is loaded only for a character that no font before it has', () => {
  const keys = (language: 'en' | 'ja' | 'ko', text: string): readonly string[] =>
    chooseFonts(language, new Set(Array.from(text, (letter) => letter.codePointAt(0) ?? 0))).keys;
  assert.deepEqual(keys('en', 'plain, Кириллица, 🔥'), ['sans']);
  assert.deepEqual(keys('en', '漢字'), ['sans', 'jp']);
  assert.deepEqual(keys('en', '漢字 한국어'), ['sans', 'jp', 'kr']);
  assert.deepEqual(keys('ko', '한국어 漢字'), ['sans', 'kr']);
});

test('what no font has becomes a visible escape in print', () => {
  assert.equal(print('a😀b'), 'a‹U+1F600›b');
  assert.equal(print('漢'), '‹U+6F22›');
  assert.equal(screen('a😀b漢⚠️'), 'a😀b漢⚠️');
});

for (const [name, text, expected] of [
  ['NUL and other controls', 'a\u0000b\u001bc\u007fd\u009fe', 'a‹U+0000›b‹U+001B›c‹U+007F›d‹U+009F›e'],
  ['a reversed file name', 'report\u202Efdp.exe', 'report‹U+202E›fdp.exe'],
  ['invisible letters', 'pay\u200Bpal\u00AD\u3164\u{E0041}', 'pay‹U+200B›pal‹U+00AD›‹U+3164›‹U+E0041›'],
  ['noncharacters and private ones', '\uFDD0\uFFFE\uE000\u{10FFFD}', '‹U+FDD0›‹U+FFFE›‹U+E000›‹U+10FFFD›'],
] as const) {
  test(`${name} are shown, on the screen and in print`, () => {
    assert.equal(print(text), expected);
    assert.equal(screen(text), expected);
  });
}

test('a lone surrogate becomes the replacement character', () => {
  assert.equal(print('a\uD800b\uDE00'), 'a�b�');
});

test('line ends of every kind become LF and tabs become spaces', () => {
  assert.equal(print('a\r\nb\rc\u000Bd\u000Ce\u2028f\u2029g\u0085h\ti'), 'a\nb\nc\nd\ne\nf\ng\nh    i');
});

test('a letter keeps three marks; more are shown as escapes, not drawn over the neighbours', () => {
  const kept = 'x' + '\u0316'.repeat(marksOfLetterMax);
  assert.equal(print(kept), kept);
  assert.equal(print(`${kept}\u0316\u0316`), `${kept}‹U+0316›‹U+0316›`);
  assert.equal(print('e\u0301'), 'é');
});

test('a text ends at its limit, never inside an escape or a pair of surrogates', () => {
  assert.deepEqual(sans('abcdef', 6), { text: 'abcdef', cut: false });
  assert.deepEqual(sans('abcdefg', 6), { text: 'abcdef', cut: true });
  assert.deepEqual(sans('abc😀', 6), { text: 'abc', cut: true });
  assert.deepEqual(cleanForScreen('ab😀', 3), { text: 'ab', cut: true });
  assert.equal(sans('\u202E'.repeat(5_000), 1_000).text.length <= 1_000, true);
});

test('long words get places to break, after punctuation where there is some', () => {
  const at = 'x'.repeat(unbrokenCharactersMax);
  assert.equal(breakLongWords(at), at);
  assert.equal(breakLongWords(`${at}x`), 'xxxxxxxx\u200Bxxxxxxxx\u200Bx');
  assert.equal(breakLongWords('src/server/render/list.ts'), 'src/\u200Bserver/\u200Brender/\u200Blist.\u200Bts');
  assert.equal(breakLongWords('これは長い日本語の文章で、空白がありません'), 'これは長い日本語の文章で、空白がありません');
});

test('only addresses of the web are links', () => {
  assert.equal(webAddress('https://example.org/"><x y'), 'https://example.org/%22%3E%3Cx%20y');
  for (const address of [
    'javascript:alert(1)',
    ' JavaScript:x',
    'java\nscript:x',
    'data:text/html,x',
    'file:///x',
    '//x',
    'x',
    '',
    undefined,
  ]) {
    assert.equal(webAddress(address), null, address);
  }
  assert.equal(webAddress(`https://example.org/${'x'.repeat(2_000)}`), null);
});
