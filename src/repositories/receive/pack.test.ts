// Packs that git itself makes are known for what they are, or the quick way would never be gone; no other bytes are taken for one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { clientRuns } from '../../../test/git-host.ts';
import { commitObjects, packOf } from '../../../test/push-client.ts';
import { isPlainPack, packTailBytes } from './pack.ts';

const roomy = 2 ** 30;

/** Packs of a history whose file grows by a line, so that git stores differences: by offset, by id, and to objects that are not in the pack. */
async function realPacks(t: TestContext): Promise<readonly Buffer[]> {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-pack-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  await clientRuns(directory, 'init', '-q');
  const lines: string[] = Array.from({ length: 200 }, () => randomBytes(20).toString('hex'));
  for (let number = 0; number < 4; number += 1) {
    lines.splice(number * 7, 1, `line ${number}`);
    writeFileSync(join(directory, 'file'), lines.join('\n'));
    await clientRuns(directory, 'add', '.');
    await clientRuns(directory, 'commit', '-qm', `commit ${number}`);
  }
  const pack = (revisions: string, ...args: readonly string[]): Buffer =>
    spawnSync('git', ['pack-objects', '--stdout', '--revs', '-q', ...args], { cwd: directory, input: revisions }).stdout;
  return [pack('HEAD\n'), pack('HEAD\n', '--delta-base-offset'), pack('HEAD\n^HEAD~1\n', '--thin', '--delta-base-offset'), packOf([])];
}

test('what git packs is a plain pack, with differences and without', async (t) => {
  for (const pack of await realPacks(t)) assert.equal(isPlainPack(pack, roomy), true);
  assert.equal(isPlainPack(packOf(commitObjects({ text: 'one' })), roomy), true);
});

test('one with an object that is too large, one byte changed, cut, or with more behind it is none', async (t) => {
  for (const pack of await realPacks(t)) {
    if (pack.length > 100) assert.equal(isPlainPack(pack, 1_000), false);
    for (let number = 0; number < 200; number += 1) {
      const changed = Buffer.from(pack);
      const at = Math.floor(Math.random() * pack.length);
      changed[at] = (changed[at] ?? 0) ^ (1 << (number % 8));
      assert.equal(isPlainPack(changed, roomy), false, `byte ${at} of ${pack.length}`);
    }
    for (const length of [0, 11, 12, pack.length - packTailBytes, pack.length - 1]) {
      assert.equal(isPlainPack(pack.subarray(0, length), roomy), false);
    }
    assert.equal(isPlainPack(Buffer.concat([pack, Buffer.from('x')]), roomy), false);
    assert.equal(isPlainPack(Buffer.concat([pack, pack]), roomy), false);
  }
});

test('noise is looked at quickly and found to be none', () => {
  for (let number = 0; number < 300; number += 1) {
    const noise = Buffer.concat([Buffer.from('PACK\0\0\0\x02\0\0\0\x09'), randomBytes(Math.floor(Math.random() * 500))]);
    assert.equal(isPlainPack(noise, roomy), false);
  }
});
