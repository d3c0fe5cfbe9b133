// What clients call around api/webhooks, for what we hold: each recorded call with the project and the analyses that its answer tells of.
import { parseTimestamp } from '../../src/timestamps.ts';
import type { Check, Recordings } from './part.ts';
import type { Case } from './sonarqube-api-compare.ts';
import { alike, compared, current, recordedCases } from './sonarqube-api-compare.ts';
import type { Recorded, Server, Tenant } from './sonarqube-api-set-up.ts';
import { tenantOf } from './sonarqube-api-set-up.ts';

type Json = Readonly<Record<string, unknown>>;

/** The calls that we answer. */
const served =
  /^\/api\/(authentication\/validate|server\/version|system\/status|projects\/search|ce\/task|project_analyses\/search|qualitygates\/project_status|components\/(show|search_projects)|navigation\/global)$/;

/** Fields that nobody tells us of, so that they are left out or stand for something of ours. */
const ours: readonly (readonly [RegExp, string])[] = [
  [/"(visibility)":"\w+"/g, '"$1":"…"'],
  [/"(projectUuid|componentId|uuid|analysisId|id)":"[^"]*"/g, '"$1":"…"'],
  [/,"(isAiCodeFixEnabled|containsAiCode|needIssueSync)":(true|false)/g, ''],
  [/,"aiCodeAssurance":"\w+"/g, ''],
  [/,"leakPeriodDate":"[^"]*"/g, ''],
  [/,"facets":\[\]/g, ''],
  [/,"(submitterLogin|scannerContext|errorMessage|errorStacktrace|buildString)":"(?:[^"\\]|\\.)*"/g, ''],
  [/,"hasScannerContext":(true|false),"warningCount":\d+,"warnings":\[.*?\],"infoMessages":\[\]/g, ''],
  [/"(startedAt|executedAt|submittedAt)":"[^"]*"/g, '"$1":"…"'],
  [/,"executionTimeMs":\d+/g, ''],
  [/,"period":\{[^}]*\}/g, ''],
  [/"events":\[(?:[^[\]]|\[[^\]]*\])*\]/g, '"events":[…]'],
];

export async function dataCases(server: Server, recordings: Recordings): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const each of recordedCases(recordings.folder, 'data')) {
    if (served.test(each.recorded.request.path)) checks.push(await dataCase(server, recordings, each));
  }
  return checks;
}

async function dataCase(server: Server, recordings: Recordings, { name, recorded }: Case): Promise<Check> {
  const tenant = await tenantOf(server, 'hooks.own');
  const named = await prepare(tenant, recorded);
  const answer = await tenant.call(recorded.request, named);
  const check = compared(`data/${name}`, { recorded, answer, recordings });
  if (check.verdict !== 'differs' || answer.status !== recorded.response.status) return check;
  if (core(answer.body) === core(recorded.response.body)) {
    return {
      name: check.name,
      verdict: 'not held',
      note: 'all we hold is the same; fields that only a SonarQube knows are left out or ours',
    };
  }
  if (recordings.version !== current) {
    return { name: check.name, verdict: 'not held', note: `the fields of ${current} stand; this server had others` };
  }
  if (recorded.request.path.endsWith('/global')) {
    return { name: check.name, verdict: 'not held', note: 'edition, version and rights are told; SonarQube’s settings are none of ours' };
  }
  return { ...check, note: `${core(recorded.response.body)} | ours: ${core(answer.body)}` };
}

function core(body: string): string {
  return ours.reduce((text, [pattern, put]) => text.replace(pattern, put), alike(body));
}

async function prepare(tenant: Tenant, { request, response }: Recorded): Promise<Map<string, string>> {
  const named = new Map<string, string>();
  const query = new URLSearchParams(request.query ?? '');
  const body = response.body.startsWith('{') ? (JSON.parse(response.body) as Json) : {};
  const key = query.get('project') ?? query.get('projectKey') ?? query.get('component');
  const isKnown = key !== null && key !== 'no-such';
  const project = isKnown ? await tenant.project(key, nameIn(body) ?? key) : await tenant.project('hooks.own', 'Hooks own');
  for (const each of (body['components'] ?? []) as readonly Json[]) await component(tenant, each);
  for (const [n, each] of ((body['analyses'] ?? []) as readonly Json[]).entries()) await analysis(tenant, { project, each, n });
  await others(tenant, { project, body, query });
  if (typeof body['component'] === 'object') await component(tenant, body['component'] as Json);
  const { task, projectStatus } = body as { readonly task?: Json; readonly projectStatus?: Json };
  if (task !== undefined) named.set(String(task['id']), await taskOf(tenant, task));
  if (projectStatus !== undefined && projectStatus['status'] !== 'NONE') {
    const gate = gateOf(projectStatus);
    const id = await tenant.analysis({ project, date_text: '2026-11-22T18:00:00+0000', gate, branch: 'main' });
    const asked = query.get('analysisId');
    if (asked !== null) named.set(asked, id);
  } else if (response.status === 404 && isKnown) await tenant.analysis({ project, date_text: '2026-11-22T18:00:00+0000' });
  return named;
}

/** As many others as are counted but not on the page. */
async function others(
  tenant: Tenant,
  { project, body, query }: { readonly project: string; readonly body: Json; readonly query: URLSearchParams },
): Promise<void> {
  const { total = 0, pageIndex = 1, pageSize = 1 } = (body['paging'] ?? {}) as Readonly<Record<string, number>>;
  const analyses = (body['analyses'] ?? []) as readonly Json[];
  const before = Math.min((pageIndex - 1) * pageSize, total);
  if (analyses.length > 0) {
    for (let n = 0; n < before; n += 1) await tenant.analysis({ project, date_text: '2026-11-23T18:00:00+0000' });
    for (let n = before + analyses.length; n < total; n += 1) await tenant.analysis({ project, date_text: '2025-11-22T18:00:00+0000' });
  }
  const components = (body['components'] ?? []) as readonly Json[];
  // hooks.own is there already.
  const there = components.some((each) => each['key'] === 'hooks.own') ? 0 : 1;
  if (components.length > 0) for (let n = components.length + there; n < total; n += 1) await tenant.project(`zz ${n}`, `яя ${n}`);
  if (query.get('from') !== null) await tenant.analysis({ project, date_text: '2026-11-22T18:00:00+0000' });
}

function nameIn(body: Json): string | undefined {
  const { component: shown, task } = body as { readonly component?: Json; readonly task?: Json };
  const name = shown?.['name'] ?? task?.['componentName'];
  return typeof name === 'string' ? name : undefined;
}

async function component(tenant: Tenant, each: Json): Promise<void> {
  const project = await tenant.project(String(each['key']), String(each['name']));
  const date = each['lastAnalysisDate'] ?? each['analysisDate'];
  const version = typeof each['version'] === 'string' ? each['version'] : '1';
  const revision = typeof each['revision'] === 'string' ? each['revision'] : null;
  if (typeof date === 'string') await tenant.analysis({ project, date_text: date, version, revision });
}

async function analysis(
  tenant: Tenant,
  { project, each, n }: { readonly project: string; readonly each: Json; readonly n: number },
): Promise<void> {
  const date = String(each['date']);
  const detected = each['detectedCI'];
  await tenant.analysis({
    project,
    date_text: date,
    // Of one moment the first is the newest.
    date: (parseTimestamp(date)?.ms ?? 0) + 100 - n,
    version: String(each['projectVersion']),
    revision: typeof each['revision'] === 'string' ? each['revision'] : null,
    properties: JSON.stringify(typeof detected === 'string' ? { 'sonar.analysis.detectedci': detected } : {}),
    source: tenant.organization,
    source_key: `analysis:${String(each['key'])}`,
    source_analysis: String(each['key']),
    branch: 'main',
  });
}

async function taskOf(tenant: Tenant, task: Json): Promise<string> {
  const project = await tenant.project(String(task['componentKey']), String(task['componentName']));
  const id = String(task['id']);
  const status = String(task['status']);
  await tenant.analysis({
    project,
    date_text: String(task['submittedAt']),
    source: tenant.organization,
    source_key: `task:${id}`,
    source_task: id,
    source_analysis: typeof task['analysisId'] === 'string' ? task['analysisId'] : null,
    payload: Buffer.from(JSON.stringify({ status })),
  });
  return id;
}

const operators: Readonly<Record<string, string>> = { GT: 'GREATER_THAN', LT: 'LESS_THAN' };
const clean = ['new_violations', 'new_security_hotspots_reviewed', 'new_coverage', 'new_duplicated_lines_density'];

/** The gate that would have come out so: what has no value is not in that answer. */
function gateOf(status: Json): string {
  const shown = (status['conditions'] as readonly Readonly<Record<string, string>>[]).map((each) => ({
    metric: each['metricKey'] ?? '',
    operator: operators[each['comparator'] ?? ''] ?? '',
    value: each['actualValue'],
    status: each['status'],
    errorThreshold: each['errorThreshold'],
  }));
  const missing = status['caycStatus'] === 'compliant' ? clean.filter((metric) => !shown.some((each) => each.metric === metric)) : [];
  const silent = missing.map((metric) => ({ metric, operator: 'GREATER_THAN', status: 'NO_VALUE', errorThreshold: '0' }));
  return JSON.stringify({ name: 'g', status: status['status'], conditions: [...shown, ...silent] });
}
