import { timestampText } from '../../clock.ts';
import type { AnalysisCompletedFacts, GateCondition, GatepostEvent } from '../../events/event.ts';
import { bareHex } from '../signing/bare-hex.ts';
import type { DeliveryFacts, Dialect, SampleFacts } from './dialect.ts';
import { formEncoded, sonarqubeDate, sonarqubeJson } from './sonarqube-json.ts';

/** SonarQube's webhook: its body and headers (its contract, sections 1 and 2). What we say beside it has names of our own. */
export const sonarqubeDialect: Dialect = {
  name: 'sonarqube',
  contentType: 'application/json; charset=utf-8',
  events: ['analysis.completed'],
  body,
  headers,
  schemes: [bareHex('X-Sonar-Webhook-HMAC-SHA256')],
  secretOptional: true,
  normalTarget: true,
  redirects: 1,
  sample,
};

/** What SonarQube itself wrote goes on as it is, so that a receiver verifies the very bytes; all else is composed. */
function body({ facts }: GatepostEvent): Buffer {
  if (!('origin' in facts)) return Buffer.from('{}', 'utf8');
  return Buffer.from(facts.relayed ?? sonarqubeJson(payload(facts, { onLeakPeriod: true })), 'utf8');
}

export interface PayloadOptions {
  /** Says with each condition whether it is about new code, as old receivers expect it. Real servers have left it out since 2019. */
  readonly onLeakPeriod: boolean;
}

/** The payload, its fields in the order that SonarQube writes them; what is `undefined` is left out (contract 1.1). */
export function payload(facts: AnalysisCompletedFacts, options: PayloadOptions): object {
  const { serverUrl, task, status, analysedAt, changedAt, revision, project, branch, gate, properties } = facts;
  const url = `${serverUrl}/dashboard?id=${formEncoded(project.key)}`;
  return {
    serverUrl,
    taskId: task ?? undefined,
    status,
    analysedAt: analysedAt === null ? undefined : sonarqubeDate(analysedAt),
    revision: analysedAt === null ? undefined : (revision ?? undefined),
    changedAt: sonarqubeDate(changedAt),
    project: { key: project.key, name: project.name, url },
    branch:
      branch === null
        ? undefined
        : { name: branch.name ?? undefined, type: branch.type, isMain: branch.isMain, url: url + placeOf(branch) },
    qualityGate:
      gate === null || status === 'FAILED'
        ? undefined
        : { name: gate.name, status: gate.status, conditions: gate.conditions.map((each) => condition(each, options)) },
    properties,
  };
}

/** What leads from a project's page to a branch's or a pull request's. */
function placeOf({ name, type, isMain }: NonNullable<AnalysisCompletedFacts['branch']>): string {
  if (isMain || name === null) return '';
  return `&${type === 'PULL_REQUEST' ? 'pullRequest' : 'branch'}=${formEncoded(name)}`;
}

function condition({ metric, operator, value, status, errorThreshold }: GateCondition, { onLeakPeriod }: PayloadOptions): object {
  const isNew = onLeakPeriod ? metric.startsWith('new_') : undefined;
  return { metric, operator, value, status, errorThreshold, onLeakPeriod: isNew };
}

function headers({ delivery, kind, attempt, body }: DeliveryFacts): Readonly<Record<string, string>> {
  const key = keyOf(body);
  return {
    ...(key === null ? {} : { 'X-SonarQube-Project': headerText(key) }),
    'x-gatepost-event': kind,
    'x-gatepost-delivery': delivery,
    'x-gatepost-attempt': String(attempt),
  };
}

/** A header holds visible ASCII. Any other key, which SonarQube does not allow, is encoded as in `project.url`: a delivery is not lost by it. */
function headerText(key: string): string {
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(key) ? key : formEncoded(key);
}

/** How the project begins in the bytes that we and real servers write. A text cannot hold it: its quotes would be escaped. */
const projectStart = Buffer.from('"project":{"key":"', 'latin1');
const quote = 0x22;
const backslash = 0x5c;

/** The key of the project that a payload is about: found in its bytes where they are as expected, which costs next to nothing; else it is parsed. */
function keyOf(body: Buffer): string | null {
  const at = body.indexOf(projectStart);
  const from = at + projectStart.length;
  const to = at === -1 ? -1 : body.indexOf(quote, from);
  const text = to === -1 ? null : body.subarray(from, to);
  return text === null || text.includes(backslash) ? parsedKey(body) : text.toString('utf8');
}

function parsedKey(body: Buffer): string | null {
  try {
    const { project } = JSON.parse(body.toString('utf8')) as { readonly project?: { readonly key?: unknown } | null };
    return typeof project?.key === 'string' ? project.key : null;
  } catch {
    // No JSON: then nobody knows.
    return null;
  }
}

/** An analysis that might have been: everything is there that a receiver may require. */
export function sample({ organization, serverUrl, project, id, created }: SampleFacts): AnalysisCompletedFacts {
  const at = timestampText(created);
  return {
    organization: organization.slug,
    analysis: id,
    origin: 'sarif',
    serverUrl,
    task: id,
    status: 'SUCCESS',
    analysedAt: at,
    changedAt: at,
    revision: null,
    project: project ?? { key: 'gatepost-test', name: 'Test delivery' },
    branch: { name: 'main', type: 'BRANCH', isMain: true },
    gate: {
      name: 'Test delivery',
      status: 'OK',
      conditions: [{ metric: 'new_violations', operator: 'GREATER_THAN', value: '0', status: 'OK', errorThreshold: '0' }],
    },
    properties: { 'sonar.analysis.gatepostTest': 'true' },
    relayed: null,
  };
}
