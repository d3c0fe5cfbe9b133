import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The full path of a program on PATH, or null. */
export function findProgram(name: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Whether this machine's packages can be installed by us. */
export function canInstall(): boolean {
  return isRoot() && findProgram('apt-get') !== null;
}

/** Installs one of Debian's packages and says so in one line. No service is started by it. */
export function aptInstall(name: string): void {
  process.stderr.write(`npm test: installing ${name} with apt-get\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  // An outdated list of packages names files that are gone, a list that cannot be refreshed may still do.
  spawnSync('apt-get', ['update', '-q'], { env, stdio: 'ignore' });
  execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', name], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}
