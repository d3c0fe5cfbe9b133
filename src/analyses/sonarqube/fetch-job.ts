import type { Database } from '../../storage/database/database.ts';
import type { Project } from '../../projects/project.ts';
import { readProject } from '../../projects/store.ts';
import { objectOf, textOf } from '../sarif/json.ts';
import type { Analysis } from '../store.ts';
import { FetchLost } from './fetch-verdict.ts';
import type { FetchJob } from './fetch/fetch.ts';
import type { Payload } from './payload.ts';
import { readPayload } from './payload.ts';
import type { SourceSettings } from './source.ts';

export type ToldJob = Pick<
  FetchJob,
  'project' | 'branch' | 'task' | 'analysis' | 'analysedAt' | 'revision' | 'properties' | 'versionFrom' | 'linkBase'
>;

/** What is to be fetched, from what its row and its payload say. Fails with `FetchLost` where the project is gone. */
export async function fetchJobOf(options: {
  readonly database: Database;
  readonly analysis: Analysis;
  readonly settings: SourceSettings;
}): Promise<{ readonly job: ToldJob; readonly project: Project }> {
  const { database, analysis, settings } = options;
  const project = await readProject({ read: database.read, organization: analysis.organization, project: analysis.project });
  if (project === null) throw new FetchLost();
  const payload = analysis.payload === null ? null : readPayload(Buffer.from(analysis.payload));
  const job: ToldJob = {
    project: project.key,
    branch: payload === null ? branchOf(analysis) : payload.branch,
    task: analysis.source_task,
    analysis: analysis.source_analysis,
    analysedAt: payload === null ? analysis.date_given : analysedAtOf(payload),
    revision: analysis.revision,
    properties: JSON.parse(analysis.properties) as Record<string, string>,
    versionFrom: settings.versionFrom,
    ...linkBaseOf(payload),
  };
  return { job, project };
}

function branchOf({ branch, branch_type: type, branch_is_main: isMain }: Analysis): FetchJob['branch'] {
  if (type === 'PULL_REQUEST') return { name: branch, type, isMain: false };
  return { name: branch === '' ? null : branch, type: 'BRANCH', isMain: isMain === 1 || branch === '' };
}

function analysedAtOf({ analysedAt }: Payload): string | null {
  return analysedAt?.given ?? null;
}

/** Its public address as the server writes it, which may be another than the one we call it at. */
function linkBaseOf(payload: Payload | null): Pick<ToldJob, 'linkBase'> {
  const url = payload === null ? undefined : textOf(objectOf(JSON.parse(payload.text))['serverUrl']);
  return url === undefined ? {} : { linkBase: url };
}
