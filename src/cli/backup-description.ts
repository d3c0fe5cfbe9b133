import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid } from '../errors.ts';
import { syncPath } from './stored-files.ts';

export const descriptionFile = 'backup.json';
export const sqliteCopyFile = 'gatepost.db';
export const postgresDumpFile = 'database.dump';
export const artifactsFolder = 'artifacts';
const format = 1;

/** What a backup says about itself. Written last: a folder without it is no backup. */
export interface BackupDescription {
  readonly format: typeof format;
  /** The version that made it. */
  readonly gatepost: string;
  /** RFC 3339. */
  readonly made: string;
  readonly engine: 'sqlite' | 'postgres';
  /** Migrations that the database has. */
  readonly schema: readonly string[];
  readonly artifacts: { readonly files: number; readonly bytes: number; readonly missing: readonly string[] };
  readonly repositories?: {
    readonly repositories: number;
    readonly bytes: number;
    readonly missing: readonly string[];
    readonly elsewhere: number;
  };
  /** The name of the data directory, by which its repositories know it. */
  readonly node?: string | null;
  /** Tells which key opens its secrets, without telling the key. */
  readonly secretKeyFingerprint: string | null;
}

export async function writeDescription(directory: string, description: Omit<BackupDescription, 'format'>): Promise<void> {
  const file = join(directory, descriptionFile);
  await writeFile(file, `${JSON.stringify({ format, ...description }, null, 2)}\n`);
  await syncPath(file);
  await syncPath(directory);
}

/** Fails with `not_a_backup`, and with `backup_newer` for one in a form that this version does not know. */
export async function readDescription(directory: string): Promise<BackupDescription> {
  let description: BackupDescription;
  try {
    description = JSON.parse(await readFile(join(directory, descriptionFile), 'utf8')) as BackupDescription;
  } catch {
    throw invalid('not_a_backup', `${directory} holds no complete backup: ${descriptionFile} is missing or cannot be read.`);
  }
  if (description.format !== format)
    throw invalid('backup_newer', `The backup was made by a newer Gatepost (${description.gatepost}). Restore it with that.`);
  return description;
}
