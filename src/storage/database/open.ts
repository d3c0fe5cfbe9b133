import type { Database } from './database.ts';
import type { SchemaState } from './migrations/migrate.ts';
import { openPostgres, postgresSchemaState } from './postgres.ts';
import { openSqlite, sqliteSchemaState } from './sqlite/open.ts';

export interface DatabaseLocation {
  /** The data directory: where SQLite's file lies if `url` is not given. */
  readonly directory: string;
  /** `postgres://…` */
  readonly url?: string | undefined;
}

/**
 * Opens the database, makes it where it is new, and brings it to this version's schema. `role: 'server'` refuses a directory that another
 * server holds (`directory_in_use`); `role: 'tool'` works beside one. Refuses a database of a newer Gatepost (`database_newer`).
 */
export function openDatabase(location: DatabaseLocation, role: 'server' | 'tool'): Promise<Database> {
  if (location.url !== undefined) return openPostgres({ url: location.url });
  return openSqlite({ directory: location.directory, role });
}

export function readSchemaState(location: DatabaseLocation): Promise<SchemaState> {
  return location.url === undefined ? sqliteSchemaState(location.directory) : postgresSchemaState(location.url);
}
