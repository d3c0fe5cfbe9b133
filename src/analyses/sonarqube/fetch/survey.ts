import { hash } from 'node:crypto';
import { createOccurrences } from '../../sarif/fingerprint.ts';
import { instantOf } from './dates.ts';
import type { FindingLine } from './file.ts';
import { linesOf, type Plan } from './pages.ts';

/** What the pages on disk come to. */
export interface Survey {
  /** Distinct issues and hotspots, those among them that are gone included: what the server's totals count. */
  readonly issues: number;
  readonly hotspots: number;
  /** Of these the ones that were mended: no findings. */
  readonly gone: number;
  readonly notUnderstood: number;
  /** Rules, and whether one of their findings is about security. */
  readonly rules: ReadonlyMap<string, boolean>;
  /** Findings that somebody set aside. */
  readonly aside: readonly { readonly key: string; readonly kind: FindingLine['kind'] }[];
  /** How many more there are than `aside` holds. */
  readonly asideMore: number;
  readonly effortMinutes: number;
  /** Issues created after the new code period began. */
  readonly issuesSince: number;
}

/** Of so many findings that were set aside the server is asked who did it, a call each. */
export const reasonsMax = 500;

/** A key for `createOccurrences`, which looks at hexadecimal digits. */
export function createDistinct(): (line: FindingLine) => boolean {
  const occurrences = createOccurrences();
  return (line) => occurrences.next(hash('sha256', `${line.kind} ${line.key}`, 'hex').slice(0, 32)) === 0;
}

/** Mended issues that the server still keeps (contract 5.3): they are there no more. */
export function isGone(line: FindingLine): boolean {
  if (line.kind === 'hotspot') return false;
  return line.status === 'CLOSED' || line.issueStatus === 'FIXED' || line.resolution === 'FIXED' || line.resolution === 'REMOVED';
}

export function isAside(line: FindingLine): boolean {
  if (line.kind === 'hotspot') return line.status === 'REVIEWED';
  return !isGone(line) && (line.status === 'RESOLVED' || line.issueStatus === 'ACCEPTED' || line.issueStatus === 'FALSE_POSITIVE');
}

export function isAboutSecurity(line: FindingLine): boolean {
  return line.kind === 'hotspot' || line.type === 'VULNERABILITY' || line.impacts?.['SECURITY'] !== undefined;
}

/** Reads all pages once. `since`: when the new code period began. */
export async function surveyPages(directory: string, plan: Plan, since: number | undefined): Promise<Survey> {
  const distinct = createDistinct();
  const counts = { issue: 0, hotspot: 0, gone: 0, notUnderstood: 0, effort: 0, since: 0, aside: 0 };
  const rules = new Map<string, boolean>();
  const aside: { readonly key: string; readonly kind: FindingLine['kind'] }[] = [];
  for await (const line of linesOf(directory, plan)) {
    if (line === null) counts.notUnderstood += 1;
    if (line === null || !distinct(line)) continue;
    counts[line.kind] += 1;
    if (isSince(line, since)) counts.since += line.kind === 'issue' ? 1 : 0;
    if (isGone(line)) {
      counts.gone += 1;
      continue;
    }
    counts.effort += effortOf(line);
    rules.set(line.rule, rules.get(line.rule) === true || isAboutSecurity(line));
    if (!isAside(line)) continue;
    counts.aside += 1;
    if (aside.length < reasonsMax) aside.push({ key: line.key, kind: line.kind });
  }
  return {
    issues: counts.issue,
    hotspots: counts.hotspot,
    gone: counts.gone,
    notUnderstood: counts.notUnderstood,
    rules,
    aside,
    asideMore: counts.aside - aside.length,
    effortMinutes: counts.effort,
    issuesSince: counts.since,
  };
}

export function isSince(line: FindingLine, since: number | undefined): boolean {
  const created = instantOf(line.created);
  return since !== undefined && created !== undefined && created > since;
}

function effortOf(line: FindingLine): number {
  return line.kind === 'issue' && !isAside(line) ? (line.effortMinutes ?? 0) : 0;
}
