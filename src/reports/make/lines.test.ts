import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { appendFile, createTextFile, readLines } from './lines.ts';

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-lines-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('lines come back as they were written, however long and wherever pieces of the file end', (t) => {
  const path = join(folder(t), 'lines');
  const lines = [
    '',
    'short',
    'é😀'.repeat(100_000),
    'x'.repeat(256 * 1024 - 1),
    '',
    'y'.repeat(256 * 1024),
    '한국어',
    ...Array.from({ length: 20_000 }, (_, n) => `línea ${n}`),
  ];
  const file = createTextFile(path);
  for (const line of lines) file.write(`${line}\n`);
  file.close();
  assert.deepEqual([...readLines(path)], lines);
});

test('a last line without an end is a line, an empty file has none', (t) => {
  const path = join(folder(t), 'lines');
  writeFileSync(path, 'a\nb');
  assert.deepEqual([...readLines(path)], ['a', 'b']);
  writeFileSync(path, '');
  assert.deepEqual([...readLines(path)], []);
});

test('a file is appended whole, characters that pieces cut in two included', (t) => {
  const directory = folder(t);
  const text = `\uFEFFa${'😀é'.repeat(200_000)}`;
  writeFileSync(join(directory, 'part'), text);
  const file = createTextFile(join(directory, 'whole'));
  file.write('[');
  appendFile(file, join(directory, 'part'));
  file.write(']');
  file.close();
  assert.equal(readFileSync(join(directory, 'whole'), 'utf8'), `[${text}]`);
});
