import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startChild } from './process.ts';
import type { Told } from './shim-process.ts';
import { createShim } from './shim.ts';

test('a process under the shim has a slower disk and another time of day, as long as it is told so, and its steady clock stays', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-test-'));
  const shim = createShim();
  const child = await startChild({
    module: new URL('shim-process.ts', import.meta.url),
    args: [join(directory, 'file')],
    environment: shim.environment,
  });
  t.after(async () => {
    await child.kill();
    shim.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const isOff = (told: Told, ms: number): boolean => Math.abs(told.wallMs - Date.now() - ms) < 2_000;

  const before = await child.ask<Told>('tell');
  assert.ok(isOff(before, 0));
  shim.slowDisk(300);
  shim.shiftClock(86_400_000);
  const forward = await child.ask<Told>('tell');
  assert.ok(isOff(forward, 86_400_000));
  assert.ok(forward.syncMs >= 300, `${forward.syncMs}`);
  assert.ok(forward.steadyMs - before.steadyMs < 60_000);
  shim.slowDisk(0);
  shim.shiftClock(-3_600_500);
  const back = await child.ask<Told>('tell');
  assert.ok(isOff(back, -3_600_500));
  assert.ok(back.steadyMs > forward.steadyMs);
});
