import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Connected, Tx } from './database.ts';
import { createDatabaseClock } from './postgres-clock.ts';
import { DatabaseError, translatedError } from './failures.ts';
import { postgresFacts } from './facts.ts';
import { postgresColumns } from './migrations/columns.ts';
import { migrate, schemaState } from './migrations/migrate.ts';
import type { SchemaState } from './migrations/migrate.ts';
import { listen } from './postgres-hints.ts';
import { preparePostgres } from './prepared.ts';
import type { Schema } from './schema.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly connectionsMax?: number;
  /** For tests, which cannot wait so long. */
  readonly unitIdleMsMax?: number;
}

const connectionsMaxDefault = 10;
/**
 * A unit awaits nothing but the transaction, so one that asks nothing for so long belongs to a node that stands still or has lost its power. The
 * database ends it: its locks would hold up every other node, until TCP finds out two hours later. Well below a delivery's lease.
 */
export const unitIdleMsMax = 3_000;
/** How often a unit is run again that PostgreSQL could not serialise or that it ended to break a deadlock. */
export const unitRunsMax = 5;
const again: ReadonlySet<string> = new Set(['40001', '40P01']);

/** How long closed connections are waited for: a server that is gone does not say goodbye. */
const closeMsMax = 1_000;

/** 64-bit integers come as numbers: they hold milliseconds, sizes and counts, all far below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

interface Connections {
  readonly pool: pg.Pool;
  /** Answers when all connections of a pool that was ended are closed. Its own `end` answers sooner: the server still counts them then. */
  readonly closed: () => Promise<void>;
}

function createPool(options: PostgresOptions): Connections {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connectionsMax ?? connectionsMaxDefault,
    types,
    application_name: 'gatepost',
    idle_in_transaction_session_timeout: options.unitIdleMsMax ?? unitIdleMsMax,
  });
  const open = new Set<Promise<void>>();
  // A connection that the server closes is replaced when one is next needed, and what was being asked through it fails. Without a listener, for
  // those that are idle and for those that a unit holds between two statements, it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve())).then(() => void open.delete(ended));
    open.add(ended);
  });
  return {
    pool,
    async closed() {
      const enough = sleep(closeMsMax, undefined, { ref: false });
      await Promise.race([Promise.all(open), enough]);
    },
  };
}

/** Opens and migrates the database that `url` names. Any number of servers may share it. */
export async function openPostgres(options: PostgresOptions): Promise<Connected> {
  const { pool, closed } = createPool(options);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db, postgresColumns);
  } catch (error) {
    await pool.end();
    throw translatedError(error);
  }
  const clock = createDatabaseClock(pool);
  return {
    engine: 'postgres',
    facts: postgresFacts,
    read: db,
    prepare: (sql) => preparePostgres(pool, sql),
    write: (unit) => writeUnit(db, unit),
    run: (unit, input) => writeUnit(db, (tx) => unit.postgres(tx, input)),
    runIn: (tx, unit, input) => unit.postgres(tx, input),
    clock: () => clock.read(),
    listen: (channel, hear) => listen(options.url, channel, hear),
    notify: async (channel, text) => void (await pool.query('select pg_notify($1, $2)', [channel, text])),
    async close() {
      clock.stop();
      await db.destroy();
      await closed();
    },
  };
}

async function writeUnit<T>(db: Kysely<Schema>, unit: (tx: Tx) => Promise<T>): Promise<T> {
  for (let run = 1; ; run += 1) {
    try {
      return await db.transaction().execute(unit);
    } catch (error) {
      const known = translatedError(error);
      if (!(known instanceof DatabaseError) || !again.has(known.code) || run >= unitRunsMax) throw known;
    }
  }
}

/** What the database has and lacks, without changing it. */
export async function postgresSchemaState(url: string): Promise<SchemaState> {
  const { pool } = createPool({ url, connectionsMax: 1 });
  try {
    return await schemaState(new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }));
  } catch (error) {
    throw translatedError(error);
  } finally {
    await pool.end();
  }
}
