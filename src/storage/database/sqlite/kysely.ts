import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { translatedError } from '../failures.ts';
import type { Answer, Connection } from './connection.ts';
import { createRunner } from './connection.ts';
import type { HotCall } from '../hot.ts';
import type { Writer } from './writer.ts';

function dialectOf(createDriver: () => Driver): Dialect {
  return {
    createDriver,
    createAdapter: () => new SqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

function resultOf<R>(answer: Answer): QueryResult<R> {
  return { rows: answer.rows as R[], numAffectedRows: BigInt(answer.changes) };
}

function noStream(): never {
  // Lists are read in pages by key; a statement that stays open would hold back the WAL's checkpoint.
  throw new Error('Streaming statements is not offered');
}

/** Statements run where they are called, on one connection: what reads need, and migrations at start. */
export function directDialect(connection: Connection): Dialect {
  const run = createRunner(connection);
  const shared: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      try {
        return resultOf<R>(run(query.sql, query.parameters));
      } catch (error) {
        throw translatedError(error);
      }
    },
    streamQuery: noStream,
  };
  return dialectOf(() => ({
    init: () => Promise.resolve(),
    acquireConnection: () => Promise.resolve(shared),
    beginTransaction: () => Promise.resolve(void run('begin immediate', [])),
    commitTransaction: () => Promise.resolve(void run('commit', [])),
    rollbackTransaction: () => Promise.resolve(void run('rollback', [])),
    releaseConnection: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  }));
}

/** What stands in the place of a statement where a hot unit is called within a unit; no statement begins so. */
export const hotCallSql = 'hot unit';

interface UnitConnection extends DatabaseConnection {
  readonly unit: number;
}

/** Statements go to the writer's thread, as parts of a unit of work. */
export function writerDialect(writer: Writer): Dialect {
  const open = (): UnitConnection => {
    const unit = writer.unit();
    return {
      unit,
      executeQuery: async <R>({ sql, parameters }: CompiledQuery) =>
        resultOf<R>(sql === hotCallSql ? await writer.call(unit, parameters[0] as HotCall) : await writer.query(unit, sql, parameters)),
      streamQuery: noStream,
    };
  };
  const end = (connection: DatabaseConnection, commit: boolean): Promise<void> => writer.end((connection as UnitConnection).unit, commit);
  return dialectOf(() => ({
    init: () => Promise.resolve(),
    acquireConnection: () => Promise.resolve(open()),
    beginTransaction: () => Promise.resolve(),
    commitTransaction: (connection) => end(connection, true),
    rollbackTransaction: (connection) => end(connection, false),
    releaseConnection: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  }));
}
