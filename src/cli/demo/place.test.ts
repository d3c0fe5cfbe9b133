// The owner of a place is told by its process: this one is alive, and no process has the number that the tests give to one that is gone.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { takePlace } from './place.ts';

const gone = 2 ** 30;

function parentOf(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'gatepost-place-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'data');
}

test('a second demo begins with an empty folder, and what the first made was left until then', (t) => {
  const parent = parentOf(t);
  const first = takePlace(parent);
  writeFileSync(join(first.directory, 'harbour.zip'), 'made');
  first.release();
  assert.ok(existsSync(join(first.directory, 'harbour.zip')));
  const second = takePlace(parent);
  assert.equal(second.directory, first.directory);
  assert.ok(!existsSync(join(second.directory, 'harbour.zip')));
});

test('a demo that is still open keeps its folder', (t) => {
  const parent = parentOf(t);
  const first = takePlace(parent);
  writeFileSync(join(first.directory, 'harbour.zip'), 'made');
  const second = takePlace(parent, gone);
  assert.equal(basename(second.directory), `demo-${gone}`);
  assert.ok(existsSync(join(first.directory, 'harbour.zip')));
  takePlace(parent, gone - 1);
  assert.ok(!existsSync(second.directory), 'a folder whose demo is gone is removed');
});

test('a demo that was killed does not hold its folder', (t) => {
  const parent = parentOf(t);
  const first = takePlace(parent, gone);
  assert.equal(takePlace(parent).directory, first.directory);
});
