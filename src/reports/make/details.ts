import type { AnalysisFacts, Finding, Severity } from '../../analyses/finding.ts';
import { severities } from '../../analyses/finding.ts';
import type { DetailCounts, HotspotCategory, Rating, SeverityCounts } from '../report.ts';

const letters: Readonly<Record<Severity, Rating>> = { BLOCKER: 'E', CRITICAL: 'D', MAJOR: 'C', MINOR: 'B', INFO: 'A' };
/** Of reviewed hotspots in all of them, in percent: at least so many for the letter (SonarQube's contract, 5.5). */
const reviewBands: readonly (readonly [number, Rating])[] = [
  [80, 'A'],
  [70, 'B'],
  [50, 'C'],
  [30, 'D'],
];

/** What an analysis says of itself: which of the details can be counted at all. */
export interface DetailsKnown {
  readonly hotspots: boolean;
  readonly newCode: boolean;
}

/** Null: an analysis of a scanner that tells of no such things. */
export function detailsKnown(facts: AnalysisFacts): DetailsKnown | null {
  if (facts.sonarqube === undefined) return null;
  const noticed = new Set(facts.notices.map((notice) => notice.code));
  return {
    hotspots: !noticed.has('hotspots_not_readable'),
    newCode: facts.sonarqube.newCode !== undefined && !noticed.has('new_code_not_readable'),
  };
}

/** The letter for reviewed hotspots: A from 80 % and where there is none, E under 30 %. Reckoned with whole numbers, so that no band is missed. */
export function reviewRating(counts: { readonly toReview: number; readonly reviewed: number }): Rating {
  const all = counts.toReview + counts.reviewed;
  return all === 0 ? 'A' : (reviewBands.find(([percent]) => counts.reviewed * 100 >= percent * all)?.[1] ?? 'E');
}

export interface DetailTally {
  /** Each finding once, whatever its state. */
  add(finding: Finding): void;
  /** `assessed`: whether anything could have been found; what could not be is never rated. */
  result(known: DetailsKnown, assessed: boolean): DetailCounts;
}

/** Counts what stands beside the findings, of one category or of a whole report. */
export function createDetailTally(): DetailTally {
  const open: Record<Severity, number> = { BLOCKER: 0, CRITICAL: 0, MAJOR: 0, MINOR: 0, INFO: 0 };
  const hotspots = { toReview: 0, reviewed: 0 };
  let unknown = 0;
  let effort = 0;
  let withoutEffort = 0;
  let accepted = 0;
  let falsePositive = 0;
  return {
    add(finding) {
      if (finding.hotspot !== undefined) {
        hotspots[finding.hotspot.status === 'REVIEWED' ? 'reviewed' : 'toReview'] += 1;
        return;
      }
      if (finding.state === 'open') {
        if (finding.isNew === true) open[finding.severity] += 1;
        if (finding.isNew === undefined) unknown += 1;
        if (finding.effortMinutes === undefined) withoutEffort += 1;
        effort += finding.effortMinutes ?? 0;
      }
      if (finding.state !== 'suppressed') return;
      if (finding.suppression?.status === 'accepted') accepted += 1;
      if (finding.suppression?.status === 'falsePositive') falsePositive += 1;
    },
    result: (known, assessed) => ({
      newCode: known.newCode ? { open, count: sum(open), rating: assessed ? worst(open) : null, unknown } : null,
      effortMinutes: effort,
      withoutEffort,
      hotspots: known.hotspots ? { ...hotspots, rating: assessed ? reviewRating(hotspots) : null } : null,
      accepted,
      falsePositive,
    }),
  };
}

export interface HotspotTally {
  add(finding: Finding): void;
  /** Most probable first, then by category. */
  result(): readonly HotspotCategory[];
}

const probabilities = ['HIGH', 'MEDIUM', 'LOW'];
/** SonarQube has some 25 categories; a server that makes up more does not fill the memory. */
const hotspotCategoriesMax = 200;

/** Hotspots of one report by SonarQube's category and probability. */
export function createHotspotTally(): HotspotTally {
  const seen = new Map<string, { category: string; probability: string; toReview: number; reviewed: number }>();
  return {
    add({ hotspot }) {
      if (hotspot === undefined) return;
      const { category, probability, status } = hotspot;
      const key = JSON.stringify([category, probability]);
      const counts = seen.get(key) ?? { category, probability, toReview: 0, reviewed: 0 };
      counts[status === 'REVIEWED' ? 'reviewed' : 'toReview'] += 1;
      if (seen.has(key) || seen.size < hotspotCategoriesMax) seen.set(key, counts);
    },
    result: () => [...seen.values()].sort((a, b) => place(a.probability) - place(b.probability) || (a.category < b.category ? -1 : 1)),
  };
}

function place(probability: string): number {
  const index = probabilities.indexOf(probability);
  return index === -1 ? probabilities.length : index;
}

function worst(counts: SeverityCounts): Rating {
  const severity = severities.find((each) => counts[each] > 0);
  return severity === undefined ? 'A' : letters[severity];
}

function sum(counts: SeverityCounts): number {
  return severities.reduce((total, severity) => total + counts[severity], 0);
}

export interface ReportDetails {
  /** Each finding of the report once, whatever its state. */
  add(finding: Finding): void;
  /** Nothing where the scanner tells of no such things. */
  result(assessed: boolean): { readonly details?: DetailCounts; readonly hotspotCategories?: readonly HotspotCategory[] };
}

/** Counts the details of a whole report. */
export function createReportDetails(known: DetailsKnown | null): ReportDetails {
  const details = createDetailTally();
  const hotspots = createHotspotTally();
  return {
    add(finding) {
      details.add(finding);
      hotspots.add(finding);
    },
    result: (assessed) =>
      known === null
        ? {}
        : { details: details.result(known, assessed), ...(known.hotspots ? { hotspotCategories: hotspots.result() } : {}) },
  };
}
