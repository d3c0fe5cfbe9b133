import Database from 'better-sqlite3';

export type Connection = Database.Database;

export interface Answer {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

/** Prepared statements that one connection keeps; the least recently used one goes first. */
export const statementsKeptMax = 500;

/** Pages that a connection keeps in memory. More is no faster where the system has them in its own. */
const cacheKiB = 16_384;

/** The one writing connection: WAL, and every COMMIT on disk before it answers. */
export function openWriting(file: string, busyMsMax: number): Connection {
  const connection = new Database(file, { timeout: busyMsMax });
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = FULL');
  connection.pragma(`cache_size = -${cacheKiB}`);
  connection.pragma('temp_store = MEMORY');
  return connection;
}

/** Sees committed rows alone and cannot write. */
export function openReading(file: string, busyMsMax: number): Connection {
  const connection = new Database(file, { readonly: true, fileMustExist: true, timeout: busyMsMax });
  connection.pragma('query_only = ON');
  connection.pragma(`cache_size = -${cacheKiB}`);
  return connection;
}

/** Runs statements, preparing each text once. Kysely alone would prepare on every call, which costs more than most queries. */
export function createRunner(connection: Connection): (sql: string, parameters: readonly unknown[]) => Answer {
  const prepared = new Map<string, Database.Statement>();
  return (sql, parameters) => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = connection.prepare(sql);
      if (prepared.size >= statementsKeptMax) {
        const oldest = prepared.keys().next();
        if (oldest.done !== true) prepared.delete(oldest.value);
      }
    } else {
      prepared.delete(sql);
    }
    prepared.set(sql, statement);
    if (statement.reader) return { rows: statement.all(...parameters), changes: 0 };
    return { rows: [], changes: statement.run(...parameters).changes };
  };
}
