import { constants } from 'node:fs';
import { copyFile, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { objectPath } from '../storage/artifacts/place.ts';
import type { Reader } from '../storage/database/database.ts';

export interface StoredName {
  readonly organization: string;
  readonly sha256: string;
}

const pageRows = 2_000;
const filesAtOnce = 8;

/** Every stored file that the database names, some of them more than once. Read page by page: there may be millions. */
export async function* namedFiles(read: Reader): AsyncGenerator<StoredName> {
  const organizations = await read.selectFrom('organizations').select('id').execute();
  for (const { id: organization } of organizations) {
    yield* ofAnalyses(read, organization);
    yield* ofSnapshots(read, organization);
  }
}

async function* ofAnalyses(read: Reader, organization: string): AsyncGenerator<StoredName> {
  for (let after = ''; ; ) {
    const rows = await read
      .selectFrom('analyses')
      .select(['id', 'body_sha256', 'findings_sha256'])
      .where('organization', '=', organization)
      .where('id', '>', after)
      .orderBy('id')
      .limit(pageRows)
      .execute();
    for (const row of rows) {
      // An analysis of a source that is not fetched has no file yet, and has none where its fetching failed.
      if (row.body_sha256 !== '') yield { organization, sha256: row.body_sha256 };
      if (row.findings_sha256 !== null) yield { organization, sha256: row.findings_sha256 };
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

async function* ofSnapshots(read: Reader, organization: string): AsyncGenerator<StoredName> {
  for (let after = ''; ; ) {
    const snapshots = await read
      .selectFrom('snapshots')
      .select('id')
      .where('organization', '=', organization)
      .where('id', '>', after)
      .orderBy('id')
      .limit(pageRows)
      .execute();
    const [first, last] = [snapshots[0], snapshots.at(-1)];
    if (first === undefined || last === undefined) return;
    const rows = await read
      .selectFrom('snapshot_artifacts')
      .select('sha256')
      .where('organization', '=', organization)
      .where('snapshot', '>=', first.id)
      .where('snapshot', '<=', last.id)
      .execute();
    for (const { sha256 } of rows) yield { organization, sha256 };
    after = last.id;
  }
}

export interface CopyOutcome {
  readonly files: number;
  readonly bytes: number;
  /** Named by the database, but not there. */
  readonly missing: readonly StoredName[];
}

export interface CopyOptions {
  readonly names: AsyncIterable<StoredName>;
  readonly from: string;
  readonly to: string;
  readonly onFile?: (bytes: number) => void;
}

/** Copies stored files, each on disk under its name only once it is whole. What is there already is left as it is. */
export async function copyFiles({ names, from, to, onFile = () => undefined }: CopyOptions): Promise<CopyOutcome> {
  const missing: StoredName[] = [];
  const directories = new Set<string>();
  const underWay = new Set<Promise<void>>();
  let files = 0;
  let bytes = 0;
  const failures: unknown[] = [];
  const one = async (name: StoredName): Promise<void> => {
    const target = objectPath(to, name.organization, name.sha256);
    directories.add(dirname(target));
    const size = await copyOne(objectPath(from, name.organization, name.sha256), target);
    if (size === null) missing.push(name);
    else if (size >= 0) {
      files += 1;
      bytes += size;
      onFile(size);
    }
  };
  for await (const name of distinct(names)) {
    if (underWay.size >= filesAtOnce) await Promise.race(underWay);
    if (failures.length > 0) break;
    const done = one(name)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(done));
    underWay.add(done);
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw new AggregateError(failures, 'Files could not be copied.', { cause: failures[0] });
  for (const directory of directories) await syncPath(directory);
  return { files, bytes, missing };
}

/** Names near each other are often the same; what slips through costs one look. */
async function* distinct(names: AsyncIterable<StoredName>): AsyncGenerator<StoredName> {
  let seen = new Set<string>();
  for await (const name of names) {
    const text = `${name.organization}/${name.sha256}`;
    if (seen.has(text)) continue;
    if (seen.size >= 100_000) seen = new Set();
    seen.add(text);
    yield name;
  }
}

/** The size copied, -1 where it was there already, null where there is nothing to copy. */
async function copyOne(from: string, to: string): Promise<number | null> {
  if ((await sizeOf(to)) !== null) return -1;
  const size = await sizeOf(from);
  if (size === null) return null;
  await mkdir(dirname(to), { recursive: true });
  const temporary = join(dirname(to), `.${process.pid}-${from.slice(-64)}`);
  await copyFile(from, temporary, constants.COPYFILE_FICLONE);
  await syncPath(temporary);
  await rename(temporary, to);
  return size;
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (facts) => facts.size,
    () => null,
  );
}

/** Makes a file's bytes, or a directory's names, durable. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
