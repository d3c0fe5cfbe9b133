// Hot units for the tests of the database: what the writer's thread loads by itself.
import type { HotUnit, SqliteHotUnit } from '../src/storage/database/hot.ts';

export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** Inserts settings and answers their names; one called `bad` fails after it was inserted. */
export const insertSettings: HotUnit<readonly Setting[], readonly string[]> = {
  sqlite: { module: new URL(import.meta.url), name: 'insertOnSqlite' },
  async postgres(tx, rows) {
    await tx
      .insertInto('settings')
      .values([...rows])
      .execute();
    return namesOf(rows);
  },
};

export const insertOnSqlite: SqliteHotUnit<readonly Setting[], readonly string[]> = (connection) => {
  const insert = connection.prepare('insert into settings (name, value) values (?, ?)');
  return (rows) => {
    for (const { name, value } of rows) insert.run(name, value);
    return namesOf(rows);
  };
};

function namesOf(rows: readonly Setting[]): readonly string[] {
  if (rows.some((row) => row.name === 'bad')) throw new Error('a bad one');
  return rows.map((row) => row.name);
}
