// The limits of the open calls, with a clock that the test turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenLimits, networkOf } from './open-limits.ts';

function limits(
  options: { perSecond?: number; archivesPerAddress?: number; archivesPerOrganization?: number },
  clock = { now: () => 0 },
): ReturnType<typeof createOpenLimits> {
  return createOpenLimits({ clock, perSecond: 1_000, archivesPerAddress: 1_000, archivesPerOrganization: 1_000, ...options });
}

test('an address gets its calls per second and 429 with Retry-After past them; others are not touched', () => {
  let now = 0;
  const open = limits({ perSecond: 3 }, { now: () => now });
  for (let i = 0; i < 3; i += 1) open.admit('192.0.2.1');
  assert.throws(() => open.admit('192.0.2.1'), { kind: 'rate_limited', code: 'too_many_requests', retryAfterSeconds: 1 });
  open.admit('192.0.2.2');
  now = 400;
  open.admit('192.0.2.1');
  assert.throws(() => open.admit('192.0.2.1'), { code: 'too_many_requests' });
  now = 60_000;
  for (let i = 0; i < 3; i += 1) open.admit('192.0.2.1');
  assert.throws(() => open.admit('192.0.2.1'), { code: 'too_many_requests' });
});

test('archives under way are counted per address and per organization until they end, however often that is said', () => {
  const open = limits({ archivesPerAddress: 2, archivesPerOrganization: 3 });
  const first = open.beginArchive('192.0.2.1', 'o');
  open.beginArchive('192.0.2.1', 'o');
  assert.throws(() => open.beginArchive('192.0.2.1', 'other'), { code: 'too_many_archives', retryAfterSeconds: 10 });
  open.beginArchive('192.0.2.2', 'o');
  assert.throws(() => open.beginArchive('192.0.2.3', 'o'), { code: 'too_many_archives' });
  first();
  first();
  open.beginArchive('192.0.2.1', 'o');
  assert.throws(() => open.beginArchive('192.0.2.3', 'o'), { code: 'too_many_archives' });
});

test('an IPv6 caller is its /64, an IPv4 one mapped into IPv6 is itself', () => {
  assert.equal(networkOf('2001:db8:1:2:3::1'), networkOf('2001:db8:1:2:ffff::'));
  assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
});
