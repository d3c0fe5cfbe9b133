import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Database, Reader, Tx } from '../storage/database/database.ts';
import { isUniqueViolation } from '../storage/database/failures.ts';
import type { Claim } from './store.ts';
import { leaseMs } from './store.ts';

// Who works on which analysis next. What waits lies in lanes: one for each source, one for all that comes from none; within a lane the oldest goes
// first. A lane's head is found by a range of one index, so a claim costs by lanes, never by what waits in them. What a statement looks by is
// written out in it: SQLite takes an index of some of the rows only where the text says that it asks for those.

interface ClaimOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** Takes one to be fetched, of this source. Left out: one whose reports are to be made. */
  readonly fetch?: FetchFrom;
  /**
   * Of those whose reports are to be made, only one whose file is no larger, of a branch for which no larger one waits: what is taken out of turn
   * this way is never taken before an older one of its branch.
   */
  readonly bytesMax?: number;
}

export interface FetchFrom {
  readonly source: string;
  /** In such a state it is left alone. */
  readonly exceptStates: readonly string[];
}

/** How often a claim is tried again that another node was faster with. */
const racesMax = 3;

/**
 * Takes the oldest analysis that is due and whose branch has no other one under way, or null. Two nodes never hold the same one, nor two of one
 * branch: the database's unique key on what is running decides. Those of one branch of a source are taken in the order of their dates, however
 * they came; one that waits for another try holds up none behind it.
 */
export async function claimAnalysis({ database, clock, ids, fetch, bytesMax }: ClaimOptions): Promise<Claim | null> {
  if (fetch === undefined) await wakeAnalyses({ database, clock });
  const token = `${database.node}:${ids.next()}`;
  for (let race = 0; race < racesMax; race += 1) {
    const claimed = await database
      .write((tx) => claimHead(tx, { token, until: clock.now() + leaseMs, fetch, bytesMax }))
      .catch((error: unknown) => {
        // Another node was faster with this branch.
        if (isUniqueViolation(error)) return 'lost' as const;
        throw error;
      });
    if (claimed !== 'lost') return claimed;
  }
  return null;
}

interface Taking {
  readonly token: string;
  readonly until: number;
  readonly fetch: FetchFrom | undefined;
  readonly bytesMax: number | undefined;
}

async function claimHead(tx: Tx, { token, until, fetch, bytesMax }: Taking): Promise<Claim | null | 'lost'> {
  const id = fetch === undefined ? await headToMake(tx, bytesMax) : await headToFetch(tx, fetch);
  if (id === null) return null;
  const analysis = await tx
    .updateTable('analyses')
    .set({ status: 'running', lease_token: token, lease_until: until })
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .returningAll()
    .executeTakeFirst();
  return analysis === undefined ? 'lost' : { analysis, token };
}

/** The first of a lane, in the order of the index, whose branch is not under way. Those that are under way are few. */
function headOf(stage: 'fetch' | 'make', lane: RawBuilder<boolean>, among = sql<boolean>`1 = 1`): RawBuilder<string> {
  return sql<string>`select id from analyses where status = 'pending' and stage = ${sql.lit(stage)} and ${lane} and due = 0 and ${among}
    and (project, branch) not in (select project, branch from analyses where status = 'running') order by date, id limit 1`;
}

async function headToFetch(tx: Tx, { source, exceptStates }: FetchFrom): Promise<string | null> {
  const isLeftAlone = sql`exists (select 1 from sources where id = ${source} and state in (${sql.join(exceptStates)}))`;
  const { rows } = await sql<{ id: string }>`${headOf('fetch', sql`source = ${source} and not ${isLeftAlone}`)}`.execute(tx);
  return rows[0]?.id ?? null;
}

/** Of all lanes' heads the one that came first. */
async function headToMake(tx: Tx, bytesMax: number | undefined): Promise<string | null> {
  const among = bytesMax === undefined ? undefined : smallOnly(bytesMax);
  const { rows } = await sql<{ id: string | null }>`with recursive ${lanesOf('make')}
    select min(id) as id from (
      select (${headOf('make', sql`source = lanes.source`, among)}) as id from lanes where source is not null
      union all select (${headOf('make', sql`source is null`, among)}) as id) heads`.execute(tx);
  return rows[0]?.id ?? null;
}

/** Goes over what waits to be made, in the index alone. */
function smallOnly(bytesMax: number): RawBuilder<boolean> {
  return sql<boolean>`body_bytes <= ${bytesMax} and (project, branch) not in (
    select project, branch from analyses where status = 'pending' and stage = 'make' and body_bytes > ${bytesMax})`;
}

/** The sources of what waits, each found by one look into the index, whose whole order is asked for so that no other one serves; the last row is null. */
function lanesOf(stage: 'fetch' | 'make'): RawBuilder<unknown> {
  const next = (after: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`(select source from analyses where status = 'pending' and stage = ${sql.lit(stage)} and source > ${after}
      order by source, due, date limit 1)`;
  return sql`lanes (source) as (select ${next(sql`''`)} union all select ${next(sql`lanes.source`)} from lanes where lanes.source is not null)`;
}

export interface DueSourcesOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Sources in such a state are left alone. */
  readonly exceptStates: readonly string[];
}

/** The sources that have something to be fetched now. */
export async function dueSources({ database, clock, exceptStates }: DueSourcesOptions): Promise<readonly string[]> {
  await wakeAnalyses({ database, clock });
  const { rows } = await sql<{ source: string }>`with recursive ${lanesOf('fetch')}
    select lanes.source from lanes left join sources on sources.id = lanes.source
    where lanes.source is not null and (sources.state is null or sources.state not in (${sql.join(exceptStates)}))
      and (select id from analyses where status = 'pending' and stage = 'fetch' and source = lanes.source and due = 0
        order by date, id limit 1) is not null`.execute(database.read);
  return rows.map((row) => row.source);
}

/** Whether a source has something to be fetched now: its branch may be under way. */
export async function isSourceDue({ read, source }: { readonly read: Reader; readonly source: string }): Promise<boolean> {
  const { rows } = await sql`select id from analyses where status = 'pending' and stage = 'fetch' and source = ${source}
    and due = 0 order by date, id limit 1`.execute(read);
  return rows.length > 0;
}

/** What has waited long enough for its next try is due like all else; what somebody held who gives no sign of life is nobody's. */
async function wakeAnalyses({ database, clock }: Pick<ClaimOptions, 'database' | 'clock'>): Promise<void> {
  const now = clock.now();
  const isAgain = sql<boolean>`status = 'pending' and due > 0 and due <= ${now}`;
  const isOver = sql<boolean>`status = 'running' and lease_until < ${now}`;
  const { rows } = await sql<{ id: string }>`select id from (select id from analyses where ${isAgain} limit 1) again
    union all select id from (select id from analyses where ${isOver} limit 1) ended`.execute(database.read);
  if (rows.length === 0) return;
  await database.write(async (tx) => {
    await sql`update analyses set due = 0 where ${isAgain}`.execute(tx);
    await sql`update analyses set status = 'pending', lease_token = null, lease_until = null where ${isOver}`.execute(tx);
  });
}

/** What of a source waits for another try waits no longer. */
export async function tryFetchesNow(options: { readonly tx: Tx; readonly organization: string; readonly source: string }): Promise<void> {
  const { tx, organization, source } = options;
  await sql`update analyses set due = 0 where status = 'pending' and due > 0 and stage = 'fetch'
    and organization = ${organization} and source = ${source}`.execute(tx);
}
