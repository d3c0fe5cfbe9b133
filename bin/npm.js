// Finding and running npm. Plain JavaScript, any Node from 20 on.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

/** Something that cannot go on for a reason the person at the keyboard can mend. */
export class LaunchError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'LaunchError';
  }
}

const flags = [
  '--ignore-scripts',
  '--include=dev',
  '--include=optional',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--no-progress',
  '--loglevel=error',
];

/**
 * `npm ci` in a folder, under the given Node: exactly what the lock file names, each package checked against its hash, no install script.
 * @param {{ cwd: string, node: string }} options
 * @returns {Promise<void>}
 */
export async function npmCleanInstall({ cwd, node }) {
  const npm = findNpm();
  const path = [dirname(node), process.env.PATH ?? ''].join(delimiter);
  const [command, first] = npm.endsWith('.js') ? [node, [npm]] : [npm, []];
  const child = spawn(command, [...first, 'ci', ...flags], { cwd, env: cleanEnvironment(path), stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said = (said + chunk).slice(-4000);
  });
  /** @type {number | null} */
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new LaunchError(`npm could not install the packages of ${cwd} (exit ${code}):\n${said.trim()}`);
}

/** npm's own script where it can be found (it then runs under any Node), else whatever is called npm. */
function findNpm() {
  const running = process.env.npm_execpath;
  if (running !== undefined && basename(running) === 'npm-cli.js' && existsSync(running)) return running;
  const folders = [...(process.env.PATH ?? '').split(delimiter), dirname(process.execPath)].filter((folder) => folder !== '');
  for (const folder of folders) {
    const beside = join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js');
    if (process.platform === 'win32' && existsSync(beside)) return beside;
    const named = join(folder, 'npm');
    if (process.platform !== 'win32' && existsSync(named)) return realpathSync(named);
  }
  throw new LaunchError('npm was not found on PATH. It comes with Node; on Debian it is a package of its own: apt-get install npm');
}

/**
 * Without what an outer `npm run` says about itself: it would tell the inner npm to work on the outer one's folder.
 * Settings such as a registry or a cache stay.
 * @param {string} path
 */
function cleanEnvironment(path) {
  const mine =
    /^npm_(lifecycle|package|command|execpath|node_execpath|config_(local_prefix|dry_run|global|json|argv|omit|include|ignore_scripts))/i;
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !mine.test(name))), PATH: path };
}
