import type { PersonFacts } from '../events/git-facts.ts';
import type { Reader } from '../storage/database/database.ts';

/** A ref that moved, as its row says. */
export interface Push {
  readonly id: string;
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly isForced: boolean;
  readonly commits: number;
  readonly pusher: PersonFacts;
  readonly created: number;
}

export interface ListPushesOptions {
  readonly read: Reader;
  readonly organization: string;
  /** Id. */
  readonly repository: string;
  /** Whole; null: all. */
  readonly ref: string | null;
  readonly limit: number;
  /** Id that the page begins behind; null: the newest. */
  readonly after: string | null;
}

/** Newest first. */
export async function listPushes({ read, organization, repository, ref, limit, after }: ListPushesOptions): Promise<readonly Push[]> {
  let query = read
    .selectFrom('pushes')
    .select(['id', 'ref', 'before', 'after', 'forced', 'actor', 'commits', 'created'])
    .where('organization', '=', organization)
    .where('repository', '=', repository)
    .orderBy('id', 'desc')
    .limit(limit);
  if (ref !== null) query = query.where('ref', '=', ref);
  if (after !== null) query = query.where('id', '<', after);
  const rows = await query.execute();
  return rows.map(({ forced, actor, ...row }) => ({ ...row, isForced: forced === 1, pusher: JSON.parse(actor) as PersonFacts }));
}

/** Id of the push that first brought a commit; null: it is not known. */
export async function pushOfCommit(options: {
  readonly read: Reader;
  /** Id. */
  readonly repository: string;
  readonly sha: string;
}): Promise<string | null> {
  const { read, repository, sha } = options;
  const row = await read
    .selectFrom('push_commits')
    .select('push')
    .where('repository', '=', repository)
    .where('sha', '=', sha)
    .executeTakeFirst();
  return row?.push ?? null;
}

/**
 * The push that first brought a commit to a repository that is tied to this project; null: no such repository has it by a push. Of several the
 * first that got it.
 */
export async function pushOf(options: {
  readonly read: Reader;
  readonly organization: string;
  /** Project id. */
  readonly project: string;
  readonly revision: string;
}): Promise<{
  readonly id: string;
  readonly repository: string;
  readonly slug: string;
  readonly ref: string;
  readonly created: number;
} | null> {
  const { read, organization, project, revision } = options;
  if (!/^[0-9a-f]{40}$/.test(revision)) return null;
  const row = await read
    .selectFrom('repositories')
    .innerJoin('organizations', 'organizations.id', 'repositories.organization')
    .innerJoin('push_commits', (join) =>
      join.onRef('push_commits.repository', '=', 'repositories.id').on('push_commits.sha', '=', revision),
    )
    .innerJoin('pushes', 'pushes.id', 'push_commits.push')
    .select(['pushes.id', 'pushes.ref', 'pushes.created', 'repositories.name as repository', 'organizations.slug'])
    .where('repositories.organization', '=', organization)
    .where('repositories.project', '=', project)
    .where('repositories.deleted', 'is', null)
    .orderBy('pushes.id')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}
