import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FactsSource } from './facts.ts';
import { look, pieces } from './look.ts';

export interface RefsCount {
  readonly branches: number;
  readonly tags: number;
}

/** How many branches and tags there are, read from the files git keeps them in; where it keeps them otherwise, git is asked. */
export async function countRefs(source: FactsSource): Promise<RefsCount> {
  await source.git.check(source.repository);
  const directory = source.git.directory(source.repository);
  const packed = await packedRefs(join(directory, 'packed-refs'));
  const [branches, tags] = await Promise.all([looseRefs(directory, 'refs/heads'), looseRefs(directory, 'refs/tags')]);
  if (packed === null || branches === null || tags === null) return askGit(source);
  return { branches: together(packed.branches, branches), tags: together(packed.tags, tags) };
}

function together(packed: ReadonlySet<string>, loose: readonly string[]): number {
  return packed.size + loose.filter((ref) => !packed.has(ref)).length;
}

interface Packed {
  readonly mark: string;
  readonly branches: ReadonlySet<string>;
  readonly tags: ReadonlySet<string>;
}

/** git writes this file anew when it packs refs or deletes one, seldom: what was read of it is good for as long as it is the same file. */
const packedKept = new Map<string, Packed>();
const packedKeptMax = 8;
/** A file of more than this is git's to read: some 12,000 refs. */
const packedBytesMax = 1024 * 1024;

async function packedRefs(path: string): Promise<Packed | null> {
  const file = await stat(path, { bigint: true }).catch(() => null);
  if (file === null) return { mark: '', branches: new Set(), tags: new Set() };
  if (file.size > packedBytesMax) return null;
  const mark = `${file.ino} ${file.size} ${file.mtimeNs}`;
  const kept = packedKept.get(path);
  if (kept?.mark === mark) return kept;
  const text = await readFile(path, 'latin1').catch(() => null);
  if (text === null) return null;
  const refs = (prefix: string): ReadonlySet<string> =>
    new Set(
      [...text.matchAll(/^[0-9a-f]{40} (refs\/(?:heads|tags)\/.+)$/gm)].flatMap(([, ref = '']) => (ref.startsWith(prefix) ? [ref] : [])),
    );
  const packed: Packed = { mark, branches: refs('refs/heads/'), tags: refs('refs/tags/') };
  packedKept.delete(path);
  packedKept.set(path, packed);
  for (const oldest of packedKept.keys()) if (packedKept.size > packedKeptMax) packedKept.delete(oldest);
  return packed;
}

/** Whole names of the refs with a file of their own; null: this is no directory of refs. */
async function looseRefs(directory: string, prefix: string): Promise<readonly string[] | null> {
  const entries = await readdir(join(directory, prefix), { withFileTypes: true }).catch(noEntries);
  if (entries === null) return null;
  const below = await Promise.all(
    entries.map(async (entry) => {
      // Bytes, one character each, as they are read from the packed ones.
      const ref = `${prefix}/${Buffer.from(entry.name).toString('latin1')}`;
      if (entry.isDirectory()) return (await looseRefs(directory, `${prefix}/${entry.name}`)) ?? [];
      return entry.name.endsWith('.lock') ? [] : [ref];
    }),
  );
  return below.flat();
}

function noEntries(error: NodeJS.ErrnoException): readonly Dirent[] | null {
  return error.code === 'ENOENT' ? [] : null;
}

async function askGit(source: FactsSource): Promise<RefsCount> {
  const count = { branches: 0, tags: 0 };
  const take = (piece: Buffer): boolean => {
    if (piece.toString('latin1', 0, 11) === 'refs/heads/') count.branches += 1;
    else count.tags += 1;
    return true;
  };
  await look(
    { ...source, args: ['for-each-ref', '--format=%(refname)', 'refs/heads/', 'refs/tags/'] },
    pieces({ at: 0x0a, bytesMax: 64, take }),
  );
  return count;
}
