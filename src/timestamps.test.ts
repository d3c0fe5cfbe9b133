import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTimestamp } from './timestamps.ts';

test('offset and decimals are kept as they came, Z becomes +00:00', () => {
  for (const [given, text, utc] of [
    ['2025-12-17T09:05:48.5946432+00:00', '2025-12-17T09:05:48.5946432+00:00', '2025-12-17T09:05:48.594Z'],
    ['2025-12-17T09:05:48Z', '2025-12-17T09:05:48+00:00', '2025-12-17T09:05:48.000Z'],
    ['2016-11-18T10:46:28+0100', '2016-11-18T10:46:28+01:00', '2016-11-18T09:46:28.000Z'],
    ['2025-12-17T09:05:48.123456789Z', '2025-12-17T09:05:48.1234567+00:00', '2025-12-17T09:05:48.123Z'],
    ['2025-12-17t09:05:48.1z', '2025-12-17T09:05:48.1+00:00', '2025-12-17T09:05:48.100Z'],
  ] as const) {
    assert.deepEqual(parseTimestamp(given), { text, ms: Date.parse(utc) });
  }
});

test('what is no point in time is refused', () => {
  for (const text of [
    '',
    'yesterday',
    '2025-12-17',
    '2025-12-17T09:05:48',
    '2025-02-30T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-01-01T25:00:00Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T00:00:00+24:00',
  ]) {
    assert.equal(parseTimestamp(text), null, text);
  }
});
