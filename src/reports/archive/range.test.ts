// RFC 9110, section 14: single ranges, suffixes, If-Range, what cannot be satisfied, and what is passed over.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRange } from './range.ts';

const etag = '"tag"';
const read = (range: string | undefined, ifRange?: string): ReturnType<typeof readRange> =>
  readRange({ range, ifRange, etag, length: 100 });
const part = (start: number, end: number): ReturnType<typeof readRange> => ({ kind: 'part', start, end });

test('single ranges', () => {
  assert.deepEqual(read('bytes=0-0'), part(0, 1));
  assert.deepEqual(read('bytes=10-'), part(10, 100));
  assert.deepEqual(read('bytes=10-1000'), part(10, 100));
  assert.deepEqual(read('bytes=-1'), part(99, 100));
  assert.deepEqual(read('bytes=-1000'), part(0, 100));
  assert.deepEqual(read('BYTES=99-99'), part(99, 100));
});

test('ranges past the end cannot be satisfied', () => {
  for (const range of ['bytes=100-', 'bytes=100-200', 'bytes=-0', `bytes=${'9'.repeat(40)}-`])
    assert.deepEqual(read(range), { kind: 'unsatisfiable' }, range);
});

test('what is no single byte range is answered whole', () => {
  for (const range of [undefined, '', 'bytes=', 'bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes=5-4', 'bytes=0-1,5-6', 'bytes=0-1, -1']) {
    assert.deepEqual(read(range), { kind: 'whole' }, range);
  }
});

test('If-Range: the part only where the tag is still the same', () => {
  assert.deepEqual(read('bytes=1-2', '"tag"'), part(1, 3));
  for (const other of ['"old"', 'W/"tag"', 'Wed, 21 Oct 2015 07:28:00 GMT'])
    assert.deepEqual(read('bytes=1-2', other), { kind: 'whole' }, other);
});
