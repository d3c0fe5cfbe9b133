import type { SonarqubeFacts } from '../../analyses/finding.ts';
import type { MessageKey, Texts } from './messages.ts';
import { metricName, shareReviewed } from './quality.ts';
import type { Fact, Section } from './sections.ts';
import { durationText } from './words.ts';

/** What the section on where the findings come from says: the SonarQube server, and its own measures beside ours. */

export interface LinkedFact extends Fact {
  readonly url?: string;
}

export interface Origin {
  readonly facts: readonly LinkedFact[];
  /** Measure, SonarQube's own, ours. What neither knows is left out. */
  readonly measures: readonly (readonly [string, string, string])[];
}

/** Null for an analysis that did not come from SonarQube. */
export function originOf(section: Section): Origin | null {
  const { sonarqube } = section.document.facts;
  return sonarqube === undefined ? null : { facts: originFacts(section, sonarqube), measures: measuresOf(section, sonarqube) };
}

function originFacts({ document, texts }: Section, sonarqube: SonarqubeFacts): readonly LinkedFact[] {
  const { say } = texts;
  const fact = (key: MessageKey, value: string | undefined, url?: string): readonly LinkedFact[] =>
    value === undefined || value === '' ? [] : [{ label: say(key), value, ...(url === undefined ? {} : { url }) }];
  const { edition, newCode } = sonarqube;
  return [
    ...fact('sonarqube.server', sonarqube.serverUrl, sonarqube.serverUrl),
    ...fact('sonarqube.version', edition === undefined ? sonarqube.version : `${sonarqube.version} (${edition})`),
    ...fact('sonarqube.mode', say(`sonarqube.mode.${sonarqube.mode}`)),
    ...fact('sonarqube.project', sonarqube.projectUrl === undefined ? undefined : document.project.key, sonarqube.projectUrl),
    ...fact('sonarqube.analysis', sonarqube.analysis, sonarqube.analysisUrl),
    ...fact('sonarqube.versionFrom', versionText(texts, sonarqube)),
    ...fact('newCode.new', newCode === undefined ? undefined : newCodeText(texts, newCode)),
  ];
}

function versionText(texts: Texts, { versionFrom, versionName }: SonarqubeFacts): string {
  const { say } = texts;
  if (versionFrom === 'property' || versionFrom === 'tag') return say(`sonarqube.versionFrom.${versionFrom}`, { name: versionName ?? '' });
  return say(`sonarqube.versionFrom.${versionFrom}`);
}

const modes: Readonly<Record<string, MessageKey>> = {
  PREVIOUS_VERSION: 'newCode.PREVIOUS_VERSION',
  previous_version: 'newCode.PREVIOUS_VERSION',
  NUMBER_OF_DAYS: 'newCode.NUMBER_OF_DAYS',
  days: 'newCode.NUMBER_OF_DAYS',
  REFERENCE_BRANCH: 'newCode.REFERENCE_BRANCH',
  SPECIFIC_ANALYSIS: 'newCode.SPECIFIC_ANALYSIS',
  manual_baseline: 'newCode.SPECIFIC_ANALYSIS',
};

function newCodeText(texts: Texts, { mode, parameter, since }: NonNullable<SonarqubeFacts['newCode']>): string {
  const key = mode !== undefined && Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  const name = key === undefined ? mode : texts.say(key);
  const named = [name, parameter].filter((part) => part !== undefined && part !== '').join(': ');
  return texts.list(
    [named, ...(since === undefined ? [] : [texts.say('newCode.since', { date: texts.day(since) })])].filter((part) => part !== ''),
  );
}

function measuresOf({ document, texts }: Section, { measures, effortMinutes }: SonarqubeFacts): Origin['measures'] {
  const { say, number } = texts;
  const count = (value: number | undefined): string | undefined => (value === undefined ? undefined : number(value));
  const metric = (key: string): string => metricName(texts, key);
  const own = document.details;
  const hotspots = own?.hotspots ?? null;
  const newCode = own?.newCode ?? null;
  const rows: readonly (readonly [string, string | undefined, string | undefined])[] = [
    [metric('security_rating'), measures.securityRating, document.rating ?? undefined],
    [metric('security_issues'), count(measures.securityIssues), document.assessed ? count(document.vulnerabilitiesCount) : undefined],
    [metric('security_review_rating'), measures.reviewRating, hotspots?.rating ?? undefined],
    [metric('security_hotspots'), count(measures.hotspotsToReview), count(hotspots?.toReview)],
    [
      metric('security_hotspots_reviewed'),
      measures.hotspotsReviewedPercent === undefined ? undefined : say('value.percent', { value: measures.hotspotsReviewedPercent }),
      shareReviewed(texts, hotspots),
    ],
    [metric('new_security_rating'), measures.newSecurityRating, newCode?.rating ?? undefined],
    [metric('new_security_issues'), count(measures.newSecurityIssues), count(newCode?.count)],
    [metric('new_security_review_rating'), measures.newReviewRating, undefined],
    [
      say('column.effort'),
      effortMinutes === undefined ? undefined : durationText(texts, effortMinutes),
      own === undefined ? undefined : durationText(texts, own.effortMinutes),
    ],
    [metric('ncloc'), count(measures.linesOfCode), undefined],
  ];
  return rows.flatMap(([label, theirs, ours]) =>
    theirs === undefined && (ours === undefined || ours === '–') ? [] : [[label, theirs ?? '–', ours ?? '–'] as const],
  );
}
