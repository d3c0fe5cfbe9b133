import type { ReportedFinding } from '../report.ts';
import type { MessageKey, Texts } from './messages.ts';
import type { ReportHead, Section } from './sections.ts';
import { durationText, hotspotText } from './words.ts';

/** What the entry of one finding says, and what stands above those that were set aside. */

export function placeText(finding: ReportedFinding): string | null {
  const place = finding.place;
  if (place === undefined) {
    return null;
  }
  return place.startLine === undefined ? place.path : `${place.path}:${place.startLine}`;
}

export function setAsideTotal(document: ReportHead): number {
  const { review, suppressed, absent } = document.setAsideTotal;
  return review + suppressed + absent;
}

/** The categories of this report it falls in, then its other CWEs. */
export function categoryNames(finding: ReportedFinding): readonly string[] {
  return [...new Set([...finding.categories, ...finding.cwes.map((cwe) => `CWE-${cwe}`)])];
}

/** What stands under a finding in small letters. */
export function smallPrint(texts: Texts, finding: ReportedFinding): string {
  const { firstSeen, effortMinutes, isNew, tool, fingerprint } = finding;
  return [
    ...(firstSeen === null ? [] : [`${texts.say('column.since')} ${texts.day(firstSeen)}`]),
    ...(isNew === true ? [texts.say('finding.newCode')] : []),
    ...(effortMinutes === undefined ? [] : [`${texts.say('column.effort')} ${durationText(texts, effortMinutes)}`]),
    tool,
    fingerprint,
  ].join(' · ');
}

/** `To review`, `Suppressed`; of what SonarQube's users decided, what they decided. */
export function stateText({ document, texts }: Section, { state, hotspot, suppression }: ReportedFinding): string {
  if (hotspot?.status === 'REVIEWED') return texts.say('column.reviewed');
  if (document.details !== undefined && state === 'suppressed') {
    if (suppression?.status === 'accepted') return texts.say('column.accepted');
    if (suppression?.status === 'falsePositive') return texts.say('column.falsePositive');
  }
  return texts.say(`state.${state}`);
}

/** How many of what is set aside were accepted, false positives, reviewed: of SonarQube alone. */
export function decisionsText({ document, texts }: Section): string | null {
  const { details } = document;
  if (details === undefined) return null;
  const { hotspots, accepted, falsePositive } = details;
  const counts: readonly (readonly [MessageKey, number])[] = [
    ['column.accepted', accepted],
    ['column.falsePositive', falsePositive],
    ...(hotspots === null
      ? []
      : ([
          ['metric.security_hotspots', hotspots.toReview],
          ['metric.security_hotspots_reviewed', hotspots.reviewed],
        ] as const)),
  ];
  return counts.map(([key, count]) => `${texts.say(key)}: ${texts.number(count)}`).join(' · ');
}

/** Why a finding was set aside: `accepted, in the source code: not reachable`; `false positive, by Ada, 2026-03-02: a test's own key`. */
export function reasonText(texts: Texts, finding: ReportedFinding): string {
  const justification = finding.suppression?.justification;
  const why = justification ?? (finding.state === 'suppressed' ? texts.say('suppression.noReason') : '');
  return [suppressionText(texts, finding), why].filter((part) => part !== '').join(': ');
}

/** What is no word of SARIF's stands as it came. */
function suppressionText(texts: Texts, finding: ReportedFinding): string {
  const { suppression } = finding;
  if (suppression === undefined) {
    return hotspotText(texts, finding);
  }
  const known: Readonly<Record<string, MessageKey>> = {
    accepted: 'suppression.accepted',
    underReview: 'suppression.underReview',
    rejected: 'suppression.rejected',
    falsePositive: 'suppression.falsePositive',
  };
  const { status, by, at } = suppression;
  const statusKey = status === undefined || !Object.hasOwn(known, status) ? undefined : known[status];
  const statusText = statusKey === undefined ? (status ?? '') : texts.say(statusKey);
  const decision = [
    hotspotText(texts, finding),
    ...(by === undefined ? [] : [texts.say('suppression.by', { name: by })]),
    ...(at === undefined ? [] : [texts.day(at)]),
  ].filter((part) => part !== '');
  // Where somebody decided says nothing more where it is known who did.
  const place = decision.length > 0 || status === 'falsePositive' ? [] : [texts.say(`suppression.${suppression.kind}`)];
  return [statusText, ...decision, ...place].filter((part) => part !== '').join(', ');
}
