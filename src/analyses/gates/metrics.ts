import type { Severity } from '../finding.ts';
import { severities } from '../finding.ts';

/** What a value is: how it is written, what its thresholds may be, and how it is compared. */
export type MetricKind = 'count' | 'rating' | 'percent';

/** Put before a metric's name: of what is new since the previous version alone. */
export const newPrefix = 'new_';

/**
 * What conditions can be about, by SonarQube's names where it has one. Every open finding of a scanner counts as a vulnerability, so
 * `vulnerabilities` and `violations` (all issues, in SonarQube's words) are the same number here.
 */
const plain: Readonly<Record<string, MetricKind>> = {
  vulnerabilities: 'count',
  violations: 'count',
  blocker_violations: 'count',
  critical_violations: 'count',
  major_violations: 'count',
  minor_violations: 'count',
  info_violations: 'count',
  security_rating: 'rating',
  security_hotspots: 'count',
  security_hotspots_reviewed: 'percent',
  security_review_rating: 'rating',
};

/** A standard that findings can be counted by; handed in, since reports know the standards and gates do not. */
export interface StandardName {
  readonly type: string;
  readonly edition: number;
}

/** How the open findings in any category of a standard are called: `cwe_top_25_2025`. */
export function standardMetric({ type, edition }: StandardName): string {
  return `${type.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}_${edition}`;
}

/** Every metric there is, each followed by its counterpart for what is new. */
export function metricNames(standards: readonly StandardName[]): readonly string[] {
  return [...Object.keys(plain), ...standards.map(standardMetric)].flatMap((name) => [name, newPrefix + name]);
}

/** The metric without `new_`, and whether it had it. */
export function splitMetric(metric: string): { readonly base: string; readonly isNew: boolean } {
  const isNew = metric.startsWith(newPrefix);
  return { base: isNew ? metric.slice(newPrefix.length) : metric, isNew };
}

/** Of a name that `metricNames` has. */
export function kindOfMetric(metric: string): MetricKind {
  return plain[splitMetric(metric).base] ?? 'count';
}

/** What is counted for a gate, overall or of what is new. */
export interface GateCounts {
  /** Open findings. */
  readonly open: Readonly<Record<Severity, number>>;
  /** Findings that want a person's decision, and those that had it. */
  readonly toReview: number;
  readonly reviewed: number;
  /** Open findings by the names of `standardMetric`. */
  readonly standards: Readonly<Record<string, number>>;
}

/**
 * The value as SonarQube writes it (its contract, 1.1 and 5.5): whole numbers, ratings `1` (A) to `5` (E), percentages with one decimal. Null
 * where there is none: how many hotspots were reviewed of none at all, and what was not counted.
 */
export function valueOf(base: string, counts: GateCounts): string | null {
  const { open, toReview, reviewed, standards } = counts;
  const severity = severities.find((each) => base === `${each.toLowerCase()}_violations`);
  if (severity !== undefined) return String(open[severity]);
  switch (base) {
    case 'vulnerabilities':
    case 'violations':
      return String(severities.reduce((sum, each) => sum + open[each], 0));
    case 'security_rating':
      return String(securityRating(open));
    case 'security_hotspots':
      return String(toReview);
    case 'security_hotspots_reviewed':
      return toReview + reviewed === 0 ? null : reviewedPercent(counts).toFixed(1);
    case 'security_review_rating':
      return String(reviewRating(counts));
    default:
      return standards[base] === undefined ? null : String(standards[base]);
  }
}

/** The worst open finding: 5 (E) for a BLOCKER down to 2 (B) for a MINOR one; 1 (A) for INFO alone and for none (contract, 5.5). */
function securityRating(open: GateCounts['open']): number {
  const worst = severities.findIndex((severity) => open[severity] > 0);
  return worst < 0 ? 1 : 5 - worst;
}

function reviewedPercent({ toReview, reviewed }: GateCounts): number {
  // Never shown as all of them while one waits.
  return toReview === 0 ? 100 : Math.min((100 * reviewed) / (toReview + reviewed), 99.9);
}

/** From 80 % reviewed on, and without any: 1 (A); from 70 B, from 50 C, from 30 D, below E (contract, 5.5). */
function reviewRating(counts: GateCounts): number {
  const percent = counts.toReview === 0 ? 100 : (100 * counts.reviewed) / (counts.toReview + counts.reviewed);
  return 1 + [80, 70, 50, 30].filter((bound) => percent < bound).length;
}
