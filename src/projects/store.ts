import type { Selectable } from 'kysely';
import type { Clock } from '../clock.ts';
import { notFound } from '../errors.ts';
import type { Caller } from '../http/caller.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Actor } from '../organizations/audit.ts';
import { recordAudit } from '../organizations/audit.ts';
import { checkedName } from '../organizations/organization.ts';
import { holdOrganization } from '../organizations/store.ts';
import type { Reader, Tx } from '../storage/database/database.ts';
import type { ProjectsTable } from '../storage/database/schema.ts';
import type { Project } from './project.ts';
import { checkedProjectKey } from './project.ts';

function projectOf(row: Selectable<ProjectsTable>): Project {
  const { id, key, name, retention_versions, retention_days, gate, created } = row;
  return { id, key, name, retentionVersions: retention_versions, retentionDays: retention_days, gate, created };
}

/** The project of this key, or null. */
export async function findProject(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly key: string;
}): Promise<Project | null> {
  const { read, organization, key } = options;
  const row = await read
    .selectFrom('projects')
    .selectAll()
    .where('organization', '=', organization)
    .where('key', '=', key)
    .executeTakeFirst();
  return row === undefined ? null : projectOf(row);
}

/** The project of this id, or null. */
export async function readProject(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly project: string;
}): Promise<Project | null> {
  const { read, organization, project } = options;
  const row = await read
    .selectFrom('projects')
    .selectAll()
    .where('organization', '=', organization)
    .where('id', '=', project)
    .executeTakeFirst();
  return row === undefined ? null : projectOf(row);
}

/** What every route says that names a project the caller may not see, or that is not there: the two look alike. */
export function unknownProject(): Error {
  return notFound('unknown_project', 'There is no project with this key.');
}

/** The project that a caller names. Fails with `unknown_project` where there is none, or where the caller's token is for another one. */
export async function callersProject(options: { readonly read: Reader; readonly caller: Caller; readonly key: string }): Promise<Project> {
  const { read, caller, key } = options;
  const project = await findProject({ read, organization: caller.organization, key });
  if (project === null || (caller.project !== null && caller.project !== project.id)) throw unknownProject();
  return project;
}

export interface FindOrCreateProjectOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly key: string;
  /** Of a new one; its key where none is given. */
  readonly name?: string;
  /** The project that the caller's token is for, or null: with one, no other can be found or made (`unknown_project`). */
  readonly onlyProject: string | null;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/**
 * The project of this key, made where it is new. Its row is held until the unit ends, so that a deletion at the same time either sees what the
 * unit adds or is over before. Fails with `invalid_project_key`.
 */
export async function findOrCreateProject(options: FindOrCreateProjectOptions): Promise<Project> {
  const { tx, organization, onlyProject, actor, ids, clock } = options;
  const key = checkedProjectKey(options.key);
  const held = await tx
    .updateTable('projects')
    .set((row) => ({ name: row.ref('name') }))
    .where('organization', '=', organization)
    .where('key', '=', key)
    .returningAll()
    .executeTakeFirst();
  if (held !== undefined && (onlyProject === null || onlyProject === held.id)) return projectOf(held);
  if (onlyProject !== null) throw unknownProject();
  // The organization may be on its way out: what is added to it now must be seen by that, or not be.
  if (!(await holdOrganization({ tx, organization }))) throw unknownProject();
  const row = {
    id: ids.next(),
    organization,
    key,
    name: checkedName(options.name ?? key.slice(0, 200)),
    retention_versions: null,
    retention_days: null,
    created: clock.now(),
  };
  const inserted = await tx
    .insertInto('projects')
    .values(row)
    .onConflict((on) => on.columns(['organization', 'key']).doUpdateSet((excluded) => ({ key: excluded.ref('excluded.key') })))
    .returningAll()
    .executeTakeFirstOrThrow();
  if (inserted.id === row.id) await recordAudit({ tx, organization, actor, action: 'project.created', subject: key, ids, clock });
  return projectOf(inserted);
}

/** Holds the project's row until the unit ends. False: it is gone. */
export async function holdProject(options: { readonly tx: Tx; readonly organization: string; readonly project: string }): Promise<boolean> {
  const held = await options.tx
    .updateTable('projects')
    .set((row) => ({ name: row.ref('name') }))
    .where('organization', '=', options.organization)
    .where('id', '=', options.project)
    .executeTakeFirst();
  return held.numUpdatedRows === 1n;
}

export interface ListProjectsOptions {
  readonly read: Reader;
  readonly organization: string;
  /** The project that the caller's token is for, or null. */
  readonly onlyProject: string | null;
  readonly limit: number;
  /** The key that the page begins behind. */
  readonly after: string | null;
}

/** By key. */
export async function listProjects({ read, organization, onlyProject, limit, after }: ListProjectsOptions): Promise<readonly Project[]> {
  let query = read.selectFrom('projects').selectAll().where('organization', '=', organization).orderBy('key').limit(limit);
  if (onlyProject !== null) query = query.where('id', '=', onlyProject);
  if (after !== null) query = query.where('key', '>', after);
  return (await query.execute()).map(projectOf);
}

export interface ProjectChange {
  readonly name?: string;
  readonly retentionVersions?: number | null;
  readonly retentionDays?: number | null;
  /** One that is there: the caller has seen to it, in this unit. */
  readonly gate?: string | null;
}

export interface UpdateProjectOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly project: Project;
  readonly change: ProjectChange;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Changes what is named and nothing else. Fails with `unknown_project` where it went meanwhile. */
export async function updateProject(options: UpdateProjectOptions): Promise<Project> {
  const { tx, organization, project, change, actor, ids, clock } = options;
  const row = await tx
    .updateTable('projects')
    .set({
      name: change.name === undefined ? project.name : checkedName(change.name),
      retention_versions: change.retentionVersions === undefined ? project.retentionVersions : change.retentionVersions,
      retention_days: change.retentionDays === undefined ? project.retentionDays : change.retentionDays,
      ...(change.gate === undefined ? {} : { gate: change.gate }),
    })
    .where('organization', '=', organization)
    .where('id', '=', project.id)
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) throw unknownProject();
  await recordAudit({ tx, organization, actor, action: 'project.changed', subject: project.key, details: { ...change }, ids, clock });
  return projectOf(row);
}
