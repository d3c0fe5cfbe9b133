import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Reader } from '../storage/database/database.ts';
import { sizeText } from './progress.ts';
import { syncPath } from './stored-files.ts';

/** Below a data directory and below a backup: one directory `<id>.git` for each repository. */
export const repositoriesFolder = 'repositories';
/** Packs may be written anew while they are copied; then those that came are copied too. So often at most. */
const packRoundsMax = 10;
/** What git holds for a moment; no ref has such a name. */
const held = /\.lock$/;
/** Among objects: what git or a push of this moment has there, and nobody needs later. */
const passing = /\.lock$|^tmp_|^\.tmp-|^(tmp_objdir-)?incoming-/;

export interface RepositoryRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly node: string;
}

/** All that are not deleted, by id. */
export function namedRepositories(read: Reader): Promise<readonly RepositoryRow[]> {
  return read
    .selectFrom('repositories')
    .innerJoin('organizations', 'organizations.id', 'repositories.organization')
    .select(['repositories.id', 'organizations.slug', 'repositories.name', 'repositories.node'])
    .where('repositories.deleted', 'is', null)
    .orderBy('repositories.id')
    .execute();
}

/** The name that a data directory gave its server, or null before the first start. */
export async function nodeOf(data: string): Promise<string | null> {
  const text = await readFile(join(data, 'node'), 'utf8').catch(() => '');
  return text.trim() === '' ? null : text.trim();
}

export interface CopiedRepositories {
  readonly repositories: number;
  readonly bytes: number;
  /** Named by the database, and should be here, but are not. */
  readonly missing: readonly string[];
  /** On other nodes' disks. */
  readonly elsewhere: number;
}

/** As it stands behind what else was copied; nothing where there are none. */
export function repositoriesText({ repositories, bytes }: Pick<CopiedRepositories, 'repositories' | 'bytes'>): string {
  return repositories === 0 ? '' : `, and ${repositories} repositories, ${sizeText(bytes)}`;
}

/** Copies the repositories that this data directory holds, each as it is at one moment. */
export async function backUpRepositories(options: {
  readonly read: Reader;
  readonly data: string;
  readonly to: string;
  readonly onFile: (bytes: number) => void;
}): Promise<CopiedRepositories> {
  const { read, data, to, onFile } = options;
  const node = await nodeOf(data);
  const missing: string[] = [];
  let [repositories, bytes, elsewhere] = [0, 0, 0];
  for (const row of await namedRepositories(read)) {
    if (row.node !== node) {
      elsewhere += 1;
      continue;
    }
    const directory = `${row.id}.git`;
    const copied = await copyRepository({ from: join(data, repositoriesFolder, directory), to: join(to, directory), onFile });
    if (copied === null) missing.push(`${row.slug}/${row.name}`);
    else {
      repositories += 1;
      bytes += copied;
    }
  }
  return { repositories, bytes, missing, elsewhere };
}

export type RestoredRepositories = Pick<CopiedRepositories, 'repositories' | 'bytes'>;

/** Puts back what a backup holds, whole or not at all. */
export async function restoreRepositories(options: {
  readonly from: string;
  readonly to: string;
  readonly onFile: (bytes: number) => void;
}): Promise<RestoredRepositories> {
  const { from, to, onFile } = options;
  const names = (await readdir(from).catch(() => [])).filter((name) => /^[0-9a-f-]{36}\.git$/.test(name));
  let bytes = 0;
  for (const name of names) bytes += (await copyRepository({ from: join(from, name), to: join(to, name), onFile })) ?? 0;
  return { repositories: names.length, bytes };
}

interface CopyOne {
  readonly from: string;
  readonly to: string;
  readonly onFile: (bytes: number) => void;
}

/**
 * Copies a bare repository while it may be pushed to and packed. Its refs first: what they lead to is there already and is not removed while
 * something leads to it. Then its objects, single ones before packs, since they only ever go from the one to the other. Answers the bytes; null
 * where there is no repository. Links are passed over, never followed.
 */
export async function copyRepository({ from, to, onFile }: CopyOne): Promise<number | null> {
  if ((await kindOf(join(from, 'HEAD'))) !== 'file') return null;
  const temporary = `${to}.copying`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(join(temporary, 'refs'), { recursive: true, mode: 0o700 });
  const copy = createCopier({ from, to: temporary, onFile });
  for (const name of ['HEAD', 'config']) await copy.file(name);
  await copy.tree('refs');
  await copy.file('packed-refs');
  await mkdir(join(temporary, 'objects', 'pack'), { recursive: true });
  await mkdir(join(temporary, 'objects', 'info'), { recursive: true });
  await copy.tree('objects', ['pack', 'info']);
  for (let round = 0; !(await copy.tree('objects/pack')); round += 1) {
    if (round >= packRoundsMax) throw new Error(`${from} is packed anew again and again.`);
  }
  await copy.sync();
  await rm(to, { recursive: true, force: true });
  await rename(temporary, to);
  await syncPath(dirname(to));
  return copy.bytes();
}

interface Copier {
  /** False: it is not there (any more). */
  file(path: string): Promise<boolean>;
  /** All below, but for these names at its top. False: something that was listed had gone when its turn came. */
  tree(path: string, except?: readonly string[]): Promise<boolean>;
  /** The names, once all is copied. */
  sync(): Promise<void>;
  bytes(): number;
}

function createCopier({ from, to, onFile }: CopyOne): Copier {
  const directories = new Set([to]);
  let bytes = 0;
  const file = async (path: string): Promise<boolean> => {
    const [source, target] = [join(from, path), join(to, path)];
    const kind = await kindOf(source);
    if (kind !== 'file') return kind !== null;
    if ((await kindOf(target)) !== null) return true;
    try {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    }
    await syncPath(target);
    const { size } = await lstat(target);
    bytes += size;
    onFile(size);
    return true;
  };
  const tree = async (path: string, except: readonly string[] = []): Promise<boolean> => {
    const place = join(to, path);
    await mkdir(place, { recursive: true, mode: 0o700 });
    directories.add(place);
    let whole = true;
    for (const entry of await readdir(join(from, path), { withFileTypes: true }).catch(() => [])) {
      if (except.includes(entry.name) || (path.startsWith('objects') ? passing : held).test(entry.name)) continue;
      const below = join(path, entry.name);
      const done = entry.isDirectory() ? await tree(below) : entry.isFile() ? await file(below) : true;
      whole &&= done;
    }
    return whole;
  };
  return {
    file,
    tree,
    async sync() {
      for (const directory of directories) await syncPath(directory);
    },
    bytes: () => bytes,
  };
}

async function kindOf(path: string): Promise<'file' | 'other' | null> {
  const found = await lstat(path).catch(() => null);
  return found === null ? null : found.isFile() ? 'file' : 'other';
}
