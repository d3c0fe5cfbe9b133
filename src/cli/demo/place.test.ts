// Demos of this process and of others, some of them killed, all in one clone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { demosMax, takePlace } from './place.ts';

function parentOf(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'gatepost-place-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'data');
}

/** A demo in a process of its own, open until it is killed. */
async function another(t: TestContext, parent: string): Promise<{ readonly directory: string; kill(): Promise<void> }> {
  const program = `
    import { takePlace } from ${JSON.stringify(new URL('place.ts', import.meta.url).href)};
    console.log(takePlace(${JSON.stringify(parent)}).directory);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(kill);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { directory: line.toString().trim(), kill };
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
  second.release();
});

test('a demo that is still open keeps its folder', (t) => {
  const parent = parentOf(t);
  const first = takePlace(parent);
  writeFileSync(join(first.directory, 'harbour.zip'), 'made');
  const second = takePlace(parent);
  assert.equal(basename(second.directory), 'demo-2');
  assert.ok(existsSync(join(first.directory, 'harbour.zip')));
  first.release();
  const third = takePlace(parent);
  assert.equal(third.directory, first.directory);
  assert.ok(existsSync(second.directory));
  for (const place of [second, third]) place.release();
  takePlace(parent).release();
  assert.ok(!existsSync(second.directory), 'a folder beside that nobody has open is removed');
});

test('demos that begin at the same moment each get a folder of their own', async (t) => {
  const parent = parentOf(t);
  const demos = await Promise.all(Array.from({ length: 4 }, () => another(t, parent)));
  assert.equal(new Set(demos.map(({ directory }) => directory)).size, 4);
  for (const { directory } of demos) assert.ok(existsSync(directory));
});

test('a demo that was killed does not hold its folder', async (t) => {
  const parent = parentOf(t);
  const first = await another(t, parent);
  await first.kill();
  const second = takePlace(parent);
  assert.equal(second.directory, first.directory);
  second.release();
});

test('more demos than there may be are refused', (t) => {
  const parent = parentOf(t);
  const places = Array.from({ length: demosMax }, () => takePlace(parent));
  assert.throws(() => takePlace(parent), { code: 'demos_open' });
  for (const place of places) place.release();
});
