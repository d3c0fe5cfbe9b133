// The other calls of the stand-in, each in the real server's shape.
import type { StubAnalysis, StubFacts, StubProject } from './facts.ts';
import { profilesAnswer, searchRules } from './stub-rules.ts';
import { dateText, paging, type Query, Refusal } from './stub-search.ts';

export interface StubWebhook {
  readonly key: string;
  readonly name: string;
  readonly url: string;
  readonly secret: string | null;
  readonly project: string | null;
}

export interface StubDelivery {
  readonly id: string;
  readonly webhook: string;
  readonly project: string;
  readonly task: string | null;
  readonly at: number;
  readonly success: boolean;
  readonly status: number | null;
  readonly payload: string;
}

export interface CallContext {
  readonly facts: StubFacts;
  readonly query: Query;
  readonly webhooks: StubWebhook[];
  readonly deliveries: readonly StubDelivery[];
  readonly mode: 'MQR' | 'STANDARD_EXPERIENCE';
}

type Call = (context: CallContext) => unknown;

function needed(query: Query, name: string): string {
  const value = query.get(name);
  if (value === undefined || value === '') throw new Refusal(400, `The '${name}' parameter is missing`);
  return value;
}

function projectOf({ facts, query }: CallContext, name: string): StubProject {
  const key = needed(query, name);
  const project = facts.projects.find((each) => each.key === key);
  if (project === undefined || (query.get('branch') ?? 'main') !== 'main') throw new Refusal(404, `Component key '${key}' not found`);
  return project;
}

function analysisAnswer(analysis: StubAnalysis) {
  return {
    key: analysis.key,
    date: dateText(analysis.date),
    events: [],
    projectVersion: analysis.version,
    manualNewCodePeriodBaseline: false,
    ...(analysis.revision === null ? {} : { revision: analysis.revision }),
    detectedCI: 'undetected',
  };
}

function taskAnswer(project: StubProject, analysis: StubAnalysis) {
  return {
    id: analysis.task,
    type: 'REPORT',
    componentKey: project.key,
    componentName: project.name,
    componentQualifier: 'TRK',
    analysisId: analysis.key,
    status: 'SUCCESS',
    submittedAt: dateText(analysis.date),
    startedAt: dateText(analysis.date),
    executedAt: dateText(analysis.date + 5000),
    executionTimeMs: 5000,
    warnings: [],
  };
}

const projectAnalyses: Call = (context) => {
  const project = projectOf(context, 'project');
  const { p, ps } = paging(context.query, { size: 100 });
  const limit = (name: string, otherwise: number) =>
    Date.parse((context.query.get(name) ?? '').replace(/(\d\d)(\d\d)$/, '$1:$2')) || otherwise;
  const [from, to] = [limit('from', Number.NEGATIVE_INFINITY), limit('to', Number.POSITIVE_INFINITY)];
  const found = project.analyses.filter(({ date }) => date >= from && date <= to);
  const shown = found.slice((p - 1) * ps, p * ps);
  return { paging: { pageIndex: p, pageSize: ps, total: found.length }, analyses: shown.map(analysisAnswer) };
};

const known = new Set(
  'ncloc ncloc_language_distribution vulnerabilities security_rating security_hotspots security_hotspots_reviewed security_review_rating new_vulnerabilities new_security_rating new_security_review_rating'.split(
    ' ',
  ),
);

const measures: Call = (context) => {
  const project = projectOf(context, 'component');
  const keys = needed(context.query, 'metricKeys').split(',');
  const old = context.facts.version.startsWith('9.');
  const unknown = keys.filter((key) => !known.has(key) && (old || !/^(new_)?software_quality_security_(rating|issues)$/.test(key)));
  if (unknown.length > 0) throw new Refusal(404, `The following metric keys are not found: ${unknown.join(', ')}`);
  const open = project.issues.filter(({ rule, resolution }) => rule.type === 'VULNERABILITY' && resolution === undefined).length;
  const review = project.hotspots.filter(({ status }) => status === 'TO_REVIEW').length;
  const values: Readonly<Record<string, string>> = {
    ncloc: '9247',
    ncloc_language_distribution: project.languages,
    vulnerabilities: String(open),
    security_rating: '5.0',
    security_hotspots: String(review),
    security_hotspots_reviewed: '25.0',
    security_review_rating: '5.0',
    software_quality_security_issues: String(open),
    software_quality_security_rating: '4.0',
  };
  const since = project.newCodeSince;
  return {
    component: {
      key: project.key,
      name: project.name,
      qualifier: 'TRK',
      measures: keys.flatMap((metric) => (values[metric] === undefined ? [] : [{ metric, value: values[metric] }])),
    },
    ...(since === null ? {} : { period: { index: 1, mode: 'PREVIOUS_VERSION', date: dateText(since), parameter: '1.0.0' } }),
  };
};

const projectStatus: Call = ({ facts, query }) => {
  const analysis = query.get('analysisId');
  if (analysis !== undefined && !facts.projects.some((project) => project.analyses.some(({ key }) => key === analysis))) {
    throw new Refusal(404, `Analysis with id '${analysis}' is not found`);
  }
  const conditions = [
    { status: 'ERROR', metricKey: 'security_rating', comparator: 'GT', errorThreshold: '1', actualValue: '4' },
    { status: 'OK', metricKey: 'new_coverage', comparator: 'LT', errorThreshold: '80' },
  ];
  return { projectStatus: { status: 'ERROR', conditions, ignoredConditions: false, caycStatus: 'non-compliant' } };
};

const issueChangelog: Call = ({ facts, query }) => {
  const key = needed(query, 'issue');
  const issue = facts.projects.flatMap((project) => project.issues).find((each) => each.key === key);
  if (issue === undefined) throw new Refusal(404, `Issue with key '${key}' does not exist`);
  const at = issue.comments?.at(-1)?.at ?? 0;
  const diffs = [
    { key: 'resolution', newValue: issue.resolution },
    { key: 'status', oldValue: 'OPEN', newValue: 'RESOLVED' },
  ];
  return { changelog: issue.by === undefined ? [] : [{ user: issue.by, userName: issue.by, creationDate: dateText(at), diffs }] };
};

const hotspotShow: Call = ({ facts, query }) => {
  const key = needed(query, 'hotspot');
  const hotspot = facts.projects.flatMap((project) => project.hotspots).find((each) => each.key === key);
  if (hotspot === undefined) throw new Refusal(404, `Hotspot with key '${key}' does not exist`);
  const at = dateText(hotspot.created + 1000);
  const change = { user: hotspot.by, userName: hotspot.by, creationDate: at, diffs: [{ key: 'status', newValue: 'REVIEWED' }] };
  const comment = { key: 'c', login: hotspot.by, markdown: hotspot.comment, htmlText: hotspot.comment, createdAt: at };
  return {
    key,
    status: hotspot.status,
    changelog: hotspot.by === undefined ? [] : [change],
    comment: hotspot.by === undefined ? [] : [comment],
    users: [],
  };
};

const webhooksCreate: Call = ({ query, webhooks }) => {
  const hook = {
    key: `hook-${webhooks.length + 1}`,
    name: needed(query, 'name'),
    url: needed(query, 'url'),
    secret: query.get('secret') ?? null,
    project: query.get('project') ?? null,
  };
  const level = webhooks.filter(({ project }) => project === hook.project);
  if (level.length >= 10) {
    const where =
      hook.project === null
        ? 'Maximum number of global webhooks reached'
        : `Maximum number of webhook reached for project '${hook.project}'`;
    throw new Refusal(400, where);
  }
  webhooks.push(hook);
  return { webhook: { key: hook.key, name: hook.name, url: hook.url, hasSecret: hook.secret !== null } };
};

const webhooksList: Call = ({ query, webhooks }) => {
  const project = query.get('project') ?? null;
  const shown = webhooks.filter((hook) => hook.project === project);
  return { webhooks: shown.map(({ key, name, url, secret }) => ({ key, name, url, hasSecret: secret !== null })) };
};

const deliveryOf = (delivery: StubDelivery) => ({
  id: delivery.id,
  componentKey: delivery.project,
  ...(delivery.task === null ? {} : { ceTaskId: delivery.task }),
  name: 'Gatepost',
  url: 'https://gatepost.example.test/',
  at: dateText(delivery.at),
  success: delivery.success,
  ...(delivery.status === null ? {} : { httpStatus: delivery.status }),
  durationMs: 7,
});

const webhooksDeliveries: Call = ({ query, deliveries }) => {
  const { p, ps } = paging(query, { size: 10 });
  const [webhook, component, task] = ['webhook', 'componentKey', 'ceTaskId'].map((name) => query.get(name));
  const given = [webhook, component, task].filter((each) => each !== undefined).length;
  if (given !== 1) throw new Refusal(400, `Either 'ceTaskId' or 'componentKey' or 'webhook' must be provided`);
  const found = deliveries.filter(
    (each) => each.webhook === webhook || each.project === component || (task !== undefined && each.task === task),
  );
  const shown = found.toSorted((a, b) => b.at - a.at).slice((p - 1) * ps, p * ps);
  return { paging: { pageIndex: p, pageSize: ps, total: found.length }, deliveries: shown.map(deliveryOf) };
};

const webhooksDelivery: Call = ({ query, deliveries }) => {
  const id = needed(query, 'deliveryId');
  const found = deliveries.find((each) => each.id === id);
  if (found === undefined) throw new Refusal(404, 'Webhook delivery not found');
  return { delivery: { ...deliveryOf(found), payload: found.payload } };
};

const ceTask: Call = ({ facts, query }) => {
  const id = needed(query, 'id');
  for (const project of facts.projects) {
    const analysis = project.analyses.find(({ task }) => task === id);
    if (analysis !== undefined) return { task: taskAnswer(project, analysis) };
  }
  throw new Refusal(404, `No activity found for task '${id}'`);
};

const ceActivity: Call = ({ facts, query }) => {
  const { p, ps } = paging(query, { size: 100 });
  const component = query.get('component');
  const projects = facts.projects.filter(({ key }) => component === undefined || key === component);
  const found = projects.flatMap((project) => project.analyses.map((analysis) => taskAnswer(project, analysis)));
  return { tasks: found.slice((p - 1) * ps, p * ps), paging: { pageIndex: p, pageSize: ps, total: found.length } };
};

const projectsSearch: Call = ({ facts, query }) => {
  const { p, ps } = paging(query, { size: 100 });
  const shown = facts.projects.slice((p - 1) * ps, p * ps);
  return { paging: { pageIndex: p, pageSize: ps, total: facts.projects.length }, components: shown.map(componentAnswer) };
};

/** The only one that Community has; whatever its name is, webhooks say `main`. */
const branchesList: Call = (context) => {
  const [newest] = projectOf(context, 'project').analyses;
  const analysed = newest === undefined ? {} : { analysisDate: dateText(newest.date) };
  return { branches: [{ name: 'trunk', isMain: true, type: 'BRANCH', status: {}, ...analysed }] };
};

const profilesSearch: Call = (context) => {
  projectOf(context, 'project');
  return profilesAnswer(context.facts);
};

/** By path; each with the method it wants. */
export const calls: Readonly<Record<string, readonly ['GET' | 'POST', Call]>> = {
  'api/navigation/global': ['GET', ({ facts }) => ({ edition: facts.edition, version: facts.version })],
  'api/project_analyses/search': ['GET', projectAnalyses],
  'api/rules/search': ['GET', ({ facts, query }) => searchRules(facts, query)],
  'api/qualityprofiles/search': ['GET', profilesSearch],
  'api/measures/component': ['GET', measures],
  'api/qualitygates/project_status': ['GET', projectStatus],
  'api/qualitygates/get_by_project': ['GET', () => ({ qualityGate: { name: 'House gate', default: true } })],
  'api/issues/changelog': ['GET', issueChangelog],
  'api/hotspots/show': ['GET', hotspotShow],
  'api/ce/task': ['GET', ceTask],
  'api/ce/activity': ['GET', ceActivity],
  'api/components/show': ['GET', (context) => ({ component: componentAnswer(projectOf(context, 'component')), ancestors: [] })],
  'api/projects/search': ['GET', projectsSearch],
  'api/components/search': ['GET', projectsSearch],
  'api/project_branches/list': ['GET', branchesList],
  'api/webhooks/create': ['POST', webhooksCreate],
  'api/webhooks/list': ['GET', webhooksList],
  'api/webhooks/deliveries': ['GET', webhooksDeliveries],
  'api/webhooks/delivery': ['GET', webhooksDelivery],
};

function componentAnswer({ key, name, analyses }: StubProject) {
  const [newest] = analyses;
  return {
    key,
    name,
    qualifier: 'TRK',
    visibility: 'private',
    ...(newest === undefined ? {} : { analysisDate: dateText(newest.date), version: newest.version }),
  };
}
