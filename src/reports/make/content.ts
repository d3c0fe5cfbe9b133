import { createHash, hash } from 'node:crypto';
import type { AnalysisFacts, Finding, SonarqubeFacts, SonarqubeNotice, Tool } from '../../analyses/finding.ts';
import { splitMetric } from '../../analyses/gates/metrics.ts';
import type { GateFacts } from '../../events/event.ts';
import type { ReportDocument } from '../report.ts';

const digestBytes = 32;

/** The SHA-256 of a report's canonical data: the same whenever, however often and in whatever order the findings are read. */
export interface ContentHash {
  /** Takes in a finding of the report. */
  add(finding: Finding, categories: readonly string[]): void;
  /** Of all findings and of what else the report says that is no time, no id and no comparison with another analysis. */
  digest(document: ContentFacts): string;
}

/**
 * What of the document is content. Left out: ids, `madeAt`, first seen, change, trend, previous counts, what reads the place in the file, the
 * analysis's key at SonarQube and how it was fetched.
 */
export type ContentFacts = Pick<
  ReportDocument,
  | 'language'
  | 'organizationName'
  | 'project'
  | 'branch'
  | 'version'
  | 'revision'
  | 'type'
  | 'edition'
  | 'cweCatalogue'
  | 'properties'
  | 'facts'
  | 'gate'
  | 'assessed'
  | 'rating'
  | 'projectRating'
  | 'projectOpen'
  | 'categories'
> & { readonly contentDate: string | null };

/** Holds 32 bytes for each finding, and no finding. */
export function createContentHash(): ContentHash {
  let digests = Buffer.alloc(1024 * digestBytes);
  let count = 0;
  return {
    add(finding, categories) {
      if ((count + 1) * digestBytes > digests.length) digests = Buffer.concat([digests, Buffer.alloc(digests.length)]);
      hash('sha256', canonicalFinding(finding, categories), 'buffer').copy(digests, count * digestBytes);
      count += 1;
    },
    digest(document) {
      const all = createHash('sha256').update(canonicalHeader(document)).update('\n');
      for (const index of sortedIndexes(digests, count)) all.update(digests.subarray(index * digestBytes, (index + 1) * digestBytes));
      return all.digest('hex');
    },
  };
}

function sortedIndexes(digests: Buffer, count: number): Uint32Array {
  const indexes = Uint32Array.from({ length: count }, (_, index) => index);
  return indexes.sort((a, b) => digests.compare(digests, b * digestBytes, (b + 1) * digestBytes, a * digestBytes, (a + 1) * digestBytes));
}

/** An array, so that the order of keys in an object means nothing. */
function canonicalFinding(finding: Finding, categories: readonly string[]): string {
  const { place, suppression } = finding;
  return JSON.stringify([
    finding.fingerprint,
    finding.tool,
    finding.rule,
    finding.ruleName,
    finding.ruleUrl,
    finding.severity,
    finding.cwes,
    finding.owasp.map((tag) => [tag.edition, tag.id]),
    finding.message,
    finding.messageCut === true,
    place && [place.path, place.startLine, place.startColumn, place.endLine, place.endColumn, place.snippet],
    finding.state,
    suppression && [suppression.kind, suppression.status, suppression.justification],
    categories,
    ...beside(finding),
  ]);
}

/** Nothing at all where a scanner tells nothing of the kind: what SARIF came to before these were known, it comes to still. */
function beside({ hotspot, effortMinutes, isNew, url, suppression }: Finding): readonly unknown[] {
  const words = [
    hotspot && [hotspot.category, hotspot.probability, hotspot.status, hotspot.resolution],
    effortMinutes,
    isNew,
    url,
    suppression?.by,
    suppression?.at,
  ];
  return words.some((word) => word !== undefined) ? [words] : [];
}

function canonicalHeader(document: ContentFacts): string {
  const { facts, project } = document;
  return JSON.stringify([
    'gatepost content 1',
    document.type,
    document.edition,
    document.cweCatalogue,
    document.language,
    document.organizationName,
    [project.key, project.name],
    [document.branch, document.version, document.revision, document.contentDate],
    Object.entries(document.properties).sort(([a], [b]) => (a < b ? -1 : 1)),
    facts.tools.map(canonicalTool).sort(),
    Object.entries(facts.totals).sort(([a], [b]) => (a < b ? -1 : 1)),
    facts.runsWithoutResults,
    facts.notices.map((notice) => JSON.stringify(canonicalNotice(notice))).sort(),
    [document.assessed, document.rating, document.projectRating, document.projectOpen],
    document.categories.map((category) => [
      category.id,
      category.assessed,
      category.direct,
      category.withDescendants,
      category.descendantsFound.map((found) => [found.cwe, found.count]),
    ]),
    ...(facts.sonarqube === undefined && document.gate === undefined
      ? []
      : [[canonicalGate(document.gate, facts.sonarqube !== undefined), canonicalSonarqube(facts.sonarqube)]]),
  ]);
}

/** How far the server moved while it was asked is another number each time; that it moved is content. */
const uncounted: ReadonlySet<string> = new Set<SonarqubeNotice>(['total_changed_meanwhile', 'analysis_changed_meanwhile']);

function canonicalNotice({ code, count }: AnalysisFacts['notices'][number]): readonly unknown[] {
  return uncounted.has(code) ? [code] : [code, count];
}

/**
 * SonarQube promises no order of conditions. What it says is content, since an issue edited over there changes it. Of a gate of ours, what is
 * new is a comparison with other analyses and no content: the same file again has to come to the same.
 */
function canonicalGate(gate: GateFacts | undefined, brought: boolean): unknown {
  if (gate === undefined) return null;
  const conditions = gate.conditions.map(({ metric, operator, value, status, errorThreshold }) => {
    const compared = !brought && splitMetric(metric).isNew;
    return JSON.stringify(compared ? [metric, operator, errorThreshold] : [metric, operator, value, status, errorThreshold]);
  });
  return [gate.name, brought ? gate.status : null, conditions.sort()];
}

function canonicalSonarqube(facts: SonarqubeFacts | undefined): unknown {
  if (facts === undefined) return null;
  const { analysis: _key, analysisUrl: _url, fetch: _fetch, measures, newCode, rules, ...rest } = facts;
  const sorted = (object: object | undefined): unknown => object && Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
  return [sorted(rest), sorted(measures), sorted(newCode), rules && [rules.seen, rules.withoutStandards, rules.active]];
}

function canonicalTool(tool: Tool): string {
  const tags = tool.ruleOwasp.map((tag) => `${tag.edition} ${tag.id}`).sort();
  return JSON.stringify([tool.name, tool.version, tool.url, tool.rules, [...tool.ruleCwes].sort((a, b) => a - b), tags]);
}
