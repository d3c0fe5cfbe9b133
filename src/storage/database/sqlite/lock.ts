import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { GatepostError } from '../../../errors.ts';

export interface Lock {
  release(): void;
}

/**
 * Holds a directory for one process, by a file of that name in it. The operating system lets go of it with the process, however that ends, so
 * nothing is left to clear away by hand. It is SQLite's own file lock, since Node offers none. Who comes second is refused with
 * `directory_in_use`.
 */
export function lockDirectory(directory: string, name: string, waitMsMax = 0): Lock {
  const file = join(directory, `${name}.lock`);
  const lock = new Database(file, { timeout: waitMsMax });
  try {
    // A rollback journal in memory: the lock file stays empty and nothing is ever written beside it.
    lock.pragma('journal_mode = MEMORY');
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') throw inUse(directory, name);
    throw error;
  }
  if (name === 'server') writeFileSync(join(directory, 'server.pid'), `${process.pid}\n`);
  return { release: () => lock.close() };
}

function inUse(directory: string, name: string): GatepostError {
  let holder = '';
  try {
    if (name === 'server') holder = ` (process ${readFileSync(join(directory, 'server.pid'), 'utf8').trim()})`;
  } catch {
    // Without the note the refusal is as clear; only the number is missing.
  }
  return new GatepostError(
    'unavailable',
    'directory_in_use',
    `Another Gatepost${holder} is using the data directory ${directory}. Stop it first, or give this one another GATEPOST_DATA.`,
  );
}
