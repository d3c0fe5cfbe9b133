import type { Insertable, Selectable, Updateable } from 'kysely';
import { sql } from 'kysely';
import { conflict, notFound } from '../../errors.ts';
import type { PersonFacts } from '../../events/git-facts.ts';
import { nextNumber } from '../../organizations/people.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { PullsTable } from '../../storage/database/schema-repositories.ts';
import type { Mergeability, Pull, PullCounts, PullState } from './pull.ts';
import { openPullsMax } from './pull.ts';

function pullOf(row: Selectable<PullsTable>): Pull {
  return {
    id: row.id,
    repository: row.repository,
    number: row.number,
    serial: row.serial,
    title: row.title,
    body: row.body,
    author: JSON.parse(row.author) as PersonFacts,
    state: row.state as PullState,
    base: row.base,
    head: row.head,
    isHeadGone: row.head_gone === 1,
    topic: row.topic,
    headSha: row.head_sha,
    baseSha: row.base_sha,
    mergeBase: row.merge_base,
    mergeability: row.mergeable as Mergeability,
    mergeabilityOf: row.mergeable_of,
    counts: JSON.parse(row.counts) as PullCounts,
    mergeSha: row.merge_sha,
    mergedBy: row.merged_by === null ? null : (JSON.parse(row.merged_by) as PersonFacts),
    comments: row.comments,
    created: row.created,
    updated: row.updated,
    closed: row.closed,
  };
}

/** Which repository, as every query names it. */
export interface Scope {
  readonly organization: string;
  /** Its id. */
  readonly repository: string;
}

export function unknownPull(): Error {
  return notFound('unknown_pull_request', 'There is no pull request of this number.');
}

/** The pull request of this number, or null. */
export async function findPull(options: Scope & { readonly read: Reader | Tx; readonly number: number }): Promise<Pull | null> {
  const { read, organization, repository, number } = options;
  const row = await read
    .selectFrom('pulls')
    .selectAll()
    .where('organization', '=', organization)
    .where('repository', '=', repository)
    .where('number', '=', number)
    .executeTakeFirst();
  return row === undefined ? null : pullOf(row);
}

export interface ListPullsOptions extends Scope {
  readonly read: Reader;
  readonly state: PullState | 'all';
  /** Only those that go to, or come from, this branch. */
  readonly base?: string | undefined;
  readonly head?: string | undefined;
  readonly limit: number;
  /** Number that the page begins behind; null: the newest. */
  readonly after: number | null;
}

/** Newest first. */
export async function listPulls(options: ListPullsOptions): Promise<readonly Pull[]> {
  const { read, organization, repository, state, base, head, limit, after } = options;
  let query = read
    .selectFrom('pulls')
    .selectAll()
    .where('organization', '=', organization)
    .where('repository', '=', repository)
    .orderBy('number', 'desc')
    .limit(limit);
  if (state !== 'all') query = query.where('state', '=', state);
  if (base !== undefined) query = query.where('base', '=', base);
  if (head !== undefined) query = query.where('head', '=', head);
  if (after !== null) query = query.where('number', '<', after);
  return (await query.execute()).map(pullOf);
}

type OpenOptions = Scope & { readonly read: Reader | Tx };

function openOnes({ read, organization, repository }: OpenOptions) {
  return read.selectFrom('pulls').where('organization', '=', organization).where('repository', '=', repository).where('state', '=', 'open');
}

/** Those that are open and go to, or come from, one of these branches, or have one of these numbers; by number. */
export async function openPullsOf(
  options: OpenOptions & { readonly branches: readonly string[]; readonly numbers?: readonly number[] },
): Promise<readonly Pull[]> {
  const { branches, numbers = [] } = options;
  if (branches.length === 0 && numbers.length === 0) return [];
  const rows = await openOnes(options)
    .selectAll()
    .where((where) =>
      where.or([
        ...(branches.length === 0 ? [] : [where('base', 'in', branches), where('head', 'in', branches)]),
        ...(numbers.length === 0 ? [] : [where('number', 'in', numbers)]),
      ]),
    )
    .orderBy('number')
    .execute();
  return rows.map(pullOf);
}

/** How many are open. */
export async function countOpen(options: OpenOptions): Promise<number> {
  const row = await openOnes(options)
    .select((select) => select.fn.countAll<number | string | bigint>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Those that were pushed to refs/for for this base and topic, and are open. */
export async function openOfTopic(
  options: OpenOptions & { readonly base: string; readonly topic: string; readonly author: number },
): Promise<Pull | null> {
  const { base, topic, author } = options;
  const rows = await openOnes(options).selectAll().where('base', '=', base).where('topic', '=', topic).orderBy('number').execute();
  return rows.map(pullOf).find((pull) => pull.author.number === author) ?? null;
}

/** The next number of a repository's pull requests: it is taken, whether or not one is made of it. Null: the repository is gone. */
export async function takeNumber({ tx, organization, repository }: Scope & { readonly tx: Tx }): Promise<number | null> {
  const row = await tx
    .updateTable('repositories')
    .set({ last_pull: sql<number>`last_pull + 1` })
    .where('organization', '=', organization)
    .where('id', '=', repository)
    .where('deleted', 'is', null)
    .returning('last_pull')
    .executeTakeFirst();
  return row?.last_pull ?? null;
}

export type NewPull = Pick<
  Pull,
  | 'number'
  | 'title'
  | 'body'
  | 'author'
  | 'base'
  | 'head'
  | 'topic'
  | 'headSha'
  | 'baseSha'
  | 'mergeBase'
  | 'mergeability'
  | 'mergeabilityOf'
  | 'counts'
>;

/**
 * Adds one, open. The repository's row is held, so that no two of them are opened for the same head and base: fails with `pull_request_exists`, and
 * with `too_many_pull_requests`. Null: the repository is gone, or has one of this number.
 */
export async function insertPull(
  options: Scope & { readonly tx: Tx; readonly id: string; readonly now: number; readonly pull: NewPull },
): Promise<Pull | null> {
  const { tx, organization, repository, id, now, pull } = options;
  if (!(await holdRepository({ tx, organization, repository }))) return null;
  if ((await findPull({ read: tx, organization, repository, number: pull.number })) !== null) return null;
  await requireNoOther({ tx, organization, repository, pull: { ...pull, id } });
  await requireRoom({ tx, organization, repository });
  const values: Insertable<PullsTable> = {
    id,
    organization,
    repository,
    number: pull.number,
    serial: await nextNumber(tx, 'pulls'),
    title: pull.title,
    body: pull.body,
    author: JSON.stringify(pull.author),
    state: 'open',
    base: pull.base,
    head: pull.head,
    topic: pull.topic,
    head_sha: pull.headSha,
    base_sha: pull.baseSha,
    merge_base: pull.mergeBase,
    mergeable: pull.mergeability,
    mergeable_of: pull.mergeabilityOf,
    counts: JSON.stringify(pull.counts),
    merge_sha: null,
    merged_by: null,
    created: now,
    updated: now,
    closed: null,
  };
  const row = await tx.insertInto('pulls').values(values).returningAll().executeTakeFirstOrThrow();
  return pullOf(row);
}

/** Fails with `too_many_pull_requests` where no more can be open. The caller holds the repository's row. */
export async function requireRoom({ tx, organization, repository }: Scope & { readonly tx: Tx }): Promise<void> {
  if ((await countOpen({ read: tx, organization, repository })) < openPullsMax) return;
  throw conflict('too_many_pull_requests', 'The repository has as many open pull requests as it may have.', { max: openPullsMax });
}

/** Holds the repository's row until the unit ends. False: it is gone. */
async function holdRepository({ tx, organization, repository }: Scope & { readonly tx: Tx }): Promise<boolean> {
  const held = await tx
    .updateTable('repositories')
    .set((row) => ({ last_pull: row.ref('last_pull') }))
    .where('organization', '=', organization)
    .where('id', '=', repository)
    .where('deleted', 'is', null)
    .executeTakeFirst();
  return held.numUpdatedRows === 1n;
}

type Way = Pick<Pull, 'id' | 'base' | 'head' | 'topic' | 'author'>;

/** Fails with `pull_request_exists` where another open one has the same head and base. */
export async function requireNoOther(options: Scope & { readonly tx: Tx | Reader; readonly pull: Way }): Promise<void> {
  const { tx: read, organization, repository, pull } = options;
  const others = await listSameWay({ read, organization, repository, pull });
  const other = others.find((one) => one.id !== pull.id);
  if (other === undefined) return;
  throw conflict('pull_request_exists', `Pull request ${other.number} is open for the same head and base.`, { number: other.number });
}

async function listSameWay(options: Scope & { readonly read: Tx | Reader; readonly pull: Way }): Promise<readonly Pull[]> {
  const { read, organization, repository, pull } = options;
  if (pull.head === null) {
    const { base, topic } = pull;
    if (topic === null) return [];
    const other = await openOfTopic({ read, organization, repository, base, topic, author: pull.author.number });
    return other === null ? [] : [other];
  }
  const rows = await read
    .selectFrom('pulls')
    .selectAll()
    .where('organization', '=', organization)
    .where('repository', '=', repository)
    .where('state', '=', 'open')
    .where('head', '=', pull.head)
    .where('base', '=', pull.base)
    .execute();
  return rows.map(pullOf);
}

/** The row as it is now, held until the unit ends; null where it is gone. `withRepository`: that row first, so that none is opened meanwhile. */
export async function holdPull(
  options: Scope & { readonly tx: Tx; readonly id: string; readonly withRepository?: boolean },
): Promise<Pull | null> {
  const { tx, organization, repository, id, withRepository = false } = options;
  if (withRepository) await holdRepository({ tx, organization, repository });
  const row = await tx
    .updateTable('pulls')
    .set((own) => ({ title: own.ref('title') }))
    .where('organization', '=', organization)
    .where('repository', '=', repository)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? null : pullOf(row);
}

/** Changes a row that is held, and answers it. */
export async function changePull(
  options: Scope & { readonly tx: Tx; readonly id: string; readonly change: Updateable<PullsTable> },
): Promise<Pull> {
  const { tx, organization, repository, id, change } = options;
  const row = await tx
    .updateTable('pulls')
    .set(change)
    .where('organization', '=', organization)
    .where('repository', '=', repository)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return pullOf(row);
}
