import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { aptInstall, canInstall, findProgram } from './system.ts';

const requirements = join(import.meta.dirname, '../clients/requirements.txt');
const cache = join(import.meta.dirname, '../../node_modules/.cache');
const installMsMax = 300_000;

/**
 * A Python that has the clients of others’ APIs that the tests drive, in the versions of test/clients/requirements.txt. Made once, in
 * node_modules/.cache; at once there the second time. Installs Python where we may, else says what to install.
 */
export function findPython(): string {
  const given = process.env.TEST_PYTHON;
  if (given !== undefined && given !== '') return given;
  const base = findBase();
  const kind = run(base, ['-c', 'import sys; print(sys.implementation.cache_tag, sys.prefix)']).stdout;
  const name = createHash('sha256').update(readFileSync(requirements)).update(kind).digest('hex').slice(0, 16);
  const place = join(cache, `gatepost-python-${name}`);
  if (!existsSync(place)) make(base, place);
  return join(place, 'bin/python');
}

function findBase(): string {
  const found = findProgram('python3');
  if (found !== null) return found;
  if (canInstall()) {
    aptInstall('python3-venv');
    const installed = findProgram('python3');
    if (installed !== null) return installed;
  }
  throw new Error(
    'The tests need Python 3.9 or newer with venv. Please install it (Debian: apt-get install python3-venv), or name one in TEST_PYTHON.',
  );
}

/** Put in its place whole: one that broke off is never taken for a good one. */
function make(base: string, place: string): void {
  process.stderr.write('npm test: installing clients of SonarQube and Secure Source Manager from PyPI (test/clients/requirements.txt)\n');
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(join(cache, 'gatepost-python-'));
  try {
    makeEnvironment(base, temporary);
    const pip = run(join(temporary, 'bin/python'), ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', requirements]);
    if (pip.status !== 0) throw new Error(`The tests need clients from PyPI, and pip could not install them: ${lastLine(pip.stderr)}`);
    if (!existsSync(place)) renameSync(temporary, place);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function makeEnvironment(base: string, folder: string): void {
  const make = () => run(base, ['-m', 'venv', '--clear', folder]);
  let made = make();
  // Debian has ensurepip, which venv needs, in a package of its own.
  if (made.status !== 0 && canInstall()) {
    aptInstall('python3-venv');
    made = make();
  }
  if (made.status === 0) return;
  throw new Error(
    `The tests need Python's venv. Please install it (Debian: apt-get install python3-venv). ${lastLine(made.stdout + made.stderr)}`,
  );
}

function run(program: string, options: readonly string[]) {
  return spawnSync(program, [...options], { encoding: 'utf8', timeout: installMsMax });
}

function lastLine(text: string | null): string {
  return (text ?? '').trim().split('\n').at(-1) ?? '';
}
