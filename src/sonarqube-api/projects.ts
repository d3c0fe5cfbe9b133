import { sql } from 'kysely';
import type { Caller } from '../http/caller.ts';
import type { Project } from '../projects/project.ts';
import { findProject } from '../projects/store.ts';
import { sonarqubeDate } from '../webhooks/dialects/sonarqube-json.ts';
import type { Actions, Answered, Call, SonarqubeApiDeps } from './action.ts';
import type { ShownAnalysis } from './analyses.ts';
import { newestAnalysed } from './analyses.ts';
import { browses, requireAdminister, requireBrowse } from './login.ts';
import type { Page } from './parameters.ts';
import { refused } from './words.ts';

const pageSizeDefault = 100;
/** Keys that one call may name; more are left out. */
const projectsNamedMax = 1_000;

/** `api/projects/search` for administrators, `api/components/{search,search_projects,show}` for whoever may read: the projects of the organization. */
export function projectActions(deps: SonarqubeApiDeps): Actions {
  return {
    'projects/search': { method: 'GET', run: (call) => search(deps, call) },
    'components/search': { method: 'GET', run: (call) => searchComponents(deps, call) },
    'components/search_projects': { method: 'GET', run: (call) => searchProjects(deps, call) },
    'components/show': { method: 'GET', run: (call) => show(deps, call) },
  };
}

/** The project of this key, if the caller may read it. Fails in SonarQube's words. */
export async function projectBrowsed(
  { database }: SonarqubeApiDeps,
  caller: Caller,
  key: string,
  missing: (key: string) => Error = refused.projectNotFound,
): Promise<Project> {
  const project = await findProject({ read: database.read, organization: caller.organization, key });
  if (project === null) throw missing(key);
  requireBrowse(caller, project.id);
  return project;
}

interface Wanted {
  readonly caller: Caller;
  /** A part of its name, or its key. */
  readonly q: string | undefined;
  readonly keys: readonly string[] | null;
  readonly page: Page;
}

interface Found {
  readonly total: number;
  readonly projects: readonly Pick<Project, 'id' | 'key' | 'name'>[];
}

/** By name. */
async function projectsWanted({ database }: SonarqubeApiDeps, { caller, q, keys, page }: Wanted): Promise<Found> {
  let query = database.read.selectFrom('projects').where('organization', '=', caller.organization);
  if (caller.project !== null) query = query.where('id', '=', caller.project);
  if (keys !== null) query = query.where('key', 'in', keys.length === 0 ? [''] : [...keys]);
  if (q !== undefined) {
    const part = `%${q.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
    query = query.where(sql<boolean>`(lower(name) like ${part} escape '\\' or lower(key) like ${part} escape '\\')`);
  }
  const { n } = await query.select((row) => row.fn.countAll<number>().as('n')).executeTakeFirstOrThrow();
  const rows = await query
    .select(['id', 'key', 'name'])
    .orderBy(sql`lower(name)`)
    .orderBy('key')
    .limit(page.size)
    .offset((page.index - 1) * page.size)
    .execute();
  return { total: n, projects: rows };
}

function paging({ index, size }: Page, total: number) {
  return { pageIndex: index, pageSize: size, total };
}

async function search(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const q = parameters.filled('q');
  const named = parameters.filled('projects') ?? parameters.filled('projectKeys');
  const keys = named === undefined ? null : named.split(',').slice(0, projectsNamedMax);
  const page = parameters.page(pageSizeDefault);
  requireAdminister(caller, null);
  const { total, projects } = await projectsWanted(deps, { caller, q, keys, page });
  const components: object[] = [];
  for (const project of projects) components.push(component(project, await newest(deps, caller, project.id)));
  return { paging: paging(page, total), components };
}

async function newest({ database }: SonarqubeApiDeps, { organization }: Caller, project: string): Promise<ShownAnalysis | null> {
  return newestAnalysed({ read: database.read, organization, project, place: null });
}

function component({ id, key, name }: Pick<Project, 'id' | 'key' | 'name'>, analysis: ShownAnalysis | null): object {
  const revision = analysis?.revision ?? null;
  return {
    key,
    name,
    qualifier: 'TRK',
    visibility: 'private',
    ...(analysis === null ? {} : { lastAnalysisDate: sonarqubeDate(analysis.date_text) }),
    ...(revision === null ? {} : { revision }),
    managed: false,
    projectUuid: id,
  };
}

async function searchComponents(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  parameters.required('qualifiers');
  const q = parameters.filled('q');
  const page = parameters.page(pageSizeDefault);
  const { total, projects } = await projectsWanted(deps, { caller, q, keys: null, page });
  const seen = projects.filter(({ id }) => browses(caller, id));
  const components = seen.map(({ key, name }) => ({ key, name, qualifier: 'TRK', project: key }));
  return { paging: paging(page, seen.length === 0 ? 0 : total), components };
}

async function searchProjects(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const page = parameters.page(pageSizeDefault);
  const { total, projects } = await projectsWanted(deps, { caller, q: undefined, keys: null, page });
  const seen = projects.filter(({ id }) => browses(caller, id));
  const components: object[] = [];
  for (const { id, key, name } of seen) {
    const analysis = await newest(deps, caller, id);
    const date = analysis === null ? {} : { analysisDate: sonarqubeDate(analysis.date_text) };
    components.push({ key, name, qualifier: 'TRK', isFavorite: false, ...date, tags: [], visibility: 'private', uuid: id });
  }
  return { paging: paging(page, seen.length === 0 ? 0 : total), components };
}

async function show(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const project = await projectBrowsed(deps, caller, parameters.required('component'), refused.componentNotFound);
  const analysis = await newest(deps, caller, project.id);
  const shown = {
    key: project.key,
    name: project.name,
    qualifier: 'TRK',
    ...(analysis === null ? {} : { analysisDate: sonarqubeDate(analysis.date_text) }),
    tags: [],
    visibility: 'private',
    ...(analysis === null ? {} : { version: analysis.version }),
    needIssueSync: false,
  };
  return { component: shown, ancestors: [] };
}
