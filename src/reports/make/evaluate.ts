import type { Finding, FindingState, Severity, Tool } from '../../analyses/finding.ts';
import { severities } from '../../analyses/finding.ts';
import { timestampText } from '../../clock.ts';
import type { CategoryResult, Rating, ReportDocument, ReportedFinding, SeverityCounts } from '../report.ts';
import { findingsShownMax, setAsideShownMax } from '../report.ts';
import { assessable } from '../standards/assessed.ts';
import { mappingUsage } from '../standards/catalogue.ts';
import { categoriesOf } from '../standards/standard.ts';
import type { Category, Standard } from '../standards/standard.ts';
import { createDetailTally, createReportDetails } from './details.ts';
import type { DetailsKnown } from './details.ts';
import type { Change, Marks } from './known.ts';
import { createWorst } from './worst.ts';

/** Characters of a message that pages and PDFs show; findings.json and findings.sarif have all of it. */
export const messageShownCharactersMax = 2_048;

const ratings: readonly Rating[] = ['E', 'D', 'C', 'B', 'A'];
const setAsideOrder: readonly FindingState[] = ['review', 'suppressed', 'absent'];

/** What findings come to under one standard: the part of a report's document that is counted. */
export type Evaluation = Pick<
  ReportDocument,
  | 'assessed'
  | 'rating'
  | 'vulnerabilitiesCount'
  | 'categorySum'
  | 'openBySeverity'
  | 'projectRating'
  | 'projectOpen'
  | 'categories'
  | 'findings'
  | 'findingsTotal'
  | 'setAside'
  | 'setAsideTotal'
  | 'mappingNotes'
  | 'details'
  | 'hotspotCategories'
> & { readonly changes: Readonly<Record<Change, number>> };

export interface Evaluator {
  /** Counts a finding in and gives it back as the report has it, or null where it falls in no category directly. */
  add(finding: Finding, marks: Marks): ReportedFinding | null;
  /** Asked once, after the last finding. */
  result(): Evaluation;
}

/** The letter for the worst of some findings: E for BLOCKER down to B for MINOR; A for INFO alone and for none. */
export function ratingOf(counts: SeverityCounts): Rating {
  return ratings[severities.findIndex((severity) => counts[severity] > 0)] ?? 'A';
}

/**
 * Counts findings as they come, in any order and without holding them: under the standard each distinct open finding once in the whole,
 * and once in every category it falls in. Those for review, suppressed and absent are counted apart. A category that nothing could feed is
 * never rated, and a report without any such category neither.
 */
export function createEvaluator(options: {
  readonly standard: Standard;
  readonly tools: readonly Tool[];
  readonly previousCategories: Readonly<Record<string, number>> | null;
  /** What of the details can be counted (`detailsKnown`); null where the scanner tells of none. */
  readonly details?: DetailsKnown | null;
  readonly shownMax?: number;
}): Evaluator {
  const { standard, tools, details: known = null } = options;
  const fed = assessable(standard, tools);
  const tallies = standard.categories.map((category, index) => createTally(category, fed.has(index), known));
  const shown = createWorst<Placed>(options.shownMax ?? findingsShownMax, worseFirst);
  const aside = createWorst<Placed>(setAsideShownMax, asideFirst);
  const total = emptyCounts();
  const project = emptyCounts();
  const changes = { new: 0, still: 0, reopened: 0 };
  const asideTotal = { review: 0, suppressed: 0, absent: 0 };
  const notes = new Map<number, number>();
  const details = createReportDetails(known);

  const countOpen = (finding: Finding, change: Change | null): void => {
    total[finding.severity] += 1;
    if (change !== null) changes[change] += 1;
    for (const cwe of finding.cwes) if (mappingUsage(cwe) !== null) notes.set(cwe, (notes.get(cwe) ?? 0) + 1);
  };
  const keep = (reported: ReportedFinding, rank: number): void => {
    const placed = { finding: reported, rank };
    const list = reported.state === 'open' ? shown : aside;
    list.add(list.takes(placed) ? { finding: shortened(reported), rank } : placed);
  };

  return {
    add(finding, marks) {
      if (finding.apart === true) return null;
      if (finding.state === 'open') project[finding.severity] += 1;
      const { direct, below } = categoriesOf(standard, finding);
      if (finding.state === 'open') for (const hit of below) tallies[hit.category]?.below(hit.cwe);
      for (const index of direct) tallies[index]?.direct(finding);
      if (finding.state === 'open') for (const index of new Set([...direct, ...below.map((hit) => hit.category)])) tallies[index]?.within();
      const first = direct[0];
      if (first === undefined) return null;
      if (finding.state === 'open') countOpen(finding, marks.change);
      else asideTotal[finding.state] += 1;
      details.add(finding);
      const categories = direct.map((index) => standard.categories[index]?.id ?? '');
      const firstSeen = marks.firstSeen === null ? null : timestampText(marks.firstSeen);
      const reported = { ...finding, categories, firstSeen, change: marks.change };
      keep(reported, first);
      return reported;
    },
    result() {
      const categories = tallies.map((tally) => tally.result(options.previousCategories));
      const assessed = categories.some((category) => category.assessed);
      return {
        assessed,
        rating: assessed ? ratingOf(total) : null,
        vulnerabilitiesCount: sum(total),
        openBySeverity: total,
        categorySum: categories.reduce((count, category) => count + category.direct, 0),
        projectRating: tools.length > 0 ? ratingOf(project) : null,
        projectOpen: sum(project),
        categories,
        findings: shown.sorted().map((placed) => placed.finding),
        findingsTotal: sum(total),
        setAside: aside.sorted().map((placed) => placed.finding),
        setAsideTotal: asideTotal,
        mappingNotes: notesOf(notes),
        ...details.result(assessed),
        changes,
      };
    },
  };
}

interface Tally {
  direct(finding: Finding): void;
  below(cwe: number): void;
  /** An open finding that is in it or below it. */
  within(): void;
  result(previous: Readonly<Record<string, number>> | null): CategoryResult;
}

function createTally(category: Category, fed: boolean, known: DetailsKnown | null): Tally {
  const open = emptyCounts();
  const details = createDetailTally();
  const found = new Map<number, number>();
  let assessed = fed;
  let review = 0;
  let suppressed = 0;
  let withDescendants = 0;
  return {
    direct(finding) {
      // Whoever found something here has looked.
      assessed = true;
      if (finding.state === 'open') open[finding.severity] += 1;
      if (finding.state === 'review') review += 1;
      if (finding.state === 'suppressed' && finding.hotspot === undefined) suppressed += 1;
      details.add(finding);
    },
    below: (cwe) => void found.set(cwe, (found.get(cwe) ?? 0) + 1),
    within: () => void (withDescendants += 1),
    result: (previous) => ({
      id: category.id,
      rank: category.rank,
      name: category.name,
      assessed,
      open,
      direct: sum(open),
      withDescendants,
      descendantsFound: [...found].map(([cwe, count]) => ({ cwe, count })).sort((a, b) => a.cwe - b.cwe),
      review,
      suppressed,
      rating: assessed ? ratingOf(open) : null,
      previous: previous === null ? null : (previous[category.id] ?? 0),
      ...(known === null ? {} : { details: details.result(known, assessed) }),
    }),
  };
}

interface Placed {
  readonly finding: ReportedFinding;
  /** Index of its first category. */
  readonly rank: number;
}

function worseFirst(a: Placed, b: Placed): number {
  return (
    severities.indexOf(a.finding.severity) - severities.indexOf(b.finding.severity) ||
    a.rank - b.rank ||
    byText(a.finding.place?.path ?? '', b.finding.place?.path ?? '') ||
    (a.finding.place?.startLine ?? 0) - (b.finding.place?.startLine ?? 0) ||
    byText(a.finding.fingerprint, b.finding.fingerprint) ||
    byText(a.finding.pointer, b.finding.pointer)
  );
}

function asideFirst(a: Placed, b: Placed): number {
  return setAsideOrder.indexOf(a.finding.state) - setAsideOrder.indexOf(b.finding.state) || worseFirst(a, b);
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function shortened(finding: ReportedFinding): ReportedFinding {
  if (finding.message.length <= messageShownCharactersMax) return finding;
  // Through a buffer, since a slice would keep the whole message in memory; a surrogate pair is not cut in half.
  const cut = finding.message.slice(0, messageShownCharactersMax).replace(/[\uD800-\uDBFF]$/, '');
  return { ...finding, message: Buffer.from(cut, 'utf16le').toString('utf16le'), messageCut: true };
}

function notesOf(notes: ReadonlyMap<number, number>): Evaluation['mappingNotes'] {
  return [...notes]
    .flatMap(([cwe, count]) => {
      const usage = mappingUsage(cwe);
      return usage === null ? [] : [{ cwe, usage, count }];
    })
    .sort((a, b) => a.cwe - b.cwe);
}

function emptyCounts(): Record<Severity, number> {
  return { BLOCKER: 0, CRITICAL: 0, MAJOR: 0, MINOR: 0, INFO: 0 };
}

function sum(counts: SeverityCounts): number {
  return severities.reduce((total, severity) => total + counts[severity], 0);
}
