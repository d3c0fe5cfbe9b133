import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress, sizeText } from './progress.ts';

test('the bar is drawn at most ten times a second, at the end in full, never wider than the screen', () => {
  const drawn: string[] = [];
  let now = 1_000;
  const screen = { write: (text: string) => void drawn.push(text), columns: 60 };
  const progress = createProgress({ screen, label: 'scan.sarif', bytes: 2048, now: () => now });
  for (let part = 0; part < 8; part += 1) {
    now += 50;
    progress.add(256);
  }
  assert.equal(drawn.length, 5);
  assert.match(drawn.at(-1) ?? '', /100 %/);
  for (const line of drawn) assert.ok(line.length <= 60 + '\r\u001b[K'.length);
});

test('without a terminal nothing is drawn', () => {
  const progress = createProgress({ screen: null, label: 'x', bytes: 1 });
  progress.add(1);
  progress.end();
});

test('sizes read well', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 2 ** 30, 5 * 2 ** 40].map(sizeText), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '1.0 GiB',
    '5.0 TiB',
  ]);
});
