import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { Migrator } from 'kysely/migration';
import { GatepostError } from '../../../errors.ts';
import { translatedError } from '../failures.ts';
import { initial } from './0001-initial.ts';
import { deliveryEngine } from './0002-delivery-engine.ts';
import { sonarqube } from './0003-sonarqube.ts';
import { repositories } from './0004-repositories.ts';
import type { Columns } from './columns.ts';

/** In order, each in its own file, forward only. A name never changes once it has been released. */
const steps: Readonly<Record<string, (columns: Columns) => Migration>> = {
  '0001-initial': initial,
  '0002-delivery-engine': deliveryEngine,
  '0003-sonarqube': sonarqube,
  '0004-repositories': repositories,
};

export interface SchemaState {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Steps that this database has and this Gatepost does not know. */
  readonly unknown: readonly string[];
}

/** Which steps a database has, and which are still to come. Changes nothing. */
export async function schemaState<T>(db: Kysely<T>): Promise<SchemaState> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  const names = Object.keys(steps);
  if (!tables.some((table) => table.name === 'kysely_migration')) return { applied: [], pending: names, unknown: [] };
  const rows = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  const applied = rows.rows.map((row) => row.name);
  return {
    applied,
    pending: names.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !names.includes(name)),
  };
}

/**
 * Brings a database to this version's schema. Refuses one that a newer Gatepost has written to (`database_newer`): there is no way back,
 * and guessing would lose data.
 */
export async function migrate<T>(db: Kysely<T>, columns: Columns): Promise<readonly string[]> {
  const state = await schemaState(db);
  if (state.unknown.length > 0) {
    throw new GatepostError(
      'unavailable',
      'database_newer',
      `The database was written by a newer Gatepost (it has ${state.unknown.join(', ')}). Start that version, or restore a backup made before.`,
    );
  }
  if (state.pending.length === 0) return [];
  const migrations = Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, step(columns)]));
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw translatedError(error);
  return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName);
}
