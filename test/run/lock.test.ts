import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingPackages, readLock } from './lock.ts';

const lock = readLock();

test('npm ci takes package-lock.json on every platform: it holds every package that another one names', () => {
  assert.deepEqual(Object.keys(missingPackages(lock)), [], 'complete it: node bin/run.js test/run/lock.ts');
});

test('every package is pinned: exact versions in package.json, a hash for all that this platform installs, no registry by name', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8');
  const wanted = JSON.parse(text) as { dependencies: Record<string, string>; devDependencies: Record<string, string> };
  for (const [name, version] of Object.entries({ ...wanted.dependencies, ...wanted.devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
  }
  for (const [place, { resolved, integrity, optional }] of Object.entries(lock.packages)) {
    assert.equal(resolved, undefined, place);
    if (place !== '' && optional !== true) assert.match(integrity ?? '', /^sha512-/, place);
  }
});
