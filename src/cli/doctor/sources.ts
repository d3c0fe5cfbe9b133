import { sql } from 'kysely';
import { timestampText } from '../../clock.ts';
import type { Reader } from '../../storage/database/database.ts';
import type { Check, Item } from './check.ts';
import { countedMax, countText, itemsShownMax, ok, warning } from './check.ts';

/** A look that should have been so long ago is overdue: nobody looks. */
export const lookOverdueMs = 15 * 60_000;

export interface SourcesOptions {
  readonly read: Reader;
  readonly now: number;
  /** A server answers. */
  readonly isServing: boolean;
}

/** SonarQube servers that are not well, since when and why, with the analyses that wait for them. Asks none of them: their last state is told. */
export async function checkSources({ read, now, isServing }: SourcesOptions): Promise<Check> {
  const rows = await read
    .selectFrom('sources')
    .innerJoin('organizations', 'organizations.id', 'sources.organization')
    .select(['sources.id', 'sources.name', 'sources.state', 'sources.state_since', 'sources.state_message', 'organizations.slug'])
    .select('sources.next_catch_up')
    .where((where) =>
      where.or([
        where('sources.state', 'not in', ['ok', 'unchecked']),
        where('sources.next_catch_up', '<', isServing ? now - lookOverdueMs : 0),
      ]),
    )
    .orderBy('sources.state_since')
    .orderBy('sources.id')
    .limit(countedMax)
    .execute();
  if (rows.length === 0) return ok('sources', await wellText(read));
  const items: Item[] = [];
  for (const row of rows.slice(0, itemsShownMax)) items.push(itemOf(row, await countWaiting(read, row.id)));
  const remedy =
    'gatepost source check ID asks a server again and says what works. A token that is refused is replaced by PATCH /v1/sources/{id}; what waits is ' +
    'fetched by itself once the source is well.';
  return warning('sources', `${countText(rows.length)} not well`, remedy, items);
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly state: string;
  readonly state_since: number;
  readonly state_message: string | null;
}

function itemOf({ id, name, slug, state, state_since: since, state_message: message }: Row, waiting: number): Item {
  const isWell = state === 'ok' || state === 'unchecked';
  const why = isWell ? 'nobody looks for what its webhooks missed' : (message ?? state);
  return {
    says: `${name} (${id}) of ${slug}: ${state} since ${timestampText(since)} (${why}), ${countText(waiting)} waiting`,
    source: id,
    name,
    organization: slug,
    state,
    since: timestampText(since),
    reason: message,
    waiting,
  };
}

async function wellText(read: Reader): Promise<string> {
  const { n } = await read
    .selectFrom('sources')
    .select((row) => row.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return n === 0 ? 'there is none' : `${countText(n)}, all well`;
}

async function countWaiting(read: Reader, source: string): Promise<number> {
  const counted = await sql<{ n: number }>`
    select count(*) as n from (select 1 from analyses where source = ${source} and stage = 'fetch' and status in ('pending', 'running')
      limit ${sql.lit(countedMax)}) as counted
  `.execute(read);
  return counted.rows[0]?.n ?? 0;
}
