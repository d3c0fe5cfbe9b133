import type { Clock } from '../clock.ts';
import { conflict, invalid, notFound } from '../errors.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Actor } from '../organizations/audit.ts';
import { recordAudit } from '../organizations/audit.ts';
import { holdOrganization } from '../organizations/store.ts';
import { holdProject } from '../projects/store.ts';
import type { Database, Tx } from '../storage/database/database.ts';
import type { Git } from './git/git.ts';
import { freeName, retireName } from './names.ts';
import type { LimitsMax, Repository, RepositoryLimits } from './repository.ts';
import { checkedDefaultBranch, checkedDescription, checkedRepositoryName, nameKey } from './repository.ts';
import { repositoryById, requireHere, unknownRepository } from './store.ts';

export interface RepositoryChange {
  readonly name?: string;
  /** Takes a name that a deleted or renamed repository had. */
  readonly reuseName?: boolean;
  readonly description?: string;
  readonly defaultBranch?: string;
  readonly archived?: boolean;
  /** Project id; null: tied to none. */
  readonly project?: string | null;
  readonly limits?: Partial<RepositoryLimits>;
}

export interface ChangeRepositoryOptions {
  readonly database: Database;
  readonly git: Git;
  readonly repository: Repository;
  readonly change: RepositoryChange;
  /** What no repository's own limits may pass: the server's. */
  readonly limitsMax: LimitsMax;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/**
 * Changes what is named and nothing else. The old name of a renamed repository stays its own: git is sent on from there. Fails as a new repository
 * does, with `limit_too_high`, and with `unknown_branch` (409) for a default branch that is not there while others are.
 */
export async function changeRepository(options: ChangeRepositoryOptions): Promise<Repository> {
  const { database, git, repository, change, limitsMax, actor, ids, clock } = options;
  const { organization, id } = repository;
  const limits = checkedLimits(change.limits ?? {}, limitsMax);
  const name = change.name === undefined ? repository.name : checkedRepositoryName(change.name);
  const description = change.description === undefined ? repository.description : checkedDescription(change.description);
  if (change.defaultBranch !== undefined) await requireBranch({ ...options, branch: checkedDefaultBranch(change.defaultBranch) });
  const changed = await database.write(async (tx) => {
    if (!(await holdOrganization({ tx, organization }))) throw unknownRepository();
    if (typeof change.project === 'string' && !(await holdProject({ tx, organization, project: change.project })))
      throw notFound('unknown_project', 'There is no project with this key.');
    await rename({ tx, repository, name, isReuse: change.reuseName === true, now: clock.now() });
    const values = {
      name,
      name_key: nameKey(name),
      description,
      updated: clock.now(),
      ...(change.defaultBranch === undefined ? {} : { default_branch: change.defaultBranch }),
      ...(change.archived === undefined ? {} : { archived: change.archived ? 1 : 0 }),
      ...(change.project === undefined ? {} : { project: change.project }),
      ...limits,
    };
    const done = await tx
      .updateTable('repositories')
      .set(values)
      .where('organization', '=', organization)
      .where('id', '=', id)
      .where('deleted', 'is', null)
      .executeTakeFirst();
    if (done.numUpdatedRows === 0n) throw unknownRepository();
    await recordAudit({
      tx,
      organization,
      actor,
      action: name === repository.name ? 'repository.changed' : 'repository.renamed',
      subject: repository.name,
      details: { ...change },
      ids,
      clock,
    });
    return repositoryById({ read: tx, organization, id });
  });
  if (changed === null) throw unknownRepository();
  // The row says which it is; what git tells a clone follows, and is set again with the next change where this fails.
  if (change.defaultBranch !== undefined) await pointHead({ git, repository: id, branch: changed.defaultBranch });
  return changed;
}

async function rename(options: {
  readonly tx: Tx;
  readonly repository: Repository;
  readonly name: string;
  readonly isReuse: boolean;
  readonly now: number;
}): Promise<void> {
  const { tx, repository, name, isReuse, now } = options;
  const { organization, id } = repository;
  // As it is now: another may have renamed it since it was read.
  const row = await tx
    .selectFrom('repositories')
    .select('name')
    .where('organization', '=', organization)
    .where('id', '=', id)
    .where('deleted', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw unknownRepository();
  if (nameKey(row.name) === nameKey(name)) return;
  await freeName({ tx, organization, name, isReuse, by: id });
  await retireName({ tx, organization, name: row.name, repository: id, now });
}

const columns = { bytesMax: 'bytes_max', objectBytesMax: 'object_bytes_max', refsMax: 'refs_max' } as const;

function checkedLimits(given: Partial<RepositoryLimits>, most: LimitsMax): Record<string, number | null> {
  const values: Record<string, number | null> = {};
  for (const field of ['bytesMax', 'objectBytesMax', 'refsMax'] as const) {
    const value = given[field];
    if (value === undefined) continue;
    if (value !== null && value > most[field]) {
      const details = { field: `limits.${field}`, max: most[field] };
      throw invalid('limit_too_high', `The server allows no more than ${most[field]}.`, details);
    }
    values[columns[field]] = value;
  }
  return values;
}

/** Fails with `unknown_branch` where the repository has branches and this is none of them. */
async function requireBranch({ database, git, repository, branch }: ChangeRepositoryOptions & { readonly branch: string }): Promise<void> {
  requireHere(repository, database);
  const ask = (...args: readonly string[]) => git.run({ repository: repository.id, args, okStatus: [0, 1] });
  if ((await ask('show-ref', '--verify', '--quiet', `refs/heads/${branch}`)).status === 0) return;
  const any = await ask('for-each-ref', '--count=1', '--format=%(refname)', 'refs/heads/');
  if (any.stdout.length > 0) throw conflict('unknown_branch', 'The repository has no branch of this name.', { field: 'defaultBranch' });
}

/** Makes git tell clones that this is the default branch. */
async function pointHead({
  git,
  repository,
  branch,
}: {
  readonly git: Git;
  readonly repository: string;
  readonly branch: string;
}): Promise<void> {
  await git.run({ repository, args: ['symbolic-ref', 'HEAD', `refs/heads/${branch}`] });
}
