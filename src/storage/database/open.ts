import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Database } from './database.ts';
import type { SchemaState } from './migrations/migrate.ts';
import { readOrMakeNode } from './node.ts';
import { openPostgres, postgresSchemaState } from './postgres.ts';
import { lockDirectory } from './sqlite/lock.ts';
import { openSqlite, sqliteSchemaState } from './sqlite/open.ts';

export interface DatabaseLocation {
  /** The data directory: where SQLite's file lies if `url` is not given, and what makes this server another than its neighbours. */
  readonly directory: string;
  /** `postgres://…` */
  readonly url?: string | undefined;
  /** Connections to PostgreSQL. */
  readonly connectionsMax?: number;
}

/**
 * Opens the database, makes it where it is new, and brings it to this version's schema. `role: 'server'` holds the data directory, on either
 * database, and refuses one that another server holds (`directory_in_use`); `role: 'tool'` works beside one. Refuses a database of a newer
 * Gatepost (`database_newer`).
 */
export async function openDatabase(location: DatabaseLocation, role: 'server' | 'tool'): Promise<Database> {
  mkdirSync(location.directory, { recursive: true, mode: 0o700 });
  const lock = role === 'server' ? lockDirectory(location.directory, 'server') : null;
  try {
    const node = role === 'server' ? readOrMakeNode(location.directory) : randomUUID();
    const connected = location.url === undefined ? await openSqlite(location) : await openPostgres({ ...location, url: location.url });
    return {
      ...connected,
      node,
      async close() {
        await connected.close();
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

export function readSchemaState(location: DatabaseLocation): Promise<SchemaState> {
  return location.url === undefined ? sqliteSchemaState(location.directory) : postgresSchemaState(location.url);
}
