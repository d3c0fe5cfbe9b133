import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GatepostError } from '../../errors.ts';
import type { Lock } from '../../storage/database/sqlite/lock.ts';
import { lockDirectory } from '../../storage/database/sqlite/lock.ts';

/** A folder that this demo has for itself. */
export interface Place {
  readonly directory: string;
  /** Others may have it again. What was made in it stays, to be looked at. */
  release(): void;
}

/** Demos that can be open at once in one clone. */
export const demosMax = 8;

/**
 * `<parent>/demo`, emptied; where another demo is still open there, `demo-2` beside it, and so on. What lies in those beside that nobody has open
 * is removed. The lock is the operating system's: of any number of demos that begin at once no two get the same, and one that was killed
 * holds nothing.
 */
export function takePlace(parent: string): Place {
  mkdirSync(parent, { recursive: true });
  let mine: Place | null = null;
  for (let number = 1; number <= demosMax; number += 1) {
    const name = number === 1 ? 'demo' : `demo-${number}`;
    const directory = join(parent, name);
    if (mine !== null && !existsSync(directory)) continue;
    const lock = tryLock(parent, name);
    if (lock === null) continue;
    rmSync(directory, { recursive: true, force: true });
    if (mine === null) {
      mkdirSync(directory);
      mine = { directory, release: () => lock.release() };
    } else {
      lock.release();
    }
  }
  if (mine === null)
    throw new GatepostError('unavailable', 'demos_open', `There are ${demosMax} demos open in ${parent}. Close one first.`);
  return mine;
}

function tryLock(parent: string, name: string): Lock | null {
  try {
    return lockDirectory(parent, name);
  } catch (error) {
    if (error instanceof GatepostError && error.code === 'directory_in_use') return null;
    throw error;
  }
}
