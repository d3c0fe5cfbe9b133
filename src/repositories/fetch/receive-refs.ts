import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git/git.ts';
import { isRefName } from '../repository.ts';

/** More refs than this in files of their own are git's to read, … */
export const looseRefsMax = 32;
/** … and a larger file of packed ones. */
export const packedRefsBytesMax = 256 * 1024;

/**
 * What `git receive-pack --http-backend-info-refs` tells: all refs, and what git can do. A push asks for it first, and a process for that costs as much
 * as the push; so the refs of a small repository are read from git's own files (gitrepository-layout), and only what git can do is git's word, of its
 * first answer. Null: this repository is git's to tell.
 */
export interface ReceiveRefs {
  read(repository: string): Promise<Buffer | null>;
}

export function createReceiveRefs(git: Git): ReceiveRefs {
  let abilities: string | null = null;
  return {
    async read(repository) {
      const refs = await readAllRefs(git.directory(repository));
      if (refs === null) return null;
      if (abilities !== null) return advertised(refs, abilities);
      const args = ['receive-pack', '--http-backend-info-refs', git.directory(repository)];
      const { stdout } = await git.run({ repository, args });
      const [, told] = /^[0-9a-f]{44} [^\0\n]+\0([^\n]+)\n/.exec(stdout.toString('latin1', 0, abilitiesBytesMax)) ?? [];
      abilities = told ?? null;
      return stdout;
    },
  };
}

/** Of git's first line, which is the one that tells what it can do. */
const abilitiesBytesMax = 4096;
const noRef = `${'0'.repeat(40)} capabilities^{}`;

function advertised(refs: ReadonlyMap<string, string>, abilities: string): Buffer {
  const sorted = [...refs].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const lines = sorted.length === 0 ? [noRef] : sorted.map(([ref, id]) => `${id} ${ref}`);
  const packets = lines.map((line, at) => {
    const bytes = Buffer.from(at === 0 ? `${line}\0${abilities}\n` : `${line}\n`);
    return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
  });
  return Buffer.concat([...packets, Buffer.from('0000')]);
}

/** Refs with a file of their own first: one that is being packed is in the other file before its own goes. */
async function readAllRefs(directory: string): Promise<ReadonlyMap<string, string> | null> {
  try {
    const names = await namesBelow(directory, 'refs', []);
    if (names === null) return null;
    const loose = await Promise.all(names.map(async (ref) => [ref, await valueOf(join(directory, ref))] as const));
    const packed = await packedRefs(join(directory, 'packed-refs'));
    if (packed === null || loose.some(([, id]) => id === 'other')) return null;
    return new Map([...packed, ...loose.filter(([, id]) => id !== 'gone')]);
  } catch {
    // Whatever it is, git knows better.
    return null;
  }
}

async function namesBelow(directory: string, prefix: string, found: string[]): Promise<readonly string[] | null> {
  for (const entry of await readdir(join(directory, prefix), { withFileTypes: true })) {
    const name = `${prefix}/${entry.name}`;
    if (entry.isDirectory()) {
      if ((await namesBelow(directory, name, found)) === null) return null;
    } else if (!name.endsWith('.lock')) {
      if (!isRefName(name) || found.push(name) > looseRefsMax) return null;
    }
  }
  return found;
}

async function valueOf(path: string): Promise<string> {
  const text = await readFile(path, 'latin1').catch(() => null);
  if (text === null) return 'gone';
  return /^[0-9a-f]{40}\n$/.test(text) ? text.slice(0, 40) : 'other';
}

async function packedRefs(path: string): Promise<ReadonlyMap<string, string> | null> {
  const file = await stat(path).catch(() => null);
  if (file === null) return new Map();
  if (file.size > packedRefsBytesMax) return null;
  const text = await readFile(path, 'utf8');
  if (text.includes('\ufffd')) return null;
  return new Map([...text.matchAll(/^([0-9a-f]{40}) (refs\/.+)$/gm)].map(([, id = '', ref = '']) => [ref, id]));
}
