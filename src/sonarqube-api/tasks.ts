import { timestampText } from '../clock.ts';
import { readProject } from '../projects/store.ts';
import { sonarqubeDate } from '../webhooks/dialects/sonarqube-json.ts';
import type { Actions, Answered, Call, SonarqubeApiDeps } from './action.ts';
import type { Place, ShownAnalysis } from './analyses.ts';
import { analysisOfTask, listAnalysed, newestOfVersions, shownId } from './analyses.ts';
import { parseMoment } from './moment.ts';
import { projectBrowsed } from './projects.ts';
import { requireFollow } from './login.ts';
import { refused } from './words.ts';

const pageSizeDefault = 100;

/** `api/ce/task` and `api/project_analyses/search` for the analyses that we hold (contract 5.2). */
export function taskActions(deps: SonarqubeApiDeps): Actions {
  return {
    'ce/task': { method: 'GET', run: (call) => task(deps, call) },
    'project_analyses/search': { method: 'GET', run: (call) => search(deps, call) },
  };
}

const statuses = { pending: 'PENDING', running: 'IN_PROGRESS', done: 'SUCCESS', failed: 'FAILED' } as const;

/** Of a task of SonarQube what became of it over there; of a scan that was sent to us how far we are. */
function statusOf({ source_task: theirs, payload, status }: ShownAnalysis): string {
  if (theirs === null) return statuses[status];
  if (payload === null) return 'SUCCESS';
  return (JSON.parse(Buffer.from(payload).toString('utf8')) as { readonly status?: string }).status ?? 'SUCCESS';
}

async function task({ database }: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const id = parameters.required('id');
  const { organization } = caller;
  const analysis = await analysisOfTask({ read: database.read, organization, task: id });
  const project = analysis === null ? null : await readProject({ read: database.read, organization, project: analysis.project });
  if (analysis === null || project === null) throw refused.taskNotFound(id);
  requireFollow(caller, project.id);
  const status = statusOf(analysis);
  const isEnded = status === 'SUCCESS' || status === 'FAILED';
  const time = (ms: number): string => sonarqubeDate(timestampText(ms));
  const ended = analysis.finished ?? analysis.created;
  return {
    task: {
      id,
      type: 'REPORT',
      componentId: project.id,
      componentKey: project.key,
      componentName: project.name,
      componentQualifier: 'TRK',
      ...(status === 'SUCCESS' ? { analysisId: shownId(analysis) } : {}),
      status,
      submittedAt: time(analysis.created),
      ...(isEnded || status === 'IN_PROGRESS' ? { startedAt: time(analysis.created) } : {}),
      ...(isEnded ? { executedAt: time(ended), executionTimeMs: ended - analysis.created } : {}),
      ...(status === 'FAILED' && analysis.error_message !== null ? { errorMessage: analysis.error_message } : {}),
      ...branchOf(analysis),
      hasScannerContext: false,
      warningCount: 0,
      warnings: [],
      infoMessages: [],
    },
  };
}

/** Of the main branch nothing, as over there. */
function branchOf({ branch, branch_type: type }: ShownAnalysis): object {
  if (type === 'PULL_REQUEST') return { pullRequest: branch };
  return ['', 'main', 'master'].includes(branch) ? {} : { branch, branchType: 'BRANCH' };
}

async function search(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const key = parameters.required('project');
  const page = parameters.page(pageSizeDefault);
  const from = parseMoment(parameters.filled('from'), 'start');
  const to = parseMoment(parameters.filled('to'), 'end');
  const project = await projectBrowsed(deps, caller, key, refused.componentNotFound);
  const place = placeOf(parameters.filled('branch'), parameters.filled('pullRequest'));
  const of = { read: deps.database.read, organization: caller.organization, project: project.id, place };
  const offset = (page.index - 1) * page.size;
  const { total, analyses } = await listAnalysed({ ...of, from, to, limit: page.size, offset });
  const versions = await newestOfVersions(of);
  return {
    paging: { pageIndex: page.index, pageSize: page.size, total },
    analyses: analyses.map((analysis) => shownAnalysis(analysis, versions.get(analysis.version) === analysis.date)),
  };
}

/** The main branch may be named too. */
export function placeOf(branch: string | undefined, pullRequest: string | undefined): Place {
  if (pullRequest !== undefined) return { type: 'PULL_REQUEST', name: pullRequest };
  return branch === undefined || branch === 'main' ? null : { type: 'BRANCH', name: branch };
}

function shownAnalysis(analysis: ShownAnalysis, isNewest: boolean): object {
  const { version, revision, date_text: date } = analysis;
  const properties = JSON.parse(analysis.properties) as Readonly<Record<string, string>>;
  return {
    key: shownId(analysis),
    date: sonarqubeDate(date),
    events: isNewest ? [{ key: analysis.id, category: 'VERSION', name: version }] : [],
    projectVersion: version,
    manualNewCodePeriodBaseline: false,
    ...(revision === null ? {} : { revision }),
    detectedCI: properties['sonar.analysis.detectedci'] ?? 'undetected',
  };
}
