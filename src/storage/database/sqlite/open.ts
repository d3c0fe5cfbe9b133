import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CompiledQuery, Kysely } from 'kysely';
import type { Connected, Tx } from '../database.ts';
import { sqliteFacts } from '../facts.ts';
import { sqliteColumns } from '../migrations/columns.ts';
import { migrate, schemaState } from '../migrations/migrate.ts';
import type { SchemaState } from '../migrations/migrate.ts';
import type { Schema } from '../schema.ts';
import { openReading, openWriting } from './connection.ts';
import type { HotCall, HotUnit } from '../hot.ts';
import { directDialect, hotCallSql, writerDialect } from './kysely.ts';
import { lockDirectory } from './lock.ts';
import { prepareSqlite } from '../prepared.ts';
import { busyMsMax, unitMsMax } from './messages.ts';
import { startWriter } from './writer.ts';

export interface SqliteOptions {
  readonly directory: string;
  readonly unitMsMax?: number;
}

export const databaseFile = 'gatepost.db';

/** Opens, makes where it is new, and migrates the database of a data directory. */
export async function openSqlite(options: SqliteOptions): Promise<Connected> {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  const file = join(options.directory, databaseFile);
  await migrateFile(options.directory, file);
  const writer = await startWriter({ file, unitMsMax: options.unitMsMax ?? unitMsMax, busyMsMax });
  const reading = openReading(file, busyMsMax);
  const read = new Kysely<Schema>({ dialect: directDialect(reading) });
  const writing = new Kysely<Schema>({ dialect: writerDialect(writer) });
  return {
    engine: 'sqlite',
    facts: sqliteFacts,
    read,
    prepare: (sql) => prepareSqlite(reading, sql),
    write: (unit) => writing.transaction().execute(unit),
    run: async <In, Out>(unit: HotUnit<In, Out>, input: In) => (await writer.whole(callOf(unit, input))) as Out,
    async runIn<In, Out>(tx: Tx, unit: HotUnit<In, Out>, input: In) {
      const { rows } = await tx.executeQuery(CompiledQuery.raw(hotCallSql, [callOf(unit, input)]));
      return rows[0] as Out;
    },
    clock: () => Promise.resolve(null),
    listen: () => null,
    notify: () => Promise.resolve(),
    async close() {
      await writer.close();
      reading.close();
    },
  };
}

function callOf<In, Out>({ sqlite }: HotUnit<In, Out>, input: In): HotCall {
  return { module: sqlite.module.href, name: sqlite.name, input };
}

async function migrateFile(directory: string, file: string): Promise<void> {
  const lock = lockDirectory(directory, 'migration', busyMsMax);
  const connection = openWriting(file, busyMsMax);
  try {
    await migrate(new Kysely<Schema>({ dialect: directDialect(connection) }), sqliteColumns);
  } finally {
    connection.close();
    lock.release();
  }
}

/** What a data directory's database has and lacks, without changing it. */
export async function sqliteSchemaState(directory: string): Promise<SchemaState> {
  const connection = openReading(join(directory, databaseFile), busyMsMax);
  try {
    return await schemaState(new Kysely<Schema>({ dialect: directDialect(connection) }));
  } finally {
    connection.close();
  }
}
