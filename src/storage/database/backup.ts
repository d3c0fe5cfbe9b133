import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely } from 'kysely';
import type { Reader } from './database.ts';
import type { Schema } from './schema.ts';
import { openReading } from './sqlite/connection.ts';
import { directDialect } from './sqlite/kysely.ts';
import { busyMsMax } from './sqlite/messages.ts';
import { databaseFile } from './sqlite/open.ts';

/**
 * Writes a copy of a data directory's SQLite database, as it is at one moment, to a file that must not be there yet. The server goes on reading
 * and writing meanwhile: the copy is one read transaction. It is on disk when this returns.
 */
export function copySqlite(directory: string, to: string): void {
  const source = new Database(join(directory, databaseFile), { readonly: true, fileMustExist: true, timeout: busyMsMax });
  try {
    source.prepare('vacuum into ?').run(to);
  } finally {
    source.close();
  }
  const file = openSync(to, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What SQLite itself finds wrong with a database file; empty where it is sound. */
export function damageOfSqlite(file: string): readonly string[] {
  let database: Database.Database | null = null;
  try {
    database = new Database(file, { readonly: true, fileMustExist: true, timeout: busyMsMax });
    const rows = database.prepare('pragma quick_check(20)').pluck().all();
    return rows.map(String).filter((row) => row !== 'ok');
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  } finally {
    database?.close();
  }
}

/** Reads a copy that no server uses. Nothing is made beside it. */
export function openCopy(file: string): { readonly read: Reader; close(): void } {
  const connection = openReading(file, busyMsMax);
  return { read: new Kysely<Schema>({ dialect: directDialect(connection) }), close: () => connection.close() };
}
