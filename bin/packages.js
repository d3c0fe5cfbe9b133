// The packages of a clone: there, and those that package-lock.json names.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LaunchError, npmCleanInstall } from './npm.js';

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} Packages by their place on disk */

const waitMsMax = 10 * 60 * 1000;
const pollMs = 200;

/**
 * Installs what is missing or of another version, and says so in one line; does and says nothing where all is there.
 * @param {{ root: string, node: string }} options
 */
export async function installPackages({ root, node }) {
  if (await isCurrent(root)) return;
  await withLock(join(root, '.runtime', 'installing'), async () => {
    if (await isCurrent(root)) return;
    process.stderr.write('gatepost: installing the packages of package-lock.json\n');
    await npmCleanInstall({ cwd: root, node });
  });
}

/**
 * Compares what is wanted with what npm wrote down when it last installed here.
 * @param {string} root
 */
export async function isCurrent(root) {
  const wanted = await readPackages(join(root, 'package-lock.json'));
  if (wanted === null) return true;
  const there = await readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (there === null) return Object.keys(wanted).every((place) => place === '');
  return Object.entries(wanted).every(([place, { version, integrity, optional }]) => {
    if (place === '') return true;
    const found = there[place];
    // What is optional may be missing: it is for another platform.
    return found === undefined ? optional === true : found.version === version && found.integrity === integrity;
  });
}

/**
 * @param {string} file
 * @returns {Promise<Packages | null>}
 */
async function readPackages(file) {
  try {
    const lock = /** @type {{ packages: Packages }} */ (JSON.parse(await readFile(file, 'utf8')));
    return lock.packages;
  } catch {
    return null;
  }
}

/**
 * One at a time: npm empties node_modules before it fills it. A lock whose process is gone counts for nothing.
 * @param {string} lock
 * @param {() => Promise<void>} work
 */
async function withLock(lock, work) {
  await mkdir(join(lock, '..'), { recursive: true });
  const until = Date.now() + waitMsMax;
  while (!(await take(lock))) {
    if (Date.now() > until)
      throw new LaunchError(`Another process has been installing packages for ten minutes. If it is not, remove ${lock}`);
    await sleep(pollMs);
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** @param {string} lock */
async function take(lock) {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
      throw new LaunchError(`The packages cannot be installed: ${String(error)}`);
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true });
    return false;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
