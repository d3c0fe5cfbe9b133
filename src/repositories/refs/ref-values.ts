import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zeroId } from '../../events/git-facts.ts';
import { isRefName } from '../repository.ts';

/**
 * What these refs of a repository point to now; 40 zeros where there is none. Read from git's own files (gitrepository-layout: a file of its own
 * before `packed-refs`), since a process of git for each push would cost as much as all else that recording it takes.
 */
export async function readRefs(directory: string, refs: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(refs.map(async (ref) => [ref, await readLoose(directory, ref)] as const));
  const missing = found.flatMap(([ref, loose]) => (loose === null ? [ref] : []));
  // In this order: a ref that is being packed is in `packed-refs` before its own file goes.
  const packed = missing.length === 0 ? new Map<string, string>() : packedOf((await readPacked(directory)) ?? '', missing);
  return new Map(found.map(([ref, loose]) => [ref, loose ?? packed.get(ref) ?? zeroId]));
}

async function readLoose(directory: string, ref: string): Promise<string | null> {
  if (!isRefName(ref)) throw new Error('A ref is read by its whole name.');
  const text = await readIfThere(join(directory, ref));
  if (text === null) return null;
  const value = text.trimEnd();
  if (!/^[0-9a-f]{40}$/.test(value)) throw new Error(`The file of ${ref} holds no id.`);
  return value;
}

function readPacked(directory: string): Promise<string | null> {
  return readIfThere(join(directory, 'packed-refs'));
}

/** Lines `<id> <ref>`, and others that begin with `#` or `^`. Few refs are looked for, of many all lines are read. */
function packedOf(text: string, refs: readonly string[]): ReadonlyMap<string, string> {
  if (refs.length > fewRefs) return new Map(text.split('\n').map((line) => [line.slice(41), line.slice(0, 40)]));
  const values = new Map<string, string>();
  for (const ref of refs) {
    const at = text.indexOf(` ${ref}\n`);
    if (at >= 40) values.set(ref, text.slice(at - 40, at));
  }
  return values;
}

const fewRefs = 16;

const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && absent.has(String(error.code))) return null;
    throw error;
  }
}
