import type { Database, Reader } from './database.ts';

/** Writes a fact about this database down where it is not known yet. Answers what stands there: another's value, if another was first. */
export async function settle(options: { readonly database: Database; readonly name: string; readonly value: string }): Promise<string> {
  const { database, name, value } = options;
  return database.write(async (tx) => {
    await tx
      .insertInto('settings')
      .values({ name, value })
      .onConflict((on) => on.doNothing())
      .execute();
    const row = await tx.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirstOrThrow();
    return row.value;
  });
}

/** A fact about this database, or null where it is not known. */
export async function readSetting(read: Reader, name: string): Promise<string | null> {
  const row = await read.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value ?? null;
}
