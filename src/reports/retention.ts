import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Project } from '../projects/project.ts';
import { readProject } from '../projects/store.ts';
import type { Database } from '../storage/database/database.ts';
import { deleteReport } from './deletion.ts';
import type { ReportRow } from './store.ts';

export interface RetentionDeps {
  readonly database: Database;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

const dayMs = 86_400_000;

/**
 * Takes away what a project does not keep: of each branch the versions beyond the newest `retentionVersions` (by the date of their newest
 * analysis), and those not analysed for `retentionDays`. The newest version of a branch always stays. Answers how many reports went.
 */
export async function retainProject(
  deps: RetentionDeps,
  scope: { readonly organization: string; readonly project: string },
): Promise<number> {
  const { database, ids, clock } = deps;
  const project = await readProject({ read: database.read, organization: scope.organization, project: scope.project });
  if (project === null || (project.retentionVersions === null && project.retentionDays === null)) return 0;
  let gone = 0;
  for (const report of await expired(deps, scope.organization, project)) {
    await database.write((tx) =>
      deleteReport({ tx, report, projectKey: project.key, actor: 'system', action: 'report.expired', ids, clock }),
    );
    gone += 1;
  }
  return gone;
}

async function expired({ database, clock }: RetentionDeps, organization: string, project: Project): Promise<readonly ReportRow[]> {
  const reports = await database.read
    .selectFrom('reports')
    .selectAll()
    .where('organization', '=', organization)
    .where('project', '=', project.id)
    .orderBy('date', 'desc')
    .orderBy('id')
    .execute();
  const before = project.retentionDays === null ? Number.NEGATIVE_INFINITY : clock.now() - project.retentionDays * dayMs;
  const versionsMax = project.retentionVersions ?? Number.POSITIVE_INFINITY;
  // By branch its versions, newest first: a version is as new as the newest of its reports.
  const branches = new Map<string, string[]>();
  return reports.filter((report) => {
    const versions = branches.get(report.branch) ?? [];
    branches.set(report.branch, versions);
    if (!versions.includes(report.version_normal)) versions.push(report.version_normal);
    const place = versions.indexOf(report.version_normal);
    return place > 0 && (place >= versionsMax || report.date < before);
  });
}

/** All projects that keep less than everything, one after the other. */
export async function retainAll(deps: RetentionDeps, signal: AbortSignal): Promise<number> {
  let gone = 0;
  let after = '';
  while (!signal.aborted) {
    const projects = await deps.database.read
      .selectFrom('projects')
      .select(['id', 'organization'])
      .where('id', '>', after)
      .where((where) => where.or([where('retention_versions', 'is not', null), where('retention_days', 'is not', null)]))
      .orderBy('id')
      .limit(500)
      .execute();
    for (const project of projects) {
      if (signal.aborted) return gone;
      gone += await retainProject(deps, { organization: project.organization, project: project.id });
    }
    const last = projects.at(-1);
    if (last === undefined) return gone;
    after = last.id;
  }
  return gone;
}
