import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Connection } from './sqlite/connection.ts';
import type { Tx } from './tx.ts';

/**
 * A unit of work that is so frequent that sending it statement by statement would cost more than the statements: many rows in one message. On
 * SQLite the writer's thread runs a function of the noun's own, over statements it prepared; on PostgreSQL a few statements that take arrays.
 * Input and output are plain data (what `structuredClone` takes).
 */
export interface HotUnit<In, Out> {
  /** A module that exports a `SqliteHotUnit` by this name: the writer's thread loads it by itself. */
  readonly sqlite: { readonly module: URL; readonly name: string };
  readonly postgres: (tx: Tx, input: In) => Promise<Out>;
}

/** Prepares its statements once for a connection; what it answers then runs within a savepoint, and throws to leave no trace. */
export type SqliteHotUnit<In, Out> = (connection: Connection) => (input: In) => Out;

/** What a message to the writer names a hot unit by. */
export interface HotCall {
  readonly module: string;
  readonly name: string;
  readonly input: unknown;
}

/** Runs hot units on one connection. A module is loaded when it is first named, without waiting: the writer has nothing else to do meanwhile. */
export function createHotCaller(connection: Connection): (call: HotCall) => unknown {
  const load = createRequire(import.meta.url);
  const ready = new Map<string, (input: unknown) => unknown>();
  return ({ module, name, input }) => {
    const key = `${module}#${name}`;
    let unit = ready.get(key);
    if (unit === undefined) {
      const exported = load(fileURLToPath(module)) as Readonly<Record<string, SqliteHotUnit<unknown, unknown>>>;
      const prepare = exported[name];
      if (prepare === undefined) throw new Error(`${module} exports no ${name}`);
      unit = prepare(connection);
      ready.set(key, unit);
    }
    return unit(input);
  };
}
