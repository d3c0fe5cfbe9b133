import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder that this demo has for itself. */
export interface Place {
  readonly directory: string;
  /** Others may have it again. What was made in it stays, to be looked at. */
  release(): void;
}

const ownerFile = 'demo.pid';

/** `<parent>/demo`, emptied; where another demo is still open there, a folder of its own beside it, which the next demo removes. */
export function takePlace(parent: string, pid: number = process.pid): Place {
  const usual = join(parent, 'demo');
  const besides = existsSync(parent) ? readdirSync(parent).filter((name) => /^demo-\d+$/.test(name)) : [];
  for (const name of besides) if (!isInUse(join(parent, name))) rmSync(join(parent, name), { recursive: true, force: true });
  const directory = isInUse(usual) ? `${usual}-${pid}` : usual;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, ownerFile), String(pid));
  return { directory, release: () => rmSync(join(directory, ownerFile), { force: true }) };
}

function isInUse(directory: string): boolean {
  const file = join(directory, ownerFile);
  const owner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  return owner > 0 && isAlive(owner);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
