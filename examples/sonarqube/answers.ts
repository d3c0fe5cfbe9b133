// What the stand-in answers to each call of the Web API that Gatepost makes. Shapes are the real server's; what nobody here reads is left out.
import type { Finding, Rule, Version } from './facts.ts';
import { allRules, findingsOf, firstAnalysis, idOf, projectKey, projectName } from './facts.ts';

export interface Webhook {
  readonly key: string;
  name: string;
  url: string;
  secret: string | null;
}

export interface Analysis {
  readonly key: string;
  readonly task: string;
  readonly date: number;
  readonly version: Version;
  readonly revision: string;
}

export interface Delivery {
  readonly id: string;
  readonly webhook: Webhook;
  readonly analysis: Analysis;
  readonly at: number;
  readonly durationMs: number;
  /** Null: nobody answered. */
  readonly status: number | null;
  readonly payload: string;
}

/** All that the stand-in keeps. */
export interface State {
  /** Newest first. */
  readonly analyses: Analysis[];
  /** Of the newest analysis. */
  findings: readonly Finding[];
  readonly webhooks: Webhook[];
  readonly deliveries: Delivery[];
}

export const serverVersion = '25.6.0.0';

/** An answer that is no 200. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An analysis ends: from now on its findings are what searches show. */
export function analyse(state: State, version: Version): Analysis {
  const date = Math.floor(Date.now() / 1000) * 1000;
  const number = state.analyses.length;
  const analysis = {
    key: idOf(`analysis ${number} ${date}`),
    task: idOf(`task ${number} ${date}`),
    date,
    version,
    revision: idOf(`revision ${version}`).replaceAll('-', '').padEnd(40, '0'),
  };
  state.analyses.unshift(analysis);
  state.findings = findingsOf(version, version === '1.0.0' ? firstAnalysis : date);
  return analysis;
}

type Answer = (state: State, query: ReadonlyMap<string, string>) => unknown;

/** By path; these are asked with GET, and need the token. */
export const answers: Readonly<Record<string, Answer>> = {
  'api/navigation/global': () => ({ edition: 'community', version: serverVersion }),
  'api/v2/clean-code-policy/mode': () => ({ mode: 'MQR', modified: false }),
  'api/settings/values': () => ({ settings: [{ key: 'sonar.multi-quality-mode.enabled', value: 'true', inherited: true }] }),
  'api/components/search': projects,
  'api/projects/search': projects,
  'api/project_branches/list': (state) => ({
    branches: [{ name: 'main', isMain: true, type: 'BRANCH', status: {}, ...analysedAt(state) }],
  }),
  'api/project_analyses/search': (state, query) => {
    const from = Date.parse(query.get('from')?.replace('+0000', 'Z') ?? '') || 0;
    return page('analyses', state.analyses.filter(({ date }) => date >= from).map(analysisAnswer), query);
  },
  'api/ce/task': (state, query) => {
    const found = state.analyses.find(({ task }) => task === query.get('id'));
    if (found === undefined) throw new Refusal(404, `No activity found for task '${query.get('id') ?? ''}'`);
    return { task: taskAnswer(found) };
  },
  'api/ce/activity': (state, query) => page('tasks', state.analyses.map(taskAnswer), query),
  'api/issues/search': (state, query) => {
    const isFresh = ({ created }: Finding) => query.get('inNewCodePeriod') !== 'true' || isNew(created);
    const issues = state.findings.filter((finding) => !finding.isHotspot && isFresh(finding));
    return { ...page('issues', issues.map(issueAnswer), query), components: files(issues) };
  },
  'api/issues/changelog': (state, query) => ({ changelog: changelog(findingOf(state, query.get('issue')), 'issueStatus', 'ACCEPTED') }),
  'api/hotspots/search': (state, query) => {
    const hotspots = state.findings.filter(({ isHotspot }) => isHotspot);
    return { ...page('hotspots', hotspots.map(hotspotAnswer), query), components: files(hotspots) };
  },
  'api/hotspots/show': (state, query) => {
    const { key, aside } = findingOf(state, query.get('hotspot'));
    const comments = aside === null ? [] : [{ key, login: aside.by, markdown: aside.comment, createdAt: dateText(aside.at) }];
    return { key, changelog: changelog(findingOf(state, key), 'resolution', 'SAFE'), comment: comments };
  },
  'api/rules/search': ruleAnswer,
  'api/qualityprofiles/search': () => ({ profiles: [profileAnswer] }),
  'api/measures/component': (state) => {
    const measured = Object.entries(measures(state)).map(([metric, value]) => ({ metric, value }));
    const period = { index: 1, mode: 'PREVIOUS_VERSION', date: dateText(firstAnalysis), parameter: '1.0.0' };
    return { component: { key: projectKey, name: projectName, qualifier: 'TRK', measures: measured }, period };
  },
  'api/qualitygates/project_status': (state) => {
    const comparators = { GREATER_THAN: 'GT', LESS_THAN: 'LT' } as const;
    const conditions = gate(state).conditions.map(({ metric, operator, value, status, errorThreshold }) => {
      return { status, metricKey: metric, comparator: comparators[operator], errorThreshold, actualValue: value };
    });
    return { projectStatus: { status: gate(state).status, conditions, ignoredConditions: false, caycStatus: 'compliant' } };
  },
  'api/qualitygates/get_by_project': (state) => ({ qualityGate: { name: gate(state).name, default: true } }),
  'api/webhooks/list': ({ webhooks }) => ({ webhooks: webhooks.map(webhookAnswer) }),
  'api/webhooks/deliveries': ({ deliveries }, query) => {
    return page('deliveries', deliveries.filter(({ webhook }) => webhook.key === query.get('webhook')).map(deliveryAnswer), query);
  },
  'api/webhooks/delivery': ({ deliveries }, query) => {
    const found = deliveries.find(({ id }) => id === query.get('deliveryId'));
    if (found === undefined) throw new Refusal(404, 'Webhook delivery not found');
    return { delivery: { ...deliveryAnswer(found), payload: found.payload } };
  },
};

export const webhookAnswer = ({ key, name, url, secret }: Webhook) => ({ key, name, url, hasSecret: secret !== null });

/** Whole seconds, an offset without a colon. */
export const dateText = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}+0000`;

const isNew = (created: number) => created > firstAnalysis;
const analysedAt = ({ analyses: [newest] }: State) => (newest === undefined ? {} : { analysisDate: dateText(newest.date) });

function projects(state: State, query: ReadonlyMap<string, string>) {
  return page('components', [{ key: projectKey, name: projectName, qualifier: 'TRK', visibility: 'private', ...analysedAt(state) }], query);
}

/** One page of a list. A real server refuses more than 500 a page, and to page beyond 10,000. */
function page<T>(name: string, all: readonly T[], query: ReadonlyMap<string, string>) {
  const [p, ps] = [Number(query.get('p') ?? 1), Number(query.get('ps') ?? 100)];
  if (ps > 500) throw new Refusal(400, `'ps' value (${ps}) must be less than 500`);
  return { paging: { pageIndex: p, pageSize: ps, total: all.length }, [name]: all.slice((p - 1) * ps, p * ps) };
}

function analysisAnswer({ key, date, version, revision }: Analysis) {
  return { key, date: dateText(date), events: [], projectVersion: version, revision, detectedCI: 'undetected' };
}

function taskAnswer({ key, task, date }: Analysis) {
  return { id: task, type: 'REPORT', componentKey: projectKey, analysisId: key, status: 'SUCCESS', submittedAt: dateText(date) };
}

function placeOf({ key, path, line, message, created }: Finding) {
  const dates = { creationDate: dateText(created), updateDate: dateText(created) };
  return { key, component: `${projectKey}:${path}`, project: projectKey, line, message, ...dates };
}

const severityOf = { LOW: 'MINOR', MEDIUM: 'MAJOR', HIGH: 'CRITICAL' } as const;

function issueAnswer(finding: Finding) {
  const { rule, severity, aside } = finding;
  const status =
    aside === null ? { status: 'OPEN', issueStatus: 'OPEN' } : { status: 'RESOLVED', resolution: 'WONTFIX', issueStatus: 'ACCEPTED' };
  const comments = aside === null ? [] : [{ login: aside.by, markdown: aside.comment, createdAt: dateText(aside.at) }];
  const impacts = [{ softwareQuality: 'SECURITY', severity }];
  const kind = { rule: rule.key, type: 'VULNERABILITY', severity: severityOf[severity], impacts, effort: '15min' };
  return { ...placeOf(finding), ...kind, ...status, comments };
}

function hotspotAnswer(finding: Finding) {
  const { rule, severity, aside } = finding;
  const status = aside === null ? { status: 'TO_REVIEW' } : { status: 'REVIEWED', resolution: 'SAFE' };
  return { ...placeOf(finding), ruleKey: rule.key, securityCategory: rule.category, vulnerabilityProbability: severity, ...status };
}

function files(findings: readonly Finding[]) {
  return [...new Set(findings.map(({ path }) => path))].map((path) => ({ key: `${projectKey}:${path}`, qualifier: 'FIL', path }));
}

function findingOf({ findings }: State, key: string | undefined): Finding {
  const found = findings.find((finding) => finding.key === key);
  if (found === undefined) throw new Refusal(404, `Issue with key '${key ?? ''}' does not exist`);
  return found;
}

function changelog({ aside }: Finding, field: string, newValue: string) {
  return aside === null ? [] : [{ user: aside.by, creationDate: dateText(aside.at), diffs: [{ key: field, newValue }] }];
}

const facetSizeMax = 10;
const facetValues: Readonly<Record<string, (rule: Rule) => readonly string[]>> = {
  cwe: ({ cwes }) => cwes,
  'owaspTop10-2021': ({ owasp2021 }) => owasp2021,
  sonarsourceSecurity: ({ category }) => [category],
};

/** No answer says which CWEs an issue has, or a profile's rules: the facets of a search for them do. */
function ruleAnswer(_state: State, query: ReadonlyMap<string, string>) {
  const [key, profile, cwes] = [query.get('rule_key'), query.get('qprofile'), query.get('cwe')?.split(',')];
  const inProfile = profile === undefined || profile === profileAnswer.key;
  const rules = allRules().filter(
    (rule) => inProfile && (key === undefined || key === rule.key) && (cwes === undefined || cwes.some((cwe) => rule.cwes.includes(cwe))),
  );
  const named = rules.map(({ key, name }) => ({ key, name, type: 'VULNERABILITY' }));
  return { ...page('rules', named, query), facets: (query.get('facets')?.split(',') ?? []).map((property) => facetOf(rules, property)) };
}

function facetOf(rules: readonly Rule[], property: string) {
  const counts = new Map<string, number>();
  for (const value of rules.flatMap(facetValues[property] ?? (() => []))) counts.set(value, (counts.get(value) ?? 0) + 1);
  const values = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, facetSizeMax);
  return { property, values: values.map(([val, count]) => ({ val, count })) };
}

/** One profile has all rules: what scanners of several languages look for. */
const profileAnswer = { key: 'harbour-way', name: 'Harbour way', language: 'py', rulesUpdatedAt: dateText(firstAnalysis) };

/** Ratings are numbers: 1 is A, 5 is E. */
function measures({ findings }: State) {
  const issues = findings.filter(({ isHotspot, aside }) => !isHotspot && aside === null);
  const hotspots = findings.filter(({ isHotspot }) => isHotspot);
  const reviewed = hotspots.filter(({ aside }) => aside !== null).length;
  const percent = hotspots.length === 0 ? 100 : (100 * reviewed) / hotspots.length;
  const rating = (of: readonly Finding[]) => 1 + Math.max(0, ...of.map(({ severity }) => ({ LOW: 1, MEDIUM: 2, HIGH: 3 })[severity]));
  const fresh = issues.filter(({ created }) => isNew(created));
  return {
    ncloc_language_distribution: 'py=1200',
    software_quality_security_issues: String(issues.length),
    software_quality_security_rating: `${rating(issues)}.0`,
    new_software_quality_security_issues: String(fresh.length),
    new_software_quality_security_rating: `${rating(fresh)}.0`,
    security_hotspots: String(hotspots.length - reviewed),
    security_hotspots_reviewed: percent.toFixed(1),
    security_review_rating: `${[80, 70, 50, 30].filter((limit) => percent < limit).length + 1}.0`,
  };
}

interface Condition {
  readonly metric: string;
  readonly operator: 'GREATER_THAN' | 'LESS_THAN';
  readonly value: string;
  readonly status: 'OK' | 'ERROR';
  readonly errorThreshold: string;
}

/** The quality gate: no new issues, none of the worst kind, and half of the hotspots reviewed. */
export function gate(state: State) {
  const found = measures(state);
  const over = (metric: keyof typeof found, errorThreshold: string): Condition => {
    const value = found[metric].replace('.0', '');
    return { metric, operator: 'GREATER_THAN', value, status: Number(value) > Number(errorThreshold) ? 'ERROR' : 'OK', errorThreshold };
  };
  const value = found.security_hotspots_reviewed;
  const conditions: readonly Condition[] = [
    over('new_software_quality_security_issues', '0'),
    over('software_quality_security_rating', '4'),
    {
      metric: 'security_hotspots_reviewed',
      operator: 'LESS_THAN',
      value,
      status: Number(value) < 50 ? 'ERROR' : 'OK',
      errorThreshold: '50',
    },
  ];
  return { name: 'Harbour gate', status: conditions.some(({ status }) => status === 'ERROR') ? 'ERROR' : 'OK', conditions };
}

function deliveryAnswer({ id, webhook, analysis, at, durationMs, status }: Delivery) {
  const success = status !== null && status >= 200 && status < 300;
  const known = { id, componentKey: projectKey, ceTaskId: analysis.task, name: webhook.name, url: webhook.url };
  return { ...known, at: dateText(at), success, ...(status === null ? {} : { httpStatus: status }), durationMs };
}
