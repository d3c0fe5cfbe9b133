// Who works on what next: asked of a database in which much waits that nobody can fetch now. What a statement reads is told by its plan.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Insertable, KyselyPlugin } from 'kysely';
import { CompiledQuery, PostgresQueryCompiler, SqliteQueryCompiler, sql } from 'kysely';
import { eachDatabase } from '../../test/databases.ts';
import { createTestClock } from '../../test/http.ts';
import { createIdentifiers } from '../identifiers.ts';
import type { Database } from '../storage/database/database.ts';
import type { AnalysesTable } from '../storage/database/schema.ts';
import { claimAnalysis, dueSources, isSourceDue, tryFetchesNow } from './claim.ts';
import { leaseMs, settleFetchAgain } from './store.ts';

const waiting = 20_000;
/** Each is a few looks into an index. */
const statementsOf = { due: 2, fetch: 2, make: 3, isDue: 1 } as const;
const organization = 'o';

type Row = Partial<Insertable<AnalysesTable>> & { readonly id: string };

function rowOf(row: Row): Insertable<AnalysesTable> {
  const text = { date_given: null, date_text: '', properties: '{}', body_sha256: '', version: '1', revision: null };
  const rest = { organization, project: 'p', branch: 'main', date: 0, body_bytes: 0, status: 'pending' as const, created: 0 };
  return { ...text, ...rest, kind: 'sonarqube', stage: 'fetch', source: 's', source_key: row.id, ...row };
}

const add = (database: Database, ...rows: readonly Row[]) =>
  database.write((tx) => tx.insertInto('analyses').values(rows.map(rowOf)).execute());

/** All of one source, over a hundred branches. */
async function addMany(database: Database, row: Omit<Row, 'id'>): Promise<void> {
  const size = 500;
  for (let from = 0; from < waiting; from += size) {
    await add(
      database,
      ...Array.from({ length: size }, (_, index) => {
        const id = `many-${String(from + index).padStart(6, '0')}`;
        return { ...row, id, branch: `b${(from + index) % 100}`, date: from + index };
      }),
    );
  }
  if (database.engine === 'postgres') await database.write((tx) => sql`analyze analyses`.execute(tx));
}

interface Seen {
  readonly sql: string;
  readonly plan: string;
}

/** The statements that something runs, each with its plan. */
async function watched(database: Database, run: (watching: Database) => Promise<void>): Promise<readonly Seen[]> {
  const compiler = database.engine === 'sqlite' ? new SqliteQueryCompiler() : new PostgresQueryCompiler();
  const seen: CompiledQuery[] = [];
  const plugin: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      seen.push(compiler.compileQuery(node, queryId));
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  const write: Database['write'] = (unit) => database.write((tx) => unit(tx.withPlugin(plugin)));
  await run({ ...database, read: database.read.withPlugin(plugin), write });
  const explain = database.engine === 'sqlite' ? 'explain query plan' : 'explain';
  return Promise.all(
    seen.map(async ({ sql: text, parameters }) => {
      const { rows } = await database.read.executeQuery(CompiledQuery.raw(`${explain} ${text}`, [...parameters]));
      return { sql: text, plan: JSON.stringify(rows) };
    }),
  );
}

/** Whether it goes over more than what is under way or what waits for another try. */
const isScan = ({ plan }: Seen): boolean =>
  /SCAN analyses(?! USING (COVERING )?INDEX analyses_(running|later))|Seq Scan on analyses/.test(plan);

eachDatabase((open, engine) => {
  const bench = async (t: Parameters<typeof open>[0]) => {
    const database = await open(t);
    const clock = createTestClock(1_000_000);
    const ids = createIdentifiers(clock);
    const claim = (source?: string) => {
      const given = { database, clock, ids };
      return claimAnalysis(source === undefined ? given : { ...given, fetch: { source, exceptStates: ['source_tls'] } });
    };
    const idOf = async (source?: string) => (await claim(source))?.analysis.id ?? null;
    return { database, clock, claim, idOf };
  };

  test(`beside ${waiting} that wait for one source, a claim of another's costs a few reads (${engine})`, async (t) => {
    const { database, clock, idOf } = await bench(t);
    await addMany(database, { source: 'resting' });
    await add(database, { id: 'to-fetch', source: 'well' }, { id: 'to-make', source: null, stage: 'make', kind: 'sarif', branch: 'x' });
    const seen = await watched(database, async (watching) => {
      assert.deepEqual(await dueSources({ database: watching, clock, exceptStates: ['source_tls'] }), ['resting', 'well']);
      const given = { database: watching, clock, ids: createIdentifiers(clock) };
      const taken = await claimAnalysis({ ...given, fetch: { source: 'well', exceptStates: ['source_tls'] } });
      assert.equal(taken?.analysis.id, 'to-fetch');
      assert.equal((await claimAnalysis(given))?.analysis.id, 'to-make');
      assert.equal(await isSourceDue({ read: watching.read, source: 'well' }), false);
    });
    assert.equal(await idOf('well'), null);
    assert.equal(await idOf(), null);
    assert.deepEqual(seen.filter(isScan), []);
    assert.equal(seen.length, statementsOf.due + statementsOf.fetch + statementsOf.make + statementsOf.isDue);
  });

  test(`those of one branch are taken by their dates, one at a time; other branches meanwhile (${engine})`, async (t) => {
    const { database, claim, idOf } = await bench(t);
    await add(database, { id: '1', date: 3 }, { id: '2', date: 1 }, { id: '3', date: 2, branch: 'other' }, { id: '4', date: 2 });
    assert.equal(await idOf('s'), '2');
    assert.equal(await idOf('s'), '3');
    assert.equal(await idOf('s'), null);
    assert.equal(await isSourceDue({ read: database.read, source: 's' }), true);
    assert.equal((await claim('none')) ?? null, null);
  });

  test(`what waits for another try holds up none behind it, and goes before those once it is due (${engine})`, async (t) => {
    const { database, clock, claim, idOf } = await bench(t);
    await add(database, { id: '1', date: 1 }, { id: '2', date: 2 }, { id: '3', date: 3 });
    const first = await claim('s');
    assert.ok(first !== null);
    const due = clock.now() + 5_000;
    await database.write((tx) => settleFetchAgain({ tx, claim: first }, { due, attempts: 1, crashes: 0 }));
    const second = await claim('s');
    assert.equal(second?.analysis.id, '2');
    await database.write((tx) => settleFetchAgain({ tx, claim: second }, { due: due + 1, attempts: 1, crashes: 0 }));
    clock.ms += 5_000;
    assert.deepEqual(await dueSources({ database, clock, exceptStates: ['none'] }), ['s']);
    assert.equal(await idOf('s'), '1');
    const rows = await database.read.selectFrom('analyses').select(['id', 'due']).orderBy('id').execute();
    assert.deepEqual(
      rows.map((row) => row.due),
      [0, due + 1, 0],
      'nothing else was written',
    );
    await database.write((tx) => tryFetchesNow({ tx, organization, source: 's' }));
    assert.equal(await idOf('other'), null);
  });

  test(`the claim of a process that gives no sign of life is taken back, whatever else waits (${engine})`, async (t) => {
    const { database, clock, idOf } = await bench(t);
    await add(database, { id: '1' });
    assert.equal(await idOf('s'), '1');
    clock.ms += leaseMs;
    assert.deepEqual(await dueSources({ database, clock, exceptStates: ['none'] }), []);
    clock.ms += 1;
    assert.deepEqual(await dueSources({ database, clock, exceptStates: ['none'] }), ['s']);
    assert.equal(await idOf('s'), '1');
  });

  test(`of all that wait for their reports the one that came first is taken, those of a branch of a source by date (${engine})`, async (t) => {
    const { database, idOf } = await bench(t);
    const make = { stage: 'make' } as const;
    await add(
      database,
      { id: '1', ...make, date: 9 },
      { id: '2', ...make, date: 1 },
      { id: '3', ...make, source: null, branch: 'x' },
      { id: '4', ...make, source: null, branch: 'y' },
      { id: '5', ...make, source: 'other', branch: 'z' },
      { id: '6' },
    );
    const taken = [];
    for (let turn = 0; turn < 5; turn += 1) taken.push(await idOf());
    assert.deepEqual(taken, ['2', '3', '4', '5', null]);
  });

  test(`of what is small, none of a branch for which something larger waits; what is done is not gone over (${engine})`, async (t) => {
    const { database, clock, idOf } = await bench(t);
    const make = { stage: 'make' } as const;
    await addMany(database, { source: null, ...make, status: 'done', body_bytes: 11 });
    await add(
      database,
      { id: '1', ...make, branch: 'a', date: 1, body_bytes: 11 },
      { id: '2', ...make, branch: 'a', date: 2, body_bytes: 1 },
      { id: '3', ...make, branch: 'a', date: 3, source: null, body_bytes: 1 },
      { id: '4', ...make, branch: 'b0', date: 4, source: null, body_bytes: 10 },
      { id: '5', ...make, branch: 'b1', date: 5, body_bytes: 0 },
    );
    const seen = await watched(database, async (watching) => {
      const given = { database: watching, clock, ids: createIdentifiers(clock), bytesMax: 10 };
      const taken = [];
      for (let turn = 0; turn < 3; turn += 1) taken.push((await claimAnalysis(given))?.analysis.id ?? null);
      assert.deepEqual(taken, ['4', '5', null]);
    });
    assert.deepEqual(seen.filter(isScan), []);
    assert.equal(await idOf(), '1');
  });
});
