// Hostile names go in; what comes out must be harmless on every system, and no two of a folder the same.
import assert from 'node:assert/strict';
import { posix, win32 } from 'node:path';
import { test } from 'node:test';
import { cleanPart, createFolder, partBytesMax, partCharactersMax } from './names.ts';

const hostile = [
  '',
  '.',
  '..',
  '...',
  '../../etc/passwd',
  '..\\..\\windows',
  '/etc/passwd',
  'C:\\x',
  'C:',
  '\\\\server\\share',
  'a\0b',
  'a\nb\tc',
  '\u202egnp.exe',
  '\u200b\ufeff',
  '\ud800',
  'CON',
  'con.txt',
  'Aux . txt',
  'nul.',
  'COM1',
  'lpt9.log',
  'com².x',
  'a.',
  'a ',
  ' . . ',
  '.ssh',
  '~',
  '-rf',
  '*?"<>|',
  'x'.repeat(500),
  `${'漢'.repeat(500)}.html`,
  '👩‍👩‍👧‍👦'.repeat(60),
  'e\u0301'.repeat(300),
  `${'a'.repeat(59)} .html`,
  `a.${'b'.repeat(300)}`,
  'report.html',
];

function assertHarmless(name: string, from: string): void {
  assert.match(name, /^[^\p{C}\p{Zl}\p{Zp}/\\:*?"<>|]+$/u, from);
  assert.ok(name !== '.' && name !== '..' && !name.startsWith('.'), from);
  assert.doesNotMatch(name, /[. ]$|^ /, from);
  assert.doesNotMatch(name, /^(con|prn|aux|nul|com\d|lpt\d)\s*(\.|$)/i, from);
  assert.ok(Array.from(name).length <= partCharactersMax && Buffer.byteLength(name) <= partBytesMax, from);
  assert.ok(name.isWellFormed(), from);
  assert.equal(posix.join('/base', name), `/base/${name}`, from);
  assert.equal(win32.join('C:\\base', name), `C:\\base\\${name}`, from);
}

test('no name leads out of its folder or troubles a file system, and cleaning again changes nothing', () => {
  for (const text of hostile) {
    const name = cleanPart(text);
    assertHarmless(name, JSON.stringify(text));
    assert.equal(cleanPart(name), name);
  }
  assert.equal(cleanPart('report.html'), 'report.html');
  assert.equal(cleanPart('Тест 製品'), 'Тест 製品');
  assert.equal(cleanPart(`${'x'.repeat(100)}.findings.json`), `${'x'.repeat(55)}.json`);
});

test('clashes are numbered, also those of case and of Unicode forms, and numbers do not clash themselves', () => {
  const folder = createFolder(['manifest.json']);
  const file = (text: string): string => folder.name(text, 'file');
  assert.equal(file('report.html'), 'report.html');
  assert.equal(file('Report.HTML'), 'Report (2).HTML');
  assert.equal(file('report (3).html'), 'report (3).html');
  assert.equal(file('REPORT.html'), 'REPORT (4).html');
  assert.equal(file('Manifest.JSON'), 'Manifest (2).JSON');
  assert.equal(file('é'), 'é');
  assert.equal(file('e\u0301'), 'é (2)');
  assert.equal(folder.name('1.0', 'folder'), '1.0');
  assert.equal(folder.name('1.0', 'folder'), '1.0 (2)');
  assert.equal(folder.name('a/b', 'folder'), 'a_b');
  assert.equal(folder.name('a:b', 'folder'), 'a_b (2)');
});

test('a thousand times the longest name gives a thousand bounded names', () => {
  const folder = createFolder();
  const names = new Set<string>();
  for (let i = 0; i < 1_000; i += 1) {
    const name = folder.name(`${'漢'.repeat(100)}.html`, i % 2 === 0 ? 'file' : 'folder');
    assertHarmless(name, name);
    names.add(name.toLowerCase());
  }
  assert.equal(names.size, 1_000);
});
