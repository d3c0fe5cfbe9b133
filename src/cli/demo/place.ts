import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder that this demo has for itself. */
export interface Place {
  readonly directory: string;
  /** Others may have it again. What was made in it stays, to be looked at. */
  release(): void;
}

const ownerFile = 'demo.pid';

/** `<parent>/demo`, emptied; where another demo is still open there, a folder of its own beside it. */
export function takePlace(parent: string): Place {
  const usual = join(parent, 'demo');
  const directory = isInUse(usual) ? `${usual}-${process.pid}` : usual;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, ownerFile), String(process.pid));
  return { directory, release: () => rmSync(join(directory, ownerFile), { force: true }) };
}

function isInUse(directory: string): boolean {
  try {
    const owner = Number(readFileSync(join(directory, ownerFile), 'utf8'));
    return owner > 0 && isAlive(owner);
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
