import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

/** Column types by what they hold, so that one migration serves both databases. */
export interface Columns {
  /** Text compared byte by byte on both databases, whatever the server's locale. */
  readonly text: RawBuilder<unknown>;
  /** 64 bits: milliseconds, sizes, counts, 0 or 1. */
  readonly integer: RawBuilder<unknown>;
  readonly bytes: RawBuilder<unknown>;
  /** What stands behind a table's last bracket. */
  readonly tableEnd: RawBuilder<unknown>;
  /** What an index of reports holds beside its key, so that a page is read from the index alone: rows of one page lie far apart in the table. */
  readonly listedInIndex: string;
  /** How a table's dead rows are made free again, where that is ours to say; null where a page is used again as it is. */
  readonly vacuum: (table: string, settings: Readonly<Record<string, number>>) => RawBuilder<unknown> | null;
}

export const sqliteColumns: Columns = {
  text: sql`text`,
  integer: sql`integer`,
  bytes: sql`blob`,
  // STRICT: a column holds its type or the insert fails, as on PostgreSQL.
  tableEnd: sql`strict`,
  listedInIndex: ', listed',
  vacuum: () => null,
};

export const postgresColumns: Columns = {
  text: sql`text collate "C"`,
  integer: sql`bigint`,
  bytes: sql`bytea`,
  tableEnd: sql``,
  // An entry of an index may have 2,700 bytes there, which long names would pass.
  listedInIndex: '',
  vacuum(table, settings) {
    const list = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    return sql`alter table ${sql.table(table)} set (${sql.raw(list.join(', '))})`;
  },
};
