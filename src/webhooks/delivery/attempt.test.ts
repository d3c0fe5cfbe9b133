// What is kept of an answer: neither values nor names of headers nor the body hold what the receiver was sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soughtOf } from '../subscriptions/masking.ts';
import { shownAnswer } from './attempt.ts';

test('what a receiver throws back in names of headers, in their values and in the body is masked', () => {
  const headers = { 'x-planted-Key': 'yes', 'x-echo': 'key=PLANTED-key', server: 'nginx\0' };
  const body = Buffer.from(`{"got":"${Buffer.from('planted-key').toString('base64url')}"}`);
  const shown = shownAnswer({ status: 200, headers, body, failure: null, reason: null, durationMs: 1 }, soughtOf(['planted-key']));
  assert.deepEqual(JSON.parse(shown.headers ?? ''), { 'x-***': 'yes', 'x-echo': 'key=***', server: 'nginx\uFFFD' });
  assert.equal(shown.body, '{"got":"***"}');
});
