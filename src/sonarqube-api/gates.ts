import type { GateCondition, GateFacts } from '../events/event.ts';
import { readProject } from '../projects/store.ts';
import type { Project } from '../projects/project.ts';
import type { Actions, Answered, Call, SonarqubeApiDeps } from './action.ts';
import type { Place, ShownAnalysis } from './analyses.ts';
import { analysisOfId, isKnownPlace, newCodeOf, newestAnalysed } from './analyses.ts';
import { requireBrowse } from './login.ts';
import { projectBrowsed } from './projects.ts';
import { placeOf } from './tasks.ts';
import { sonarqubeDate } from '../webhooks/dialects/sonarqube-json.ts';
import { refused } from './words.ts';

/** `api/qualitygates/project_status`: what the gate came to, in the spelling that is not the webhook's (contract 5.2). */
export function gateActions(deps: SonarqubeApiDeps): Actions {
  return { 'qualitygates/project_status': { method: 'GET', run: (call) => projectStatus(deps, call) } };
}

async function projectStatus(deps: SonarqubeApiDeps, call: Call): Promise<Answered> {
  const { parameters, caller } = call;
  const analysisId = parameters.filled('analysisId');
  const projectId = parameters.filled('projectId');
  const projectKey = parameters.filled('projectKey');
  if ([analysisId, projectId, projectKey].filter((value) => value !== undefined).length !== 1) throw refused.oneOfAnalysis();
  if (analysisId !== undefined) {
    const analysis = await analysisOfId({ read: deps.database.read, organization: caller.organization, analysis: analysisId });
    if (analysis === null) throw refused.analysisNotFound(analysisId);
    requireBrowse(caller, analysis.project);
    return { projectStatus: await statusOf(deps, call, analysis) };
  }
  const project =
    projectKey === undefined ? await projectOfId(deps, call, projectId ?? '') : await projectBrowsed(deps, caller, projectKey);
  const place = placeOf(parameters.filled('branch'), parameters.filled('pullRequest'));
  const of = { read: deps.database.read, organization: caller.organization, project: project.id };
  const newest = await newestAnalysed({ ...of, place });
  if (newest === null && place !== null && !(await isKnownPlace({ ...of, place }))) throw unknownPlace(place, project);
  return { projectStatus: await statusOf(deps, call, newest) };
}

function unknownPlace(place: NonNullable<Place>, { key }: Project): Error {
  return place.type === 'BRANCH' ? refused.branchNotFound(place.name, key) : refused.pullRequestNotFound(place.name, key);
}

async function projectOfId({ database }: SonarqubeApiDeps, { caller }: Call, id: string): Promise<Project> {
  const project = await readProject({ read: database.read, organization: caller.organization, project: id });
  if (project === null) throw refused.projectNotFound(id);
  requireBrowse(caller, project.id);
  return project;
}

/** `NONE` where there is no analysis, or none that a gate was applied to. */
async function statusOf({ database }: SonarqubeApiDeps, { caller }: Call, analysis: ShownAnalysis | null): Promise<object> {
  if (analysis === null || analysis.gate === null) return { status: 'NONE', conditions: [], caycStatus: 'compliant' };
  const gate = JSON.parse(analysis.gate) as GateFacts;
  const newCode = await newCodeOf({ read: database.read, organization: caller.organization, analysis: analysis.id });
  return {
    status: gate.status,
    conditions: gate.conditions.filter(({ value }) => value !== undefined).map(conditionOf),
    ignoredConditions: gate.conditions.some(isPassedOver),
    ...(newCode === null ? {} : { period: periodOf(newCode) }),
    caycStatus: caycStatus(gate),
  };
}

function periodOf({ mode, since, parameter }: NonNullable<Awaited<ReturnType<typeof newCodeOf>>>): object {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(since === undefined ? {} : { date: sonarqubeDate(since) }),
    ...(parameter === undefined ? {} : { parameter }),
  };
}

/** SonarQube lets coverage and duplication pass where few lines are new: the condition is `OK` with a value that breaks it (contract 1.1). */
function isPassedOver({ operator, value, status, errorThreshold }: GateCondition): boolean {
  if (status !== 'OK' || value === undefined) return false;
  return operator === 'LESS_THAN' ? Number(value) < Number(errorThreshold) : Number(value) > Number(errorThreshold);
}

const comparators: Readonly<Record<string, string>> = { GREATER_THAN: 'GT', LESS_THAN: 'LT', EQUALS: 'EQ', NOT_EQUALS: 'NE' };

function conditionOf({ metric, operator, value, status, errorThreshold }: GateCondition): object {
  return { status, metricKey: metric, comparator: comparators[operator] ?? operator, errorThreshold, actualValue: value };
}

/** What SonarQube wants of a gate that keeps new code clean: no new issue, all its hotspots reviewed, its coverage and duplication looked at. */
const clean = ['new_violations', 'new_security_hotspots_reviewed', 'new_coverage', 'new_duplicated_lines_density'];

function caycStatus({ conditions }: GateFacts): string {
  const metrics = conditions.map(({ metric }) => metric);
  if (!clean.every((metric) => metrics.includes(metric))) return 'non-compliant';
  return metrics.length === clean.length ? 'compliant' : 'over-compliant';
}
