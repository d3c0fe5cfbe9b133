import { spawnSync } from 'node:child_process';
import { versionOf, versionProblem } from '../../src/repositories/git/version.ts';
import { aptInstall, canInstall } from './system.ts';

/** git itself: the server runs it, and it is the client of most tests of repositories. Installed where we may; else said. */
export function bringGit(): void {
  if (problemOf() === null) return;
  if (canInstall()) aptInstall('git');
  const problem = problemOf();
  if (problem !== null) throw new Error(`The tests need git. ${problem} Please install it (Debian: apt-get install git).`);
}

function problemOf(): string | null {
  const { error, stdout } = spawnSync('git', ['--version'], { encoding: 'utf8' });
  return error === undefined ? versionProblem(versionOf(stdout)) : 'There is none.';
}
