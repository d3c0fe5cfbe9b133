// The launcher is copied into small clones of their own, whose program only tells how it was started. `pretend-old.js` makes the running Node
// say that it is version 20, so that the way through the private Node is walked whatever Node runs the tests.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { isCurrent } from '../../bin/packages.js';
import { privateNode, runtimePackages, runtimeVersion } from '../../bin/runtime.js';

const project = join(import.meta.dirname, '..', '..');
const pretendOld = pathToFileURL(join(import.meta.dirname, 'pretend-old.js')).href;
const platform = `${process.platform}-${process.arch}`;
const binary = (): string => {
  const found = runtimePackages[platform];
  assert.ok(found, `no private Node for ${platform}`);
  return join(`node-${runtimeVersion}-${platform}`, 'node_modules', found.name, found.binary);
};

const program = `
const [what, value] = process.argv.slice(2);
if (what === 'exit') process.exit(Number(value));
if (what === 'wait') {
  process.on('SIGTERM', () => { console.log('got SIGTERM'); process.exit(7); });
  setInterval(() => undefined, 1000);
}
const said: object = { node: process.version, execPath: process.execPath, pid: process.pid, typed: process.argv.slice(2), env: Object.keys(process.env) };
console.log(JSON.stringify(said));
`;

async function clone(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatepost-clone-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await cp(join(project, 'bin'), join(folder, 'bin'), { recursive: true });
  await mkdir(join(folder, 'src', 'cli'), { recursive: true });
  await writeFile(join(folder, 'src', 'cli', 'main.ts'), program);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', type: 'module' }));
  return folder;
}

/** Puts the Node that runs the tests where the private one would lie, so that nothing is fetched. */
async function seed(runtimeFolder: string): Promise<void> {
  await mkdir(join(runtimeFolder, binary(), '..'), { recursive: true });
  await symlink(process.execPath, join(runtimeFolder, binary()));
}

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

function start(
  folder: string,
  words: readonly string[],
  { old = false, env = {} }: { old?: boolean; env?: Record<string, string> } = {},
): Run {
  const options = old ? ['--import', pretendOld] : [];
  const child = spawn(process.execPath, [...options, join(folder, 'bin', 'gatepost.js'), ...words], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return { child, ended };
}

test('a Node that is new enough runs the program itself, in one process, and says nothing of its own', async (t) => {
  const folder = await clone(t);
  const { child, ended } = start(folder, ['a', '--b']);
  const { code, stdout, stderr } = await ended;
  const said = JSON.parse(stdout) as { pid: number; typed: string[] };
  assert.deepEqual([code, said.pid, said.typed, stderr], [0, child.pid, ['a', '--b'], '']);
  assert.equal(existsSync(join(folder, '.runtime')), false);
});

test('an older Node goes on under the private one: arguments, exit code and silence are kept', async (t) => {
  const folder = await clone(t);
  await seed(join(folder, '.runtime'));
  const { stdout, stderr, code } = await start(folder, ['a', '--b'], { old: true }).ended;
  const said = JSON.parse(stdout) as { node: string; typed: string[] };
  assert.deepEqual([code, said.node, said.typed, stderr], [0, process.version, ['a', '--b'], '']);
  assert.equal((await start(folder, ['exit', '37'], { old: true }).ended).code, 37);
});

test('SIGTERM is passed on to the program, and its exit code back', async (t) => {
  const folder = await clone(t);
  await seed(join(folder, '.runtime'));
  const { child, ended } = start(folder, ['wait'], { old: true });
  assert.ok(child.stdout);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  assert.equal(code, 7);
  assert.match(stdout, /got SIGTERM/);
});

test('kill -9 of the launcher takes the program with it', async (t) => {
  const folder = await clone(t);
  await seed(join(folder, '.runtime'));
  const { child, ended } = start(folder, ['wait'], { old: true });
  assert.ok(child.stdout);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const { pid } = JSON.parse(said.toString()) as { pid: number };
  assert.notEqual(pid, child.pid);
  child.kill('SIGKILL');
  await ended;
  for (let round = 0; isAlive(pid); round += 1) {
    assert.ok(round < 100, 'the program lives on');
    await sleep(50);
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('the private Node is fetched once, with one line that says so; two at once both run', async (t) => {
  const folder = await clone(t);
  const both = await Promise.all([start(folder, ['a'], { old: true }).ended, start(folder, ['b'], { old: true }).ended]);
  for (const { code, stdout, stderr } of both) {
    assert.equal(code, 0, stderr);
    const said = JSON.parse(stdout) as { node: string; execPath: string };
    assert.equal(said.node, `v${runtimeVersion}`);
    assert.ok(said.execPath.includes('.runtime'));
    assert.ok(stderr.split('\n').length <= 2, stderr);
  }
  assert.match(
    both.map(({ stderr }) => stderr).join(''),
    /^gatepost: Node 20\.20\.2 is older than 24: fetching Node 24\.21\.0 into .*, this once\n/,
  );
  assert.deepEqual(await readdir(join(folder, '.runtime')), [`node-${runtimeVersion}-${platform}`]);
  // Offline from now on: an npm that cannot be found would be an error.
  const again = await start(folder, ['c'], { old: true, env: { PATH: '/nowhere', npm_execpath: '' } }).ended;
  assert.deepEqual([again.code, again.stderr], [0, '']);
});

test('a private Node whose hash is not the one we know is refused, and nothing of it stays', async (t) => {
  const folder = await clone(t);
  const { name, binary: inside } = runtimePackages[platform] ?? { name: '', binary: '' };
  const packages = { [platform]: { name, binary: inside, integrity: `sha512-${'A'.repeat(86)}==` } };
  t.mock.method(process.stderr, 'write', () => true);
  await assert.rejects(privateNode({ root: folder, isClone: true, packages }), /integrity/i);
  assert.deepEqual(await readdir(join(folder, '.runtime')), []);
});

test('a platform without a private Node is told to install Node', async (t) => {
  const folder = await clone(t);
  await assert.rejects(privateNode({ root: folder, isClone: true, packages: {} }), /Please install Node 24/);
});

test('where the clone cannot be written to, the private Node lies in the cache of the user', async (t) => {
  const folder = await clone(t);
  const cache = await mkdtemp(join(tmpdir(), 'gatepost-cache-'));
  t.after(() => rm(cache, { recursive: true, force: true }));
  await seed(join(cache, 'gatepost'));
  // A file in the place of the folder refuses root, too.
  await writeFile(join(folder, '.runtime'), '');
  const { code, stderr } = await start(folder, ['a'], { old: true, env: { XDG_CACHE_HOME: cache } }).ended;
  assert.deepEqual([code, stderr], [0, '']);
});

test('missing packages are installed once, with one line that says so', async (t) => {
  const folder = await clone(t);
  await mkdir(join(folder, 'dep'));
  await writeFile(join(folder, 'dep', 'package.json'), JSON.stringify({ name: 'dep', version: '1.0.0' }));
  const wanted = { name: 'x', version: '1.0.0', type: 'module', dependencies: { dep: 'file:dep' } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(wanted));
  const packages = { '': wanted, dep: { version: '1.0.0' }, 'node_modules/dep': { resolved: 'dep', link: true } };
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ ...wanted, lockfileVersion: 3, requires: true, packages }));
  const first = await start(folder, ['a']).ended;
  assert.deepEqual([first.code, first.stderr], [0, 'gatepost: installing the packages of package-lock.json\n']);
  assert.ok(existsSync(join(folder, 'node_modules', 'dep')));
  const second = await start(folder, ['a']).ended;
  assert.deepEqual([second.code, second.stderr], [0, '']);
});

test('what package-lock.json names in another version than is there counts as missing; what is for another platform does not', async (t) => {
  const folder = await clone(t);
  const lock = (version: string) => ({
    packages: { '': {}, 'node_modules/a': { version, integrity: 'i' }, 'node_modules/b': { version: '1', optional: true } },
  });
  await mkdir(join(folder, 'node_modules'));
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock('1')));
  assert.equal(await isCurrent(folder), false);
  const installed = { packages: { 'node_modules/a': { version: '1', integrity: 'i' } } };
  await writeFile(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify(installed));
  assert.equal(await isCurrent(folder), true);
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock('2')));
  assert.equal(await isCurrent(folder), false);
});
