import type pg from 'pg';
import { translatedError } from './failures.ts';
import type { Connection } from './sqlite/connection.ts';

/** A reading statement that was prepared once. Values are given in the order of their `?`. */
export interface PreparedRead {
  /** Each row as its values. */
  rows(values: readonly unknown[]): Promise<readonly (readonly unknown[])[]>;
  /** The first value of each row: what is cheapest to read. */
  column(values: readonly unknown[]): Promise<readonly unknown[]>;
}

/** On SQLite it runs where it is called, as every read. */
export function prepareSqlite(connection: Connection, sql: string): PreparedRead {
  const rows = connection.prepare(sql).raw();
  const column = connection.prepare(sql).pluck();
  const all = async <T>(statement: typeof rows, values: readonly unknown[]): Promise<readonly T[]> => {
    try {
      return statement.all(...values) as T[];
    } catch (error) {
      throw translatedError(error);
    }
  };
  return { rows: (values) => all(rows, values), column: (values) => all(column, values) };
}

let named = 0;

/** On PostgreSQL each connection of the pool prepares it under its name when it first comes by. */
export function preparePostgres(pool: pg.Pool, sql: string): PreparedRead {
  named += 1;
  const name = `gatepost_${named}`;
  let places = 0;
  const text = sql.replaceAll('?', () => `$${(places += 1)}`);
  const rows: PreparedRead['rows'] = async (values) => {
    try {
      return (await pool.query<unknown[]>({ name, text, values: [...values], rowMode: 'array' })).rows;
    } catch (error) {
      throw translatedError(error);
    }
  };
  return { rows, column: async (values) => (await rows(values)).map(([first]) => first) };
}
