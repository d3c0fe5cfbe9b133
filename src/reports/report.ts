import type { AnalysisFacts, Finding, FindingState, Severity } from '../analyses/finding.ts';
import type { GateFacts } from '../events/event.ts';

export type Rating = 'A' | 'B' | 'C' | 'D' | 'E';
export type ReportType = 'CWE Top 25' | 'OWASP Top 10';
/** Languages a report can be written in. */
export const languages = ['en', 'fr', 'ja', 'ko', 'ru'] as const;
export type Language = (typeof languages)[number];

export type SeverityCounts = Readonly<Record<Severity, number>>;

/**
 * What SonarQube's findings have beside, counted by us: of one category, or of the report, where each finding counts once. What could not be known
 * is null and never a number.
 */
export interface DetailCounts {
  /** Open findings in new code, by severity, and the worst of them as a letter. `unknown`: open ones of which it is not said. */
  readonly newCode: {
    readonly open: SeverityCounts;
    /** The sum of `open`. */
    readonly count: number;
    /** Null where not assessed. */
    readonly rating: Rating | null;
    readonly unknown: number;
  } | null;
  /** Minutes to mend what is open, as SonarQube reckons; the open ones without a figure are counted in `withoutEffort`. */
  readonly effortMinutes: number;
  readonly withoutEffort: number;
  /** Security hotspots, and the letter for how many of them were reviewed (null where not assessed). */
  readonly hotspots: { readonly toReview: number; readonly reviewed: number; readonly rating: Rating | null } | null;
  /** Issues that somebody accepted (also "won't fix"), and those that somebody called false positives. */
  readonly accepted: number;
  readonly falsePositive: number;
}

/** Security hotspots of one report, by SonarQube's category and probability. */
export interface HotspotCategory {
  readonly category: string;
  readonly probability: string;
  readonly toReview: number;
  readonly reviewed: number;
}

/** One line of the category table. */
export interface CategoryResult {
  /** `CWE-79`, `A01` (2017: `A1`). */
  readonly id: string;
  /** Place in the Top 25, 1 to 25; in the Top 10 the number of the category. */
  readonly rank: number;
  readonly name: string;
  /** False: no rule or tool of this analysis could have found anything here. It is then never rated. */
  readonly assessed: boolean;
  /** Distinct open findings that name this category directly, by severity. */
  readonly open: SeverityCounts;
  /** The sum of `open`. */
  readonly direct: number;
  /** Open findings of this category or of a CWE below it. For OWASP equal to `direct`. */
  readonly withDescendants: number;
  /** Which CWEs below it were found, and how often. */
  readonly descendantsFound: readonly { readonly cwe: number; readonly count: number }[];
  readonly review: number;
  /** Without reviewed hotspots, which `details` counts. */
  readonly suppressed: number;
  /** Worst severity among the direct open ones; A where there is none; null where not assessed. */
  readonly rating: Rating | null;
  /** Direct open findings of the previous version's report of this kind, null where there is none. */
  readonly previous: number | null;
  /** Of an analysis of SonarQube: of the findings that name this category directly. */
  readonly details?: DetailCounts;
}

/** A finding as a report shows it. */
export interface ReportedFinding extends Finding {
  /** Categories of this report it falls in directly. */
  readonly categories: readonly string[];
  /** RFC 3339: when it was first seen on this branch. */
  readonly firstSeen: string | null;
  readonly change: 'new' | 'still' | 'reopened' | null;
}

export interface TrendPoint {
  readonly version: string;
  readonly date: string;
  readonly count: number;
  readonly rating: Rating | null;
}

/**
 * All that a report says; the renderers take this and nothing else, so the same document always gives the same bytes.
 * It holds no organization id: that is given to report readers alone (DESIGN, the words).
 */
export interface ReportDocument {
  readonly id: string;
  readonly language: Language;
  readonly organizationName: string;
  readonly project: { readonly key: string; readonly name: string };
  readonly branch: string | null;
  readonly version: string;
  readonly revision: string | null;
  readonly type: ReportType;
  readonly edition: number;
  /** Where the list of categories comes from, one sentence, in English. */
  readonly source: string;
  readonly cweCatalogue: string;
  /** RFC 3339 with numeric offset, as it came. */
  readonly analysisDate: string;
  /** RFC 3339 in UTC: when this snapshot was made. */
  readonly madeAt: string;
  readonly generator: { readonly name: 'Gatepost'; readonly version: string };
  /** `sonar.analysis.*` and the like. */
  readonly properties: Readonly<Record<string, string>>;
  readonly facts: AnalysisFacts;
  /** The quality gate as it came out; left out where there is none. */
  readonly gate?: GateFacts;
  /** Of an analysis of SonarQube: of the findings in at least one category. */
  readonly details?: DetailCounts;
  /** Beside `details`, where hotspots could be read. */
  readonly hotspotCategories?: readonly HotspotCategory[];
  readonly assessed: boolean;
  readonly rating: Rating | null;
  /** Distinct open findings in at least one category. 0 where not assessed. */
  readonly vulnerabilitiesCount: number;
  /** The same by severity: its sum is `vulnerabilitiesCount`. */
  readonly openBySeverity: SeverityCounts;
  /** The sum over categories, which may be larger. */
  readonly categorySum: number;
  /** Worst severity of all open findings of the analysis, whatever the category; null where none of its tools ran. */
  readonly projectRating: Rating | null;
  readonly projectOpen: number;
  /** Against the previous analysis of the branch; null for the first one and for one that came late. */
  readonly change: { readonly new: number; readonly fixed: number; readonly still: number; readonly reopened: number } | null;
  readonly categories: readonly CategoryResult[];
  /** Oldest first, at most 12, this one last. */
  readonly trend: readonly TrendPoint[];
  /** Open ones, worst first, at most `findingsShownMax`. */
  readonly findings: readonly ReportedFinding[];
  /** Open findings of the report in all. More than `findings.length`: the page and the PDF say so. */
  readonly findingsTotal: number;
  /** Those for review, suppressed and absent, at most `setAsideShownMax`. */
  readonly setAside: readonly ReportedFinding[];
  readonly setAsideTotal: Readonly<Record<Exclude<FindingState, 'open'>, number>>;
  /** Findings of this report whose CWE is not meant for mapping (`Prohibited`, `Discouraged` in the catalogue). */
  readonly mappingNotes: readonly { readonly cwe: number; readonly usage: 'Prohibited' | 'Discouraged'; readonly count: number }[];
  /** SHA-256 of the canonical data: the same data, whenever and however often it is read, has the same. */
  readonly contentSha256: string;
}

export const findingsShownMax = 20_000;
export const setAsideShownMax = 2_000;
/** Rows of the findings table in one PDF; more go to `report-2.pdf` and on. */
export const findingsOfVolumeMax = 2_000;
