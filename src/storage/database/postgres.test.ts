// Connections that PostgreSQL ends, and those that we end: looked at from a second connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import pg from 'pg';
import { lastFirst } from '../../../test/webhooks/engine.ts';
import { newLocation } from '../../../test/databases.ts';
import { openDatabase } from './open.ts';
import { openPostgres } from './postgres.ts';
import type { Tx } from './tx.ts';

/** A connection of the test's own. */
async function observe(t: Parameters<typeof newLocation>[0], url = ''): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  t.after(() => client.end());
  return client;
}

test('a connection that PostgreSQL ends between two statements of a unit fails that unit alone', async (context) => {
  const t = lastFirst(context);
  const location = await newLocation(t, 'postgres');
  const database = await openDatabase(location, 'tool');
  t.after(() => database.close());
  const observer = await observe(t, location.url);
  const unit = database.write(async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
    await observer.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
    // Time for what the server said last to arrive while nothing is asked.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await tx.insertInto('settings').values({ name: 'a', value: '1' }).execute();
  });
  await assert.rejects(unit, { code: 'database_unreachable' });
  await database.write((tx) => tx.insertInto('settings').values({ name: 'b', value: '1' }).execute());
  const rows = await database.read.selectFrom('settings').select('name').execute();
  assert.deepEqual(rows, [{ name: 'b' }]);
});

test('a unit that stands still is ended, so that its locks hold nobody up', async (context) => {
  const t = lastFirst(context);
  const location = await newLocation(t, 'postgres');
  const database = await openPostgres({ url: location.url ?? '', unitIdleMsMax: 200 });
  t.after(() => database.close());
  await database.write((tx) => tx.insertInto('settings').values({ name: 'a', value: '1' }).execute());
  const set = (tx: Tx, value: string) => tx.updateTable('settings').set({ value }).where('name', '=', 'a').execute();
  const held = Promise.withResolvers<void>();
  const still = database.write(async (tx) => {
    await set(tx, 'of the one that stands still');
    held.resolve();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await set(tx, 'too late');
  });
  await held.promise;
  await Promise.all([database.write((tx) => set(tx, 'of the other')), assert.rejects(still, { code: 'database_unreachable' })]);
  assert.deepEqual(await database.read.selectFrom('settings').select('value').execute(), [{ value: 'of the other' }]);
});

test('a closed database has no connection left', async (context) => {
  const t = lastFirst(context);
  const location = await newLocation(t, 'postgres');
  const observer = await observe(t, location.url);
  const others = async (): Promise<number | null> =>
    (await observer.query('select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()')).rowCount;
  for (let round = 0; round < 5; round += 1) {
    const database = await openDatabase(location, 'tool');
    await Promise.all([1, 2, 3, 4].map(() => database.read.selectFrom('settings').selectAll().execute()));
    assert.notEqual(await others(), 0);
    await database.close();
    assert.equal(await others(), 0);
  }
});
