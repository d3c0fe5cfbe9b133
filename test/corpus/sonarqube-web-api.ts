// Web API in: every recorded answer of a call that fetching makes is sent by a server on this machine, with the status, type and bytes it had, and
// asked for with our client. What our readers make of it is held against a plain reading of the same bytes; a refusal against what it must be called.
import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import type { SonarqubeClient } from '../../src/analyses/sonarqube/client/client.ts';
import { createSonarqubeClient } from '../../src/analyses/sonarqube/client/client.ts';
import { hotspotLineOf, issueLineOf } from '../../src/analyses/sonarqube/fetch/lines.ts';
import { gateOf, measuredOf } from '../../src/analyses/sonarqube/fetch/measures.ts';
import { reasonOf } from '../../src/analyses/sonarqube/fetch/reasons.ts';
import { ruleOf } from '../../src/analyses/sonarqube/fetch/rules.ts';
import { search } from '../../src/analyses/sonarqube/fetch/search.ts';
import { analysesOf, fetchServer } from '../../src/analyses/sonarqube/fetch/server.ts';
import { systemClock } from '../../src/clock.ts';
import { GatepostError } from '../../src/errors.ts';
import type { Check, Part, Recordings } from './part.ts';
import { check } from './part.ts';

interface Recorded {
  readonly request: { readonly method: string; readonly path: string; readonly query?: string | null };
  readonly response: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

type Json = Readonly<Record<string, unknown>>;

export async function webApiIn(recordings: Recordings): Promise<Part> {
  const files = globSync(join(recordings.folder, 'api/data/*.json')).toSorted();
  const all = files.map((file) => ({ name: basename(file, '.json'), recorded: JSON.parse(readFileSync(file, 'utf8')) as Recorded }));
  const used = all.filter(({ recorded: { request } }) => request?.method === 'GET' && readers.some(([path]) => path.test(request.path)));
  const server = createServer((request, response) => {
    const [, number, path] = /^\/(\d+)\/([^?]*)/.exec(request.url ?? '') ?? [];
    if (path === 'api/server/version' && !used[Number(number)]?.recorded.request.path.endsWith('/version')) {
      response.end(recordings.version);
      return;
    }
    const { status, headers, body } = used[Number(number)]?.recorded.response ?? { status: 599, headers: {}, body: '' };
    const type = headers['Content-Type'] ?? headers['content-type'];
    response.writeHead(status, type === undefined ? {} : { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const checks: Check[] = [];
  try {
    for (const [index, { name, recorded }] of used.entries())
      checks.push(await compared(name, recorded, `http://127.0.0.1:${port}/${index}`));
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return { title: 'Web API in', checks };
}

async function compared(name: string, recorded: Recorded, url: string): Promise<Check> {
  const client = createSonarqubeClient({ url, token: 'made-up', clock: systemClock, limits: { perMinuteMax: 1_000_000, triesMax: 1 } });
  try {
    const [, read] = readers.find(([path]) => path.test(recorded.request.path)) ?? [];
    const query = Object.fromEntries(new URLSearchParams(recorded.request.query ?? ''));
    const problem = (await read?.({ client, query, body: recorded.response.body, path: recorded.request.path.slice(1) })) ?? null;
    const mustFail = recorded.response.status >= 400 ? 'a refusal was read as an answer' : null;
    return check(name, problem === null && mustFail === null, problem ?? mustFail ?? '');
  } catch (error) {
    if (!(error instanceof GatepostError)) return check(name, false, String(error));
    const wanted = codeOf(recorded);
    return check(name, error.code === wanted, `${error.code} and not ${wanted}`);
  } finally {
    await client.close();
  }
}

/** What a recorded refusal must be called. */
function codeOf({ response: { status, body } }: Recorded): string {
  if (status === 404) return body.includes('Unknown url') ? 'source_path_unknown' : 'source_not_found';
  return { 400: 'source_refused', 401: 'source_token_refused', 403: 'source_forbidden' }[status] ?? `an answer of ${status}`;
}

interface Reading {
  readonly client: SonarqubeClient;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
  readonly path: string;
}

type Read = (reading: Reading) => Promise<string | null>;

const signal = new AbortController().signal;
const ask = ({ client, path, query }: Reading) => client.get(path, query, { signal });

/** The parts of a text list that are not alike. */
function unlike(name: string, ours: unknown, theirs: unknown): string | null {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return a === b ? null : `${name}: ${(a ?? 'nothing').slice(0, 120)} and not ${(b ?? 'nothing').slice(0, 120)}`;
}

const minutes = (text: unknown) => {
  const of = (unit: string, each: number) => Number(new RegExp(`(\\d+)${unit}`).exec(String(text))?.[1] ?? 0) * each;
  return of('d', 480) + of('h', 60) + of('min', 1);
};

const issues: Read = async ({ client, query, body }) => {
  const found = await search({ client, kind: 'issues', query, signal });
  const plain = JSON.parse(body) as { total: number; effortTotal?: number; issues: Json[]; components: Json[]; facets?: Json[] };
  const paths = new Map(plain.components.map((each) => [each['key'], each['path']]));
  const lines = found.items.map((item) => issueLineOf(item, found.paths));
  const theirs = plain.issues.map((each) => [
    each['key'],
    each['rule'],
    each['type'],
    each['severity'],
    each['status'],
    each['resolution'] ?? null,
  ]);
  const effort = lines.reduce((sum, line) => sum + (line?.effortMinutes ?? 0), 0);
  return (
    unlike('total', found.total, plain.total) ??
    unlike(
      'issues',
      lines.map((each) => [each?.key, each?.rule, each?.type, each?.severity, each?.status, each?.resolution ?? null]),
      theirs,
    ) ??
    unlike(
      'messages',
      lines.map((each) => each?.message),
      plain.issues.map((each) => each['message']),
    ) ??
    unlike(
      'lines',
      lines.map((each) => each?.line),
      plain.issues.map((each) => each['line']),
    ) ??
    unlike(
      'paths',
      lines.map((each) => each?.path),
      plain.issues.map((each) => paths.get(each['component'])),
    ) ??
    unlike(
      'effort',
      effort,
      plain.issues.reduce((sum, each) => sum + minutes(each['effort']), 0),
    ) ??
    (plain.issues.length === plain.total ? unlike('effort of all', effort, plain.effortTotal) : null) ??
    unlike(
      'facets',
      [...found.facets].map(([name, values]) => [name, values.length]),
      facetSizes(plain.facets),
    )
  );
};

function facetSizes(facets: readonly Json[] | undefined): unknown {
  return (
    facets?.map((facet) => [facet['property'], (facet['values'] as { count: number }[]).filter(({ count }) => count > 0).length]) ?? []
  );
}

const hotspots: Read = async ({ client, query, body }) => {
  const found = await search({ client, kind: 'hotspots', query, signal });
  const plain = JSON.parse(body) as { paging: { total: number }; hotspots: Json[] };
  const lines = found.items.map((item) => hotspotLineOf(item, found.paths));
  const theirs = plain.hotspots.map((each) => [
    each['key'],
    each['ruleKey'],
    each['securityCategory'],
    each['vulnerabilityProbability'],
    each['line'],
  ]);
  return (
    unlike('total', found.total, plain.paging.total) ??
    unlike(
      'hotspots',
      lines.map((each) => [each?.key, each?.rule, each?.category, each?.probability, each?.line]),
      theirs,
    )
  );
};

const rules: Read = async (reading) => {
  const answer = await ask(reading);
  const plain = JSON.parse(reading.body) as { rules: Json[]; facets?: { property: string; values: { val: string }[] }[] };
  const key = reading.query['rule_key'];
  // Searches for many rules are not what fetching asks.
  if (key === undefined || plain.facets === undefined)
    return unlike('rules', (answer as { rules: Json[] }).rules.length, plain.rules.length);
  const values = (name: string) => plain.facets?.find(({ property }) => property === name)?.values.map(({ val }) => val) ?? [];
  const rule = ruleOf(key, answer);
  return (
    unlike(
      'CWEs',
      rule?.cwes,
      values('cwe')
        .filter((value) => value !== 'unknown')
        .map(Number),
    ) ??
    unlike('OWASP', [rule?.owasp2017, rule?.owasp2021], [values('owaspTop10'), values('owaspTop10-2021')]) ??
    unlike('category and name', [rule?.sonarsource, rule?.name], [values('sonarsourceSecurity'), plain.rules[0]?.['name']])
  );
};

/** Files of no language are counted under `<null>`. */
function languagesIn(distribution: string | undefined): readonly string[] | null {
  const names = distribution?.split(';').map((pair) => pair.split('=')[0] ?? '');
  return names?.filter((name) => name !== '<null>') ?? null;
}

const measures: Read = async (reading) => {
  const measured = measuredOf(await ask(reading), reading.body.includes('software_quality_security_rating') ? 'mqr' : 'standard');
  const plain = JSON.parse(reading.body) as { component: { measures: { metric: string; value?: string }[] }; period?: Json };
  const value = (metric: string) => plain.component.measures.find((each) => each.metric === metric)?.value;
  const letter = (text: string | undefined) => (text === undefined ? undefined : 'ABCDE'[Number(text) - 1]);
  const { measures: ours } = measured;
  return (
    unlike(
      'ratings',
      [ours.securityRating, ours.reviewRating],
      [letter(value('software_quality_security_rating') ?? value('security_rating')), letter(value('security_review_rating'))],
    ) ??
    unlike('numbers', [String(ours.linesOfCode), String(ours.hotspotsToReview)], [value('ncloc'), value('security_hotspots')]) ??
    unlike('period', measured.newCode?.mode, plain.period?.['mode']) ??
    unlike('languages', measured.languages, languagesIn(value('ncloc_language_distribution')))
  );
};

const gate: Read = async (reading) => {
  const ours = gateOf(await ask(reading), 'gate');
  const { projectStatus } = JSON.parse(reading.body) as { projectStatus: { status: string; conditions: Json[] } };
  if (projectStatus.status === 'NONE') return unlike('gate', ours, null);
  return (
    unlike('status', ours?.status, projectStatus.status) ??
    unlike(
      'conditions',
      ours?.conditions.map(({ metric, value }) => [metric, value]),
      projectStatus.conditions.map((each) => [each['metricKey'], each['actualValue']]),
    )
  );
};

const analyses: Read = async (reading) => {
  const ours = analysesOf(await ask(reading));
  const plain = (JSON.parse(reading.body) as { analyses: Json[] }).analyses;
  const theirs = plain.map((each) => [each['key'], each['date'], each['projectVersion'], each['revision']]);
  return unlike(
    'analyses',
    ours.map(({ key, date, version, revision }) => [key, date, version, revision]),
    theirs,
  );
};

const whole: Read = async (reading) => unlike('answer', await ask(reading), JSON.parse(reading.body));

const readers: readonly (readonly [path: RegExp, read: Read])[] = [
  [/\/api\/issues\/search$/, issues],
  [/\/api\/hotspots\/search$/, hotspots],
  [/\/api\/hotspots\/show$/, async (reading) => unlike('reason', reasonOf(await ask(reading)), undefined)],
  [/\/api\/rules\/search$/, rules],
  [/\/api\/measures\/component$/, measures],
  [/\/api\/qualitygates\/project_status$/, gate],
  [/\/api\/project_analyses\/search$/, analyses],
  [
    /\/api\/system\/status$/,
    async ({ client, body }) =>
      unlike('version', (await fetchServer({ client, signal }).catch(() => null))?.version ?? null, (JSON.parse(body) as Json)['version']),
  ],
  [/\/api\/server\/version$/, async ({ client, path, body }) => unlike('version', await client.text(path), body)],
  [
    /\/api\/(ce\/(task|activity|component)|components\/show|navigation\/global|authentication\/validate|project_branches\/list|project_pull_requests\/list)$/,
    whole,
  ],
];
