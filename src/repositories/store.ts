import type { Selectable } from 'kysely';
import type { Clock } from '../clock.ts';
import { GatepostError, conflict, notFound } from '../errors.ts';
import type { Caller } from '../http/caller.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Actor } from '../organizations/audit.ts';
import { recordAudit } from '../organizations/audit.ts';
import { nextNumber, numberOrganization } from '../organizations/people.ts';
import { holdOrganization } from '../organizations/store.ts';
import { holdProject } from '../projects/store.ts';
import type { Database, Reader, Tx } from '../storage/database/database.ts';
import type { RepositoriesTable } from '../storage/database/schema.ts';
import type { Git } from './git/git.ts';
import { freeName, isNameTaken, nameTaken } from './names.ts';
import type { Repository } from './repository.ts';
import { checkedDefaultBranch, checkedDescription, checkedRepositoryName, defaultBranchName, nameKey } from './repository.ts';

type Row = Selectable<RepositoriesTable> & { readonly slug: string; readonly project_key: string | null };

function repositoryOf(row: Row): Repository {
  const { id, number, organization, slug, name, description, node, bytes, created, updated, pushed } = row;
  return {
    id,
    number,
    organization,
    slug,
    name,
    description,
    project: row.project === null || row.project_key === null ? null : { id: row.project, key: row.project_key },
    defaultBranch: row.default_branch,
    archived: row.archived === 1,
    limits: { bytesMax: row.bytes_max, objectBytesMax: row.object_bytes_max, refsMax: row.refs_max },
    bytes,
    node,
    created,
    updated,
    pushed,
  };
}

/** All that are not deleted. */
function repositories(read: Reader | Tx) {
  return read
    .selectFrom('repositories')
    .innerJoin('organizations', 'organizations.id', 'repositories.organization')
    .leftJoin('projects', 'projects.id', 'repositories.project')
    .selectAll('repositories')
    .select(['organizations.slug', 'projects.key as project_key'])
    .where('repositories.deleted', 'is', null);
}

interface Named {
  readonly read: Reader | Tx;
  /** Organization id. */
  readonly organization: string;
  readonly name: string;
}

/** The repository that has this name now, in whatever case, or null. */
export async function findRepository({ read, organization, name }: Named): Promise<Repository | null> {
  const row = await repositories(read)
    .where('repositories.organization', '=', organization)
    .where('repositories.name_key', '=', nameKey(name))
    .executeTakeFirst();
  return row === undefined ? null : repositoryOf(row);
}

export async function repositoryById(options: {
  readonly read: Reader | Tx;
  readonly organization: string;
  readonly id: string;
}): Promise<Repository | null> {
  const { read, organization, id } = options;
  const row = await repositories(read)
    .where('repositories.organization', '=', organization)
    .where('repositories.id', '=', id)
    .executeTakeFirst();
  return row === undefined ? null : repositoryOf(row);
}

/** Who once had this name and has another now, or null: where its old links lead. */
export async function findRenamed({ read, organization, name }: Named): Promise<Repository | null> {
  const row = await repositories(read)
    .innerJoin('repository_names', (join) =>
      join
        .onRef('repository_names.repository', '=', 'repositories.id')
        .onRef('repository_names.organization', '=', 'repositories.organization'),
    )
    .where('repository_names.organization', '=', organization)
    .where('repository_names.name_key', '=', nameKey(name))
    .executeTakeFirst();
  return row === undefined ? null : repositoryOf(row);
}

/** What is said of a repository that is not there, and of one the caller may not see: the two look alike. */
export function unknownRepository(): GatepostError {
  return notFound('unknown_repository', 'There is no repository of this name.');
}

/** A token for one project sees the repositories that are tied to it, and no other. */
export function maySee(caller: Caller, repository: Repository): boolean {
  return caller.organization === repository.organization && (caller.project === null || caller.project === repository.project?.id);
}

/** The repository that a caller names. Fails with `unknown_repository` where there is none, or where it is not for this token. */
export async function callersRepository(options: {
  readonly read: Reader;
  readonly caller: Caller;
  readonly name: string;
}): Promise<Repository> {
  const { read, caller, name } = options;
  const repository = await findRepository({ read, organization: caller.organization, name });
  if (repository === null || !maySee(caller, repository)) throw unknownRepository();
  return repository;
}

/** Fails with `repository_elsewhere` (503) where another node's disk holds it: what needs git must be asked there. */
export function requireHere(repository: Repository, database: Pick<Database, 'node'>): void {
  if (repository.node === database.node) return;
  throw new GatepostError(
    'unavailable',
    'repository_elsewhere',
    'Another node holds this repository: git and what needs it must go there.',
    {
      details: { node: repository.node },
    },
  );
}

/** Fails with `repository_archived` (409). */
export function requireNotArchived(repository: Repository): void {
  if (repository.archived) throw conflict('repository_archived', 'The repository is archived: nothing in it can be changed.');
}

export interface InsertRepositoryOptions {
  readonly database: Database;
  readonly git: Git;
  readonly organization: string;
  readonly name: string;
  readonly description?: string;
  readonly defaultBranch?: string;
  /** Project id, or null. */
  readonly project?: string | null;
  /** Takes a name that a deleted or renamed repository had. */
  readonly reuseName?: boolean;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/**
 * A new, empty repository of this node: its directory first, then its row, so that no row is ever without one. Fails with
 * `invalid_repository_name`, `invalid_branch`, `invalid_description`, `repository_name_taken`, `repository_name_retired`, and as git does.
 */
export async function insertRepository(options: InsertRepositoryOptions): Promise<Repository> {
  const { database, git, organization, actor, ids, clock, project = null } = options;
  const name = checkedRepositoryName(options.name);
  const description = checkedDescription(options.description ?? '');
  const defaultBranch = checkedDefaultBranch(options.defaultBranch ?? defaultBranchName);
  const id = ids.next();
  const taken = { organization, name, isReuse: options.reuseName === true };
  const refused = await isNameTaken({ read: database.read, ...taken });
  if (refused !== null) throw nameTaken(refused);
  await git.create({ repository: id, defaultBranch });
  return database.write(async (tx) => {
    // The organization may be on its way out: what is added to it now must be seen by that, or not be.
    if (!(await holdOrganization({ tx, organization }))) throw unknownRepository();
    if (project !== null && !(await holdProject({ tx, organization, project })))
      throw notFound('unknown_project', 'There is no project with this key.');
    await freeName({ tx, ...taken });
    await numberOrganization({ tx, organization });
    const now = clock.now();
    const values = {
      id,
      organization,
      name,
      description,
      project,
      number: await nextNumber(tx, 'repositories'),
      name_key: nameKey(name),
      default_branch: defaultBranch,
      node: database.node,
      bytes_max: null,
      object_bytes_max: null,
      refs_max: null,
      created: now,
      updated: now,
      pushed: null,
    };
    await tx.insertInto('repositories').values(values).execute();
    await recordAudit({ tx, organization, actor, action: 'repository.created', subject: name, ids, clock });
    const made = await repositoryById({ read: tx, organization, id });
    if (made === null) throw unknownRepository();
    return made;
  });
}

export interface ListRepositoriesOptions {
  readonly read: Reader;
  readonly organization: string;
  /** Id of the project whose repositories alone are wanted, or null. */
  readonly project: string | null;
  readonly limit: number;
  /** The name that the page begins behind. */
  readonly after: string | null;
}

/** By name, whatever its case. */
export async function listRepositories(options: ListRepositoriesOptions): Promise<readonly Repository[]> {
  const { read, organization, project, limit, after } = options;
  let query = repositories(read).where('repositories.organization', '=', organization).orderBy('repositories.name_key').limit(limit);
  if (project !== null) query = query.where('repositories.project', '=', project);
  if (after !== null) query = query.where('repositories.name_key', '>', nameKey(after));
  return (await query.execute()).map(repositoryOf);
}
