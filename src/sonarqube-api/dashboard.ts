import { Type } from 'typebox';
import { GatepostError } from '../errors.ts';
import type { GateFacts } from '../events/event.ts';
import type { Caller } from '../http/caller.ts';
import { allows } from '../http/caller.ts';
import type { HttpServer } from '../http/http-server.ts';
import { sendPage } from '../http/pages/page.ts';
import { callersProject } from '../projects/store.ts';
import { ratingOf } from '../reports/store.ts';
import type { Database, Reader } from '../storage/database/database.ts';
import type { Place, ShownAnalysis, ShownReport } from './dashboard-page.ts';
import { languageFor, noticePage, projectPage } from './dashboard-page.ts';

/** How many reports and analyses the page shows, each. */
export const dashboardRowsMax = 25;

export interface DashboardDeps {
  readonly database: Database;
}

/**
 * `/dashboard`: where `project.url` and `branch.url` of a payload lead (SonarQube's contract, 1.2). Keys can be guessed, so whoever shows no good
 * token is told that one is needed, and is told the same of every key.
 */
export function dashboardRoutes(server: HttpServer, { database }: DashboardDeps): void {
  server.get(
    '/dashboard',
    {
      config: { scope: null },
      schema: {
        summary: 'A project’s page',
        description:
          'HTML with a project’s latest reports and analyses, in the language that `Accept-Language` asks for: what the URLs in SonarQube’s payload lead to. Without a token of its organization with the scope `read` it says nothing of the project, not even that it is there.',
        tags: ['Projects'],
        produces: ['text/html'],
        querystring: Type.Object({
          id: Type.Optional(Type.String({ description: 'The project’s key.' })),
          branch: Type.Optional(Type.String({ description: 'One branch only.' })),
          pullRequest: Type.Optional(Type.String({ description: 'One pull request only, by its key.' })),
        }),
      },
    },
    async (request, reply) => {
      const language = languageFor(request.headers['accept-language']);
      const caller = await server.authenticate(request).catch(nobodyKnown);
      if (caller === null) return sendPage(reply, 401, noticePage(language, 'signIn'));
      if (!allows(caller.scopes, 'read')) return sendPage(reply, 403, noticePage(language, 'forbidden'));
      const { id = '', branch, pullRequest } = request.query;
      const project = await projectOf(database.read, caller, id);
      if (project === null) return sendPage(reply, 404, noticePage(language, 'unknown'));
      const place = pullRequest === undefined ? (branch === undefined ? null : { branch }) : { pullRequest };
      const where = { read: database.read, organization: caller.organization, project: project.id, place };
      const [reports, analyses] = await Promise.all([reportsOf(where), analysesOf(where)]);
      return sendPage(reply, 200, projectPage({ language, url: server.publicUrl(request), project, place, reports, analyses }));
    },
  );
}

/** A token that is not known, and anything that is none, is as good as none. */
function nobodyKnown(error: unknown): null {
  if (error instanceof GatepostError && error.kind === 'unauthenticated') return null;
  throw error;
}

async function projectOf(read: Reader, caller: Caller, key: string) {
  try {
    return await callersProject({ read, caller, key });
  } catch (error) {
    if (error instanceof GatepostError && error.code === 'unknown_project') return null;
    throw error;
  }
}

interface Where {
  readonly read: Reader;
  readonly organization: string;
  /** Id. */
  readonly project: string;
  readonly place: Place;
}

/** The latest made first. A pull request has none. */
async function reportsOf({ read, organization, project, place }: Where): Promise<readonly ShownReport[]> {
  if (place !== null && 'pullRequest' in place) return [];
  let query = read
    .selectFrom('reports')
    .select(['id', 'type', 'edition', 'version', 'branch', 'date', 'count', 'rating'])
    .where('organization', '=', organization)
    .where('project', '=', project);
  if (place !== null) query = query.where('branch', '=', place.branch);
  const rows = await query.orderBy('id', 'desc').limit(dashboardRowsMax).execute();
  return rows.map(({ id, type, edition, version, branch, date, count, rating }) => ({
    id,
    reportType: type,
    reportVersion: edition,
    projectVersion: version,
    branch,
    date,
    count,
    securityRating: ratingOf(rating),
  }));
}

async function analysesOf({ read, organization, project, place }: Where): Promise<readonly ShownAnalysis[]> {
  let query = read
    .selectFrom('analyses')
    .select(['id', 'version', 'branch', 'branch_type', 'date', 'status', 'gate', 'revision'])
    .where('organization', '=', organization)
    .where('project', '=', project);
  if (place !== null) {
    const [type, name] = 'branch' in place ? ['BRANCH', place.branch] : ['PULL_REQUEST', place.pullRequest];
    query = query.where('branch_type', '=', type).where('branch', '=', name);
  }
  const rows = await query.orderBy('id', 'desc').limit(dashboardRowsMax).execute();
  return rows.map(({ id, version, branch, branch_type, date, status, gate, revision }) => ({
    id,
    version,
    branch,
    isPullRequest: branch_type === 'PULL_REQUEST',
    date,
    status,
    gate: gate === null ? null : (JSON.parse(gate) as GateFacts).status,
    revision,
  }));
}
