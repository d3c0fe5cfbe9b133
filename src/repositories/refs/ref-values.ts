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
  const values = new Map<string, string>();
  let packed: string | null = null;
  for (const [ref, loose] of found) {
    // In this order: a ref that is being packed is in `packed-refs` before its own file goes.
    packed ??= loose === null ? await readPacked(directory) : null;
    values.set(ref, loose ?? valueIn(packed ?? '', ref));
  }
  return values;
}

async function readLoose(directory: string, ref: string): Promise<string | null> {
  if (!isRefName(ref)) throw new Error('A ref is read by its whole name.');
  const text = await readIfThere(join(directory, ref));
  if (text === null) return null;
  const value = text.trimEnd();
  if (!/^[0-9a-f]{40}$/.test(value)) throw new Error(`The file of ${ref} holds no id.`);
  return value;
}

async function readPacked(directory: string): Promise<string> {
  return (await readIfThere(join(directory, 'packed-refs'))) ?? '';
}

function valueIn(packed: string, ref: string): string {
  const at = packed.indexOf(` ${ref}\n`);
  return at < 40 ? zeroId : packed.slice(at - 40, at);
}

const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && absent.has(String(error.code))) return null;
    throw error;
  }
}
