// `api/issues/search` and `api/hotspots/search` of the stand-in: filters, facets with their real sizes, the real limits and messages.
import type { StubFacts, StubHotspot, StubIssue, StubProject } from './facts.ts';

/** An answer that is no 200. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Query = ReadonlyMap<string, string>;

/** What a date looks like there. */
export function dateText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, '+0000');
}

export function paging(query: Query, { size, index = 1 }: { readonly size: number; readonly index?: number }) {
  const number = (name: string, otherwise: number) => {
    const text = query.get(name);
    if (text === undefined) return otherwise;
    if (!/^-?\d+$/.test(text)) throw new Refusal(400, `'${name}' value '${text}' cannot be parsed as an integer`);
    return Number(text);
  };
  const ps = number('ps', size);
  const p = number('p', index);
  if (ps > 500) throw new Refusal(400, `'ps' value (${ps}) must be less than 500`);
  if (ps < 1) throw new Refusal(400, `Page size must be between 1 and 500 (got ${ps})`);
  if (p < 1) throw new Refusal(400, `Page must be greater or equal to 1 (got ${p})`);
  return { p, ps };
}

function limited({ p, ps }: { readonly p: number; readonly ps: number }) {
  if (p * ps > 10_000) throw new Refusal(400, `Can return only the first 10000 results. ${p * ps}th result asked.`);
  return { from: (p - 1) * ps, to: p * ps };
}

const listed = (query: Query, name: string) =>
  query
    .get(name)
    ?.split(',')
    .map((text) => text.trim());

interface Facet {
  readonly size: number;
  readonly of: (issue: StubIssue) => string;
}

const directoryOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));

const facets: Readonly<Record<string, Facet>> = {
  rules: { size: 100, of: ({ rule }) => rule.key },
  severities: { size: 5, of: ({ rule }) => rule.severity },
  types: { size: 3, of: ({ rule }) => rule.type },
  files: { size: 100, of: ({ path }) => path },
  directories: { size: 100, of: ({ path }) => directoryOf(path) },
  languages: { size: 100, of: ({ rule }) => rule.lang },
  scopes: { size: 2, of: () => 'MAIN' },
  statuses: { size: 6, of: ({ status }) => status },
  resolutions: { size: 5, of: ({ resolution }) => resolution ?? '' },
};
const otherFacets = [
  'projects',
  'assignees',
  'author',
  'tags',
  'cwe',
  'owaspTop10',
  'owaspTop10-2021',
  'sansTop25',
  'createdAt',
  'sonarsourceSecurity',
];
const possible: Readonly<Record<string, readonly string[]>> = {
  types: ['CODE_SMELL', 'BUG', 'VULNERABILITY'],
  severities: ['INFO', 'MINOR', 'MAJOR', 'CRITICAL', 'BLOCKER'],
  scopes: ['MAIN', 'TEST'],
};
const statuses = ['OPEN', 'CONFIRMED', 'REOPENED', 'RESOLVED', 'CLOSED'];

function checkedList(query: Query, name: string, values: readonly string[]): readonly string[] | undefined {
  const given = listed(query, name);
  const bad = given?.find((each) => !values.includes(each));
  if (bad !== undefined) throw new Refusal(400, `Value of parameter '${name}' (${bad}) must be one of: [${values.join(', ')}]`);
  return given;
}

function dateOf(query: Query, name: string): number | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const ms = Date.parse(text.replace(/(\d\d)(\d\d)$/, '$1:$2'));
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d[+-]\d{4})?$/.test(text) || Number.isNaN(ms)) {
    throw new Refusal(400, `Date '${text}' cannot be parsed as either a date or date+time`);
  }
  return ms;
}

export interface Searched {
  readonly facts: StubFacts;
  readonly query: Query;
}

function isOld({ version }: StubFacts): boolean {
  return version.startsWith('9.');
}

/** The issues that a search is about, in its order. */
function matching({ facts, query }: Searched): readonly (readonly [StubProject, StubIssue])[] {
  // 9.9 knows `componentKeys` alone, and passes over what it does not know.
  const components = listed(query, 'componentKeys') ?? (isOld(facts) ? undefined : listed(query, 'components'));
  const status = checkedList(query, 'statuses', isOld(facts) ? statuses : [...statuses, 'IN_SANDBOX']);
  const lists = Object.entries(facets).flatMap(([name, { of }]) => {
    const values =
      name === 'statuses' ? status : possible[name] === undefined ? listed(query, name) : checkedList(query, name, possible[name]);
    return values === undefined ? [] : [{ of, values: new Set(values) }];
  });
  const after = dateOf(query, 'createdAfter') ?? Number.NEGATIVE_INFINITY;
  const before = dateOf(query, 'createdBefore') ?? Number.POSITIVE_INFINITY;
  const fresh = query.get('inNewCodePeriod') === 'true';
  const branch = query.get('branch') ?? query.get('pullRequest') ?? 'main';
  const found: (readonly [StubProject, StubIssue])[] = [];
  for (const project of facts.projects) {
    if (branch !== 'main' || (components !== undefined && !components.includes(project.key))) continue;
    for (const issue of project.issues) {
      if (issue.created < after || issue.created >= before) continue;
      if (fresh && (project.newCodeSince === null || issue.created <= project.newCodeSince)) continue;
      if (lists.every(({ of, values }) => values.has(of(issue)))) found.push([project, issue]);
    }
  }
  return found;
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function ordered(found: readonly (readonly [StubProject, StubIssue])[], query: Query): readonly (readonly [StubProject, StubIssue])[] {
  const sort = query.get('s');
  const sign = query.get('asc') === 'false' ? -1 : 1;
  if (sort === undefined) return found;
  if (sort === 'CREATION_DATE') return found.toSorted(([, a], [, b]) => sign * (a.created - b.created));
  if (sort !== 'FILE_LINE') throw new Refusal(400, `Value of parameter 's' (${sort}) must be one of: [CREATION_DATE, FILE_LINE]`);
  return found.toSorted(([, a], [, b]) => sign * (byText(a.path, b.path) || a.line - b.line || byText(a.key, b.key)));
}

function facetAnswers(found: readonly (readonly [StubProject, StubIssue])[], query: Query) {
  const names = checkedList(query, 'facets', [...Object.keys(facets), ...otherFacets]) ?? [];
  return names.map((property) => {
    const facet = facets[property];
    const counts = new Map<string, number>();
    for (const [, issue] of facet === undefined ? [] : found)
      counts.set(facet?.of(issue) ?? '', (counts.get(facet?.of(issue) ?? '') ?? 0) + 1);
    const values = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, facet?.size ?? 0);
    return { property, values: values.map(([val, count]) => ({ val, count })) };
  });
}

/** What was found last, so that the pages of one search are not each searched anew. */
interface Kept {
  readonly key: string;
  readonly stamp: number;
  readonly found: readonly (readonly [StubProject, StubIssue])[];
}
const keptOf = new WeakMap<StubFacts, readonly Kept[]>();

/** `stamp` changes whenever the facts do. */
export function searchIssues(searched: Searched, stamp: number): unknown {
  const { facts, query } = searched;
  const page = paging(query, { size: 100 });
  const { from, to } = limited(page);
  const rest = [...query].filter(([name]) => !['p', 'ps', 'facets', 'additionalFields'].includes(name)).toSorted();
  const key = JSON.stringify(rest);
  const kept = keptOf.get(facts) ?? [];
  let same = kept.find((each) => each.key === key && each.stamp === stamp);
  if (same === undefined) {
    same = { key, stamp, found: ordered(matching(searched), query) };
    keptOf.set(facts, [same, ...kept.filter((each) => each.stamp === stamp)].slice(0, 8));
  }
  const shown = same.found.slice(from, to);
  const total = same.found.length;
  const comments = /comments|_all/.test(query.get('additionalFields') ?? '');
  return {
    total,
    p: page.p,
    ps: page.ps,
    paging: { pageIndex: page.p, pageSize: page.ps, total },
    effortTotal: same.found.reduce((sum, [, issue]) => sum + issue.effortMinutes, 0),
    issues: shown.map(([project, issue]) => issueAnswer(facts, project, issue, comments)),
    components: componentAnswers(shown),
    facets: facetAnswers(same.found, query),
  };
}

function issueAnswer(facts: StubFacts, project: StubProject, issue: StubIssue, comments: boolean) {
  const { rule, line } = issue;
  const modern = !isOld(facts);
  const effort = `${issue.effortMinutes >= 60 ? '1h' : ''}${issue.effortMinutes % 60 === 0 ? '' : `${issue.effortMinutes % 60}min`}`;
  const issueStatus =
    issue.resolution === 'WONTFIX'
      ? 'ACCEPTED'
      : issue.resolution === 'FALSE-POSITIVE'
        ? 'FALSE_POSITIVE'
        : (issue.resolution ?? issue.status);
  return {
    key: issue.key,
    rule: rule.key,
    severity: rule.severity,
    component: `${project.key}:${issue.path}`,
    project: project.key,
    line,
    hash: '0'.repeat(32),
    textRange: { startLine: line, endLine: line, startOffset: 4, endOffset: 20 },
    flows: [],
    ...(issue.resolution === undefined ? {} : { resolution: issue.resolution }),
    status: issue.status,
    message: issue.message,
    effort,
    debt: effort,
    author: 'dev@example.test',
    tags: rule.cwes.length > 0 ? ['cwe'] : [],
    ...(comments
      ? {
          comments: (issue.comments ?? []).map((each) => ({
            key: 'c',
            login: each.login,
            htmlText: each.text,
            markdown: each.text,
            createdAt: dateText(each.at),
          })),
        }
      : {}),
    creationDate: dateText(issue.created),
    updateDate: dateText(issue.created),
    type: rule.type,
    scope: 'MAIN',
    quickFixAvailable: false,
    messageFormattings: [],
    ...(modern
      ? { codeVariants: [], impacts: [{ softwareQuality: rule.impact[0], severity: rule.impact[1] }], issueStatus, prioritizedRule: false }
      : {}),
  };
}

function componentAnswers(shown: readonly (readonly [StubProject, { readonly path: string }])[]) {
  const all = new Map<string, unknown>();
  for (const [project, { path }] of shown) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    all.set(project.key, { key: project.key, enabled: true, qualifier: 'TRK', name: project.name, longName: project.name });
    all.set(`${project.key}:${path}`, { key: `${project.key}:${path}`, enabled: true, qualifier: 'FIL', name, longName: path, path });
  }
  return [...all.values()];
}

export function searchHotspots({ facts, query }: Searched): unknown {
  const page = paging(query, { size: 100 });
  const key = query.get('projectKey') ?? (isOld(facts) ? undefined : query.get('project'));
  const name = isOld(facts) ? 'projectKey' : 'project';
  if (key === undefined) throw new Refusal(400, `A value must be provided for either parameter '${name}' or parameter 'hotspots'`);
  const project = facts.projects.find((each) => each.key === key);
  if (project === undefined) throw new Refusal(404, isOld(facts) ? `Component key '${key}' not found` : `Project '${key}' not found`);
  const wanted = (parameter: string, value: string | undefined) => query.get(parameter) === undefined || query.get(parameter) === value;
  const fits = (each: StubHotspot) =>
    wanted('status', each.status) && wanted('resolution', each.resolution) && wanted('sonarsourceSecurity', each.rule.category ?? 'others');
  const found = project.hotspots.filter(fits);
  const { from, to } = limited(page);
  const shown = found.slice(from, to);
  return {
    paging: { pageIndex: page.p, pageSize: page.ps, total: found.length },
    hotspots: shown.map((each) => hotspotAnswer(project, each)),
    components: componentAnswers(shown.map((each) => [project, each])),
  };
}

function hotspotAnswer(project: StubProject, hotspot: StubHotspot) {
  return {
    key: hotspot.key,
    component: `${project.key}:${hotspot.path}`,
    project: project.key,
    securityCategory: hotspot.rule.category ?? 'others',
    vulnerabilityProbability: hotspot.probability,
    status: hotspot.status,
    ...(hotspot.resolution === undefined ? {} : { resolution: hotspot.resolution }),
    line: hotspot.line,
    message: hotspot.message,
    author: 'dev@example.test',
    creationDate: dateText(hotspot.created),
    updateDate: dateText(hotspot.created),
    textRange: { startLine: hotspot.line, endLine: hotspot.line, startOffset: 0, endOffset: 9 },
    flows: [],
    ruleKey: hotspot.rule.key,
    messageFormattings: [],
  };
}
