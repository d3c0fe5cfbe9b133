import { createHash, hash } from 'node:crypto';
import type { Finding, Tool } from '../../analyses/finding.ts';
import type { ReportDocument } from '../report.ts';

const digestBytes = 32;

/** The SHA-256 of a report's canonical data: the same whenever, however often and in whatever order the findings are read. */
export interface ContentHash {
  /** Takes in a finding of the report. */
  add(finding: Finding, categories: readonly string[]): void;
  /** Of all findings and of what else the report says that is no time, no id and no comparison with another analysis. */
  digest(document: ContentFacts): string;
}

/** What of the document is content. Left out: ids, `madeAt`, first seen, change, trend, previous counts, what reads the place in the file. */
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
  ]);
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
    facts.notices.map((notice) => JSON.stringify([notice.code, notice.count])).sort(),
    [document.assessed, document.rating, document.projectRating, document.projectOpen],
    document.categories.map((category) => [
      category.id,
      category.assessed,
      category.direct,
      category.withDescendants,
      category.descendantsFound.map((found) => [found.cwe, found.count]),
    ]),
  ]);
}

function canonicalTool(tool: Tool): string {
  const tags = tool.ruleOwasp.map((tag) => `${tag.edition} ${tag.id}`).sort();
  return JSON.stringify([tool.name, tool.version, tool.url, tool.rules, [...tool.ruleCwes].sort((a, b) => a - b), tags]);
}
