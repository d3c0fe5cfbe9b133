import type { GateCondition, GateFacts } from '../../../events/event.ts';
import type { SonarqubeFacts } from '../../finding.ts';
import { listOf, objectOf, textOf } from '../../sarif/json.ts';
import type { Query, SonarqubeClient } from '../client/client.ts';
import { isFault } from '../client/client.ts';
import { rfc3339Of } from './dates.ts';

export interface Asked {
  readonly client: SonarqubeClient;
  readonly project: string;
  /** `branch` or `pullRequest`, where it is not the main branch. */
  readonly branch: Query;
  readonly signal: AbortSignal;
}

const always = [
  'ncloc',
  'ncloc_language_distribution',
  'vulnerabilities',
  'security_rating',
  'security_hotspots',
  'security_hotspots_reviewed',
  'security_review_rating',
  'new_vulnerabilities',
  'new_security_rating',
  'new_security_review_rating',
];
/** Known from 10.8 on; an older server refuses the whole call for one metric that it does not know. */
const ofModes = [
  'software_quality_security_issues',
  'software_quality_security_rating',
  'new_software_quality_security_issues',
  'new_software_quality_security_rating',
];

export interface Measured {
  readonly measures: SonarqubeFacts['measures'];
  readonly newCode: SonarqubeFacts['newCode'];
  /** Those that the project has code in, by the server's keys; null where it does not tell. */
  readonly languages: readonly string[] | null;
}

/** The measures and the new code period; null where the server does not tell them. */
export async function fetchMeasures(asked: Asked, mode: 'mqr' | 'standard'): Promise<Measured | null> {
  const metrics = mode === 'mqr' ? [[...always, ...ofModes], always] : [always];
  for (const keys of metrics) {
    try {
      const query = { component: asked.project, metricKeys: keys.join(','), additionalFields: 'period', ...asked.branch };
      return measuredOf(await asked.client.get('api/measures/component', query, { signal: asked.signal }), mode);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return null;
}

/** The server answers, and will not tell this: no reason to give up the rest. */
export function isAbsent(error: unknown): boolean {
  return isFault(error, 'source_refused', 'source_not_found', 'source_forbidden', 'source_path_unknown', 'source_answer_invalid');
}

export function measuredOf(answer: unknown, mode: 'mqr' | 'standard'): Measured {
  const found = objectOf(answer);
  const values = new Map<string, string>();
  for (const measure of listOf(objectOf(found['component'])['measures']).map(objectOf)) {
    // Servers before 10 had several periods; the first is the new code.
    const period = objectOf(measure['period'] ?? listOf(measure['periods'])[0]);
    const value = textOf(measure['value']) ?? textOf(period['value']);
    if (value !== undefined) values.set(textOf(measure['metric']) ?? '', value);
  }
  const quality = (name: string, plain: string) => (mode === 'mqr' ? values.get(name) : undefined) ?? values.get(plain);
  const measures = {
    securityRating: letterOf(quality('software_quality_security_rating', 'security_rating')),
    reviewRating: letterOf(values.get('security_review_rating')),
    securityIssues: numberOf(quality('software_quality_security_issues', 'vulnerabilities')),
    hotspotsToReview: numberOf(values.get('security_hotspots')),
    hotspotsReviewedPercent: values.get('security_hotspots_reviewed'),
    newSecurityRating: letterOf(quality('new_software_quality_security_rating', 'new_security_rating')),
    newReviewRating: letterOf(values.get('new_security_review_rating')),
    newSecurityIssues: numberOf(quality('new_software_quality_security_issues', 'new_vulnerabilities')),
    linesOfCode: numberOf(values.get('ncloc')),
  };
  return {
    measures: defined(measures),
    newCode: newCodeOf(found['period'] ?? listOf(found['periods'])[0]),
    languages: languagesOf(values.get('ncloc_language_distribution')),
  };
}

/** `java=120;<null>=42;js=8`: lines of code by language. Files that are of none have none. */
function languagesOf(distribution: string | undefined): readonly string[] | null {
  if (distribution === undefined) return null;
  const pairs = distribution.split(';').map((pair) => /^([^=<>]+)=0*[1-9]\d*$/.exec(pair)?.[1]);
  return pairs.filter((language) => language !== undefined);
}

type Defined<Facts> = { readonly [Name in keyof Facts]?: Exclude<Facts[Name], undefined> };

function defined<Facts extends object>(facts: Facts): Defined<Facts> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Defined<Facts>;
}

function newCodeOf(value: unknown): SonarqubeFacts['newCode'] {
  const period = objectOf(value);
  const mode = textOf(period['mode']);
  const parameter = textOf(period['parameter']);
  const since = rfc3339Of(period['date']);
  if (mode === undefined && since === undefined) return undefined;
  return defined({ mode, parameter, since });
}

const letters = ['A', 'B', 'C', 'D', 'E'] as const;

/** `1.0` … `5.0`, as measures write ratings. */
function letterOf(value: string | undefined): (typeof letters)[number] | undefined {
  return letters[Number(value) - 1];
}

function numberOf(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** The gate as it came out: null where none was evaluated; `readable` false where the server does not tell. */
export async function fetchGate(
  asked: Asked,
  analysis: string | null,
): Promise<{ readonly gate: GateFacts | null; readonly readable: boolean }> {
  const { client, project, branch, signal } = asked;
  try {
    const which = analysis === null ? { projectKey: project, ...branch } : { analysisId: analysis };
    const status = await client.get('api/qualitygates/project_status', which, { signal });
    const named = gateOf(status, '');
    return { gate: named === null ? null : { ...named, name: await gateName(asked) }, readable: true };
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return { gate: null, readable: false };
  }
}

/** `project_status` does not name the gate. */
async function gateName({ client, project, signal }: Asked): Promise<string> {
  try {
    const answer = objectOf(await client.get('api/qualitygates/get_by_project', { project }, { signal }));
    return textOf(objectOf(answer['qualityGate'])['name']) ?? '';
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return '';
  }
}

const operators: Readonly<Record<string, string>> = { GT: 'GREATER_THAN', LT: 'LESS_THAN', EQ: 'EQUALS', NE: 'NOT_EQUALS' };

/** An answer of `project_status` in the webhook's words (contract 5.2: other names and operators than there); null where no gate was evaluated. */
export function gateOf(answer: unknown, name: string): GateFacts | null {
  const status = objectOf(objectOf(answer)['projectStatus']);
  const level = textOf(status['status']);
  if (level === undefined || level === 'NONE') return null;
  return { name, status: level, conditions: listOf(status['conditions']).map(objectOf).map(conditionOf) };
}

function conditionOf(condition: Readonly<Record<string, unknown>>): GateCondition {
  const comparator = textOf(condition['comparator']) ?? '';
  const value = textOf(condition['actualValue']);
  return {
    metric: textOf(condition['metricKey']) ?? '',
    operator: operators[comparator] ?? comparator,
    ...(value === undefined ? {} : { value }),
    status: textOf(condition['status']) ?? '',
    errorThreshold: textOf(condition['errorThreshold']) ?? textOf(condition['warningThreshold']) ?? '',
  };
}
