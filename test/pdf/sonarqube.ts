import type { Finding, SonarqubeFacts } from '../../src/analyses/finding.ts';
import type { GateCondition, GateFacts } from '../../src/events/event.ts';
import { createDetailTally, createHotspotTally } from '../../src/reports/make/details.ts';
import type { DetailCounts, ReportDocument, ReportedFinding } from '../../src/reports/report.ts';
import { sampleDocument } from './document.ts';
import type { SampleOptions } from './document.ts';

/** The sample document as an analysis of a SonarQube server would have it. */
export interface SonarqubeSampleOptions extends SampleOptions {
  readonly conditions?: number;
  readonly gateStatus?: string;
  readonly facts?: Partial<SonarqubeFacts>;
  /** The token could not see hotspots, and there is no new code. */
  readonly poor?: boolean;
}

const conditions: readonly GateCondition[] = [
  { metric: 'new_coverage', operator: 'LESS_THAN', status: 'NO_VALUE', errorThreshold: '80' },
  { metric: 'new_security_rating', operator: 'GREATER_THAN', value: '4', status: 'ERROR', errorThreshold: '1' },
  { metric: 'new_security_hotspots_reviewed', operator: 'LESS_THAN', status: 'OK', errorThreshold: '100' },
  { metric: 'new_duplicated_lines_density', operator: 'GREATER_THAN', value: '0.43', status: 'OK', errorThreshold: '3' },
  { metric: 'software_quality_security_issues', operator: 'GREATER_THAN', value: '114', status: 'ERROR', errorThreshold: '0' },
  { metric: 'new_technical_debt', operator: 'GREATER_THAN', value: '430', status: 'WARN', errorThreshold: '2880' },
  { metric: 'house_own_metric', operator: 'NOT_EQUALS', value: 'agreed', status: 'OK', errorThreshold: 'pending' },
  { metric: 'coverage', operator: 'LESS_THAN', value: '0.0', status: 'OK', errorThreshold: '80' },
  { metric: 'software_quality_reliability_rating', operator: 'GREATER_THAN', value: '2', status: 'OK', errorThreshold: '3' },
  { metric: 'new_violations', operator: 'GREATER_THAN', value: '17', status: 'ERROR', errorThreshold: '0' },
];

export function sampleGate(count = 6, status = 'ERROR'): GateFacts {
  const rows = Array.from({ length: count }, (_, index) => conditions[index % conditions.length] ?? conditions[0]);
  return { name: 'House gate', status, conditions: rows.flatMap((row) => (row === undefined ? [] : [row])) };
}

const server = 'https://sonar.example.test';

function ofSonarqube(finding: ReportedFinding, index: number): ReportedFinding {
  const { suppression: _told, ...rest } = finding;
  const base: ReportedFinding = {
    ...rest,
    tool: 'SonarQube',
    effortMinutes: 5 + ((index * 25) % 90),
    isNew: index % 4 === 0,
    url: `${server}/project/issues?id=harbour&open=${finding.fingerprint.slice(0, 20)}`,
  };
  if (finding.state === 'review') {
    return { ...base, ...hotspotPage(finding), hotspot: { category: 'sql-injection', probability: 'HIGH', status: 'TO_REVIEW' } };
  }
  if (finding.state === 'absent') {
    const decided = { kind: 'external', by: 'Ines Okafor', at: '2026-10-02T11:00:00+0000', justification: 'Now bound by name.' } as const;
    const hotspot = { category: 'weak-cryptography', probability: 'MEDIUM', status: 'REVIEWED', resolution: 'FIXED' } as const;
    return { ...base, ...hotspotPage(finding), suppression: decided, hotspot };
  }
  if (finding.state !== 'suppressed') return base;
  return index % 2 === 0
    ? {
        ...base,
        suppression: {
          kind: 'external',
          status: 'falsePositive',
          justification: 'A key of a test.',
          by: 'Mei Tanaka',
          at: '2026-09-14T08:00:00+0000',
        },
      }
    : {
        ...base,
        suppression: {
          kind: 'external',
          status: 'accepted',
          justification: 'Until the charts move, HB-412.',
          by: 'jens',
          at: '2026-08-30T15:20:00+0000',
        },
      };
}

function hotspotPage(finding: ReportedFinding): { readonly url: string } {
  return { url: `${server}/security_hotspots?id=harbour&hotspots=${finding.fingerprint.slice(0, 20)}` };
}

function detailsOf(findings: readonly Finding[], poor: boolean, assessed: boolean): DetailCounts {
  const tally = createDetailTally();
  for (const finding of findings) tally.add(finding);
  return tally.result({ hotspots: !poor, newCode: !poor }, assessed);
}

export function sonarqubeDocument(options: SonarqubeSampleOptions = {}): ReportDocument {
  const { poor = false, change = (finding: ReportedFinding) => finding } = options;
  const document = sampleDocument({ ...options, change: (finding, index) => change(ofSonarqube(finding, index), index) });
  const all = [...document.findings, ...document.setAside];
  const hotspots = createHotspotTally();
  for (const finding of all) hotspots.add(finding);
  return {
    ...document,
    gate: sampleGate(options.conditions, options.gateStatus),
    details: detailsOf(all, poor, document.assessed),
    ...(poor ? {} : { hotspotCategories: hotspots.result() }),
    categories: document.categories.map((category) => ({
      ...category,
      details: detailsOf(
        all.filter((finding) => finding.categories.includes(category.id)),
        poor,
        category.assessed,
      ),
    })),
    facts: {
      ...document.facts,
      tools: [{ name: 'SonarQube', version: '26.9.0.129388', url: server, rules: 214, ruleCwes: [22, 79, 89, 200, 502], ruleOwasp: [] }],
      notices: sampleNotices(poor),
      sonarqube: { ...sampleFacts(poor), ...options.facts },
    },
  };
}

function sampleNotices(poor: boolean): ReportDocument['facts']['notices'] {
  return poor
    ? [
        { code: 'hotspots_not_readable', pointer: 'api/hotspots/search', count: 1 },
        { code: 'slice_not_complete', pointer: 'rule=java:S2077 file=src/Main.java', count: 431 },
        { code: 'version_not_provided', count: 1 },
        { code: 'branches_not_supported', count: 1 },
        { code: 'measures_not_readable', count: 1 },
      ]
    : [
        { code: 'rules_without_standards', count: 4 },
        { code: 'branches_not_supported', count: 1 },
      ];
}

function sampleFacts(poor: boolean): SonarqubeFacts {
  const base = { serverUrl: server, version: '26.9.0.129388', edition: 'Community', analysis: '3f0c1f0e-5a0f-4f0e-9a35-0b8c2f7f6d11' };
  if (poor) return { ...base, mode: 'standard', versionFrom: 'tag', versionName: 'v1.4.0', measures: {} };
  return {
    ...base,
    mode: 'mqr',
    projectUrl: `${server}/dashboard?id=harbour`,
    versionFrom: 'analysis',
    measures: {
      securityRating: 'E',
      reviewRating: 'D',
      securityIssues: 114,
      hotspotsToReview: 6,
      hotspotsReviewedPercent: '40.0',
      newSecurityRating: 'D',
      newSecurityIssues: 27,
      newReviewRating: 'E',
      linesOfCode: 48_210,
    },
    newCode: { mode: 'PREVIOUS_VERSION', parameter: '1.3.0', since: '2026-09-03T08:00:00+0000' },
    effortMinutes: 5_120,
    rules: { seen: 61, withoutStandards: 4 },
    issuesApart: 2_310,
    fetch: { requests: 41 },
  };
}
