import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { sql } from 'kysely';
import { eachDatabase, newLocation } from '../../../test/databases.ts';
import type { Connected } from './database.ts';
import { isUniqueViolation } from './failures.ts';
import { openDatabase, readSchemaState } from './open.ts';
import { openSqlite } from './sqlite/open.ts';

// Looks from outside: what was answered is there, what failed left nothing, on both databases.

const set = (database: Connected, name: string, value: string): Promise<unknown> =>
  database.write((tx) => tx.insertInto('settings').values({ name, value }).execute());
const names = async (database: Connected): Promise<string[]> =>
  (await database.read.selectFrom('settings').select('name').orderBy('name').execute()).map((row) => row.name);

eachDatabase((open, engine) => {
  test(`a unit that was answered is read at once (${engine})`, async (t) => {
    const database = await open(t);
    await set(database, 'a', '1');
    assert.deepEqual(await names(database), ['a']);
  });

  test(`a unit that throws leaves nothing and its error comes through (${engine})`, async (t) => {
    const database = await open(t);
    const failure = new Error('no');
    await assert.rejects(
      database.write(async (tx) => {
        await tx.insertInto('settings').values({ name: 'a', value: '1' }).execute();
        throw failure;
      }),
      failure,
    );
    assert.deepEqual(await names(database), []);
  });

  test(`a failed unit takes nobody of its group along (${engine})`, async (t) => {
    const database = await open(t);
    await set(database, 'taken', '0');
    const results = await Promise.allSettled(['a', 'taken', 'b', 'taken', 'c'].map((name) => set(database, name, '1')));
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.ok(results[1]?.status === 'rejected' && isUniqueViolation(results[1].reason));
    assert.deepEqual(await names(database), ['a', 'b', 'c', 'taken']);
  });

  test(`a unit reads what it wrote itself, others do not before its commit (${engine})`, async (t) => {
    const database = await open(t);
    await database.write(async (tx) => {
      await tx.insertInto('settings').values({ name: 'a', value: '1' }).execute();
      assert.equal((await tx.selectFrom('settings').selectAll().execute()).length, 1);
      assert.deepEqual(await names(database), []);
    });
    assert.deepEqual(await names(database), ['a']);
  });

  test(`five hundred units at once are all there (${engine})`, async (t) => {
    const database = await open(t);
    await Promise.all(Array.from({ length: 500 }, (_, number) => set(database, `n${number}`, '1')));
    assert.equal((await names(database)).length, 500);
  });

  test(`numbers of changed rows tell a compare-and-set who came first (${engine})`, async (t) => {
    const database = await open(t);
    await set(database, 'state', 'pending');
    const claim = (): Promise<bigint> =>
      database.write(async (tx) => {
        const result = await tx
          .updateTable('settings')
          .set({ value: 'leased' })
          .where('name', '=', 'state')
          .where('value', '=', 'pending')
          .executeTakeFirst();
        return result.numUpdatedRows;
      });
    const changed = await Promise.all([claim(), claim(), claim()]);
    assert.deepEqual(changed.toSorted(), [0n, 0n, 1n]);
  });

  test(`64-bit integers are numbers, bytes are bytes (${engine})`, async (t) => {
    const database = await open(t);
    const body = Buffer.from([0, 255, 10]);
    await database.write((tx) =>
      tx.insertInto('event_bodies').values({ event: 'e', dialect: 'report', organization: 'o', content_type: 'x', body }).execute(),
    );
    const row = await database.read
      .selectFrom('event_bodies')
      .select(['body', sql<number>`cast(1795376000000 as bigint)`.as('ms')])
      .executeTakeFirstOrThrow();
    assert.equal(row.ms, 1_795_376_000_000);
    assert.ok(Buffer.from(row.body).equals(body));
  });

  test(`text is ordered byte by byte (${engine})`, async (t) => {
    const database = await open(t);
    for (const name of ['a', 'B', 'é', '_', '0']) await set(database, name, '');
    assert.deepEqual(await names(database), ['0', 'B', '_', 'a', 'é']);
  });

  test(`a database that a newer version wrote is refused, and left as it is (${engine})`, async (t) => {
    const location = await newLocation({ after: (step) => t.after(step) }, engine);
    const database = await openDatabase(location, 'server');
    await database.write((tx) => sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2030')`.execute(tx));
    await database.close();
    await assert.rejects(openDatabase(location, 'server'), { code: 'database_newer' });
    assert.deepEqual((await readSchemaState(location)).unknown, ['9999-later']);
  });

  test(`opened a second time it has nothing left to migrate (${engine})`, async (t) => {
    const location = await newLocation({ after: (step) => t.after(step) }, engine);
    await (await openDatabase(location, 'server')).close();
    assert.deepEqual((await readSchemaState(location)).pending, []);
    await (await openDatabase(location, 'server')).close();
  });
});

test('a second server on the directory is refused, the command line is not', async (t) => {
  const location = await newLocation({ after: (step) => t.after(step) }, 'sqlite');
  const server = await openDatabase(location, 'server');
  await assert.rejects(openDatabase(location, 'server'), { code: 'directory_in_use', message: new RegExp(String(process.pid)) });
  const tool = await openDatabase(location, 'tool');
  await Promise.all([set(tool, 'tool', '1'), set(server, 'server', '1')]);
  assert.deepEqual(await names(server), ['server', 'tool']);
  await tool.close();
  await server.close();
});

test('a directory whose server was killed is free at once', async (t) => {
  const location = await newLocation({ after: (step) => t.after(step) }, 'sqlite');
  const script = `import { openDatabase } from ${JSON.stringify(new URL('./open.ts', import.meta.url).href)};
    await openDatabase({ directory: ${JSON.stringify(location.directory)} }, 'server'); console.log('open'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await assert.rejects(openDatabase(location, 'server'), { code: 'directory_in_use' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await openDatabase(location, 'server')).close();
});

test('a unit that holds the writer too long is rolled back and does not stop the others', async (t) => {
  const location = await newLocation({ after: (step) => t.after(step) }, 'sqlite');
  const database = await openSqlite({ directory: location.directory, unitMsMax: 50 });
  const slow = database.write(async (tx) => {
    await tx.insertInto('settings').values({ name: 'slow', value: '' }).execute();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await tx.insertInto('settings').values({ name: 'slower', value: '' }).execute();
  });
  const refused = assert.rejects(slow, { code: 'unit_too_long' });
  await set(database, 'quick', '');
  await refused;
  assert.deepEqual(await names(database), ['quick']);
  await database.close();
});

test('the connection for reading cannot write', async (t) => {
  const location = await newLocation({ after: (step) => t.after(step) }, 'sqlite');
  const database = await openDatabase(location, 'server');
  await assert.rejects(database.read.insertInto('settings').values({ name: 'a', value: '' }).execute());
  await database.close();
});
