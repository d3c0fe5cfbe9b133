import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sonarqubeNotices } from '../../analyses/finding.ts';
import { languages } from '../report.ts';
import { chooseFonts } from './fonts.ts';
import { catalogues, isMessageKey, textsOf } from './messages.ts';
import type { Message, MessageKey } from './messages.ts';

// The catalogues are compared with the English one, key by key and place by place.
const keys = Object.keys(catalogues.en) as MessageKey[];

function texts(message: Message): readonly string[] {
  return typeof message === 'string' ? [message] : Object.values(message);
}

function placeholders(message: Message): readonly string[] {
  return texts(message).map((text) => [...new Set(text.match(/\{\w+\}/g))].sort().join(' '));
}

for (const language of languages) {
  test(`no text is missing and none is left over (${language})`, () => {
    assert.deepEqual(Object.keys(catalogues[language]), keys);
    for (const key of keys) {
      for (const text of texts(catalogues[language][key])) assert.notEqual(text.trim(), '', key);
    }
  });

  test(`each text takes the same values as the English one (${language})`, () => {
    for (const key of keys) {
      const [expected] = placeholders(catalogues.en[key]);
      for (const found of placeholders(catalogues[language][key])) assert.equal(found, expected, key);
    }
  });

  test(`counted texts have exactly the plural forms of the language (${language})`, () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const key of keys) {
      const message = catalogues[language][key];
      assert.equal(typeof message, typeof catalogues.en[key], key);
      if (typeof message !== 'string') assert.deepEqual(Object.keys(message).toSorted(), forms, key);
    }
  });

  test(`our fonts have every letter of the texts (${language})`, () => {
    const letters = new Set(Array.from(JSON.stringify(catalogues[language]), (letter) => letter.codePointAt(0) ?? 0));
    const fonts = chooseFonts(language, letters);
    assert.deepEqual(
      [...letters].filter((letter) => !fonts.covers(letter)).map((letter) => String.fromCodePoint(letter)),
      [],
    );
    assert.deepEqual(fonts.keys, { ja: ['sans', 'jp'], ko: ['sans', 'kr'] }[language as string] ?? ['sans']);
  });
}

test('no text is kept that nothing says', () => {
  const sources = readdirSync(import.meta.dirname)
    .filter((name) => /\.(ts|typ)$/.test(name) && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(`${import.meta.dirname}/${name}`, 'utf8'))
    .join('\n');
  const composed =
    /^(severity|state|usage|notice|metric|gate|operator|probability|hotspot)\.|^(sonarqube|coverage|method\.sonarqube)\.?(mode|versionFrom)?\.(mqr|standard|analysis|property|tag|revision)$|^change\.(new|fixed|still|reopened)$|^finding\.(new|reopened)$|^categories\.(more|fewer)$|^suppression\.(inSource|external)$/;
  const unused = keys.filter((key) => !sources.includes(`'${key}'`) && !sources.includes(`"${key}"`) && !composed.test(key));
  assert.deepEqual(unused, []);
});

test('every notice of the SARIF reader has a text', () => {
  const reader = `${import.meta.dirname}/../../analyses/sarif`;
  const sources = readdirSync(reader)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(`${reader}/${name}`, 'utf8'));
  const codes = new Set(
    sources.flatMap((source) => [...source.matchAll(/notices\.add\(\s*'(\w+)'/g)].map((match) => `notice.${match[1]}`)),
  );
  assert.equal(codes.size > 5, true);
  assert.deepEqual(
    [...codes].filter((key) => !isMessageKey(key)),
    [],
  );
});

test('every notice of SonarQube has a text', () => {
  assert.deepEqual(
    sonarqubeNotices.filter((code) => !isMessageKey(`notice.${code}`)),
    [],
  );
});

test('a text without one of its values is an error, not a hole', () => {
  assert.throws(() => textsOf('en').say('document.page', { page: 1 }), /document\.page: no value for \{pages\}/);
  assert.throws(() => textsOf('en').say('verdict.open'), /verdict\.open: no plural form for undefined/);
});

test('plural forms are chosen as the language wants them', () => {
  const open = (count: number): string => textsOf('ru').say('verdict.open', { count });
  assert.deepEqual([1, 2, 5, 21, 22, 111].map(open), [
    '1 открытое замечание',
    '2 открытых замечания',
    '5 открытых замечаний',
    '21 открытое замечание',
    '22 открытых замечания',
    '111 открытых замечаний',
  ]);
  assert.equal(textsOf('fr').say('verdict.open', { count: 0 }), '0 constat ouvert');
});

test('numbers and dates are the same whatever the host is set to', () => {
  const zone = process.env.TZ;
  process.env.TZ = 'Asia/Tokyo';
  try {
    assert.equal(textsOf('en').moment('2026-11-20T09:15:00.0000000+01:00'), 'November 20, 2026 at 08:15 UTC');
    assert.equal(textsOf('fr').moment('2026-11-20T23:59:59+00:00'), '20 novembre 2026 à 23:59 UTC');
    assert.equal(textsOf('ja').day('2026-11-20T23:59:59Z'), '2026-11-20');
    assert.equal(textsOf('en').number(1234567), '1,234,567');
    assert.equal(textsOf('en').moment('no date'), 'no date');
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});
