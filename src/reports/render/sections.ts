import { severities } from '../../analyses/finding.ts';
import type { Severity, SonarqubeNotice } from '../../analyses/finding.ts';
import type { CategoryResult, Rating, ReportDocument } from '../report.ts';
import { isMessageKey } from './messages.ts';
import type { MessageKey, Texts } from './messages.ts';

/**
 * What each section of a report says, in the report's language but not yet laid out: page and PDF take it from here, so they cannot differ.
 * Texts of the document stand in it as they came; whoever lays out cleans and escapes them.
 */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** A document without its findings, which may be many and are passed one by one. */
export interface ReportHead extends Omit<ReportDocument, 'findings' | 'setAside'> {
  readonly findingsShown: number;
  readonly setAsideShown: number;
}

export interface Section {
  readonly document: ReportHead;
  readonly texts: Texts;
}

export function headOf({ findings, setAside, ...rest }: ReportDocument): ReportHead {
  return { ...rest, findingsShown: findings.length, setAsideShown: setAside.length };
}

/** Of lists that a scanner's file fills: more than this is said to be there, and not listed. */
export const rowsListedMax = 100;

export function standardName(document: ReportHead): string {
  return `${document.type} ${document.edition}`;
}

export function titleOf({ document, texts }: Section): string {
  return texts.say('document.title', { standard: standardName(document), project: document.project.name, version: document.version });
}

export function descriptionOf({ document, texts }: Section): string {
  return texts.say('document.description', {
    standard: standardName(document),
    project: document.project.name,
    version: document.version,
  });
}

export function severityName(texts: Texts, severity: Severity): string {
  return texts.say(`severity.${severity}`);
}

export function ratingName(texts: Texts, rating: Rating | null): string {
  return rating ?? texts.say('verdict.notAssessed');
}

/** The facts of the cover, those that are not there said to be not there. */
export function coverFacts({ document, texts }: Section): readonly Fact[] {
  const { say } = texts;
  const none = say('value.none');
  const fact = (key: MessageKey, value: string | null | undefined): Fact => ({ label: say(key), value: value || none });
  const scannedAt = document.facts.scannedAt;
  return [
    fact('meta.organization', document.organizationName),
    fact('meta.project', projectText(document)),
    fact('meta.version', document.version),
    fact('meta.branch', document.branch ?? document.facts.branch),
    fact('meta.revision', document.revision ?? document.facts.revision),
    fact('meta.analysisDate', texts.moment(document.analysisDate)),
    ...(scannedAt === undefined ? [] : [fact('meta.scannedAt', texts.moment(scannedAt))]),
    fact('meta.tools', texts.list(document.facts.tools.slice(0, 8).map((tool) => toolName(texts, tool)))),
    fact('meta.madeAt', texts.moment(document.madeAt)),
    fact('meta.generator', `${document.generator.name} ${document.generator.version}`),
    fact('meta.reportId', document.id),
    fact('meta.contentSha256', document.contentSha256),
  ];
}

function projectText({ project }: ReportHead): string {
  return project.key === project.name ? project.name : `${project.name} (${project.key})`;
}

function toolName(texts: Texts, tool: { readonly name: string; readonly version?: string }): string {
  return `${tool.name || texts.say('coverage.unknownTool')} ${tool.version ?? ''}`.trim();
}

export interface Verdict {
  readonly rating: Rating | null;
  readonly ratingText: string;
  readonly openText: string;
  /** Which rule gave the rating. */
  readonly rule: string;
  readonly notes: readonly string[];
  readonly severities: readonly (Fact & { readonly severity: Severity })[];
  /** Null where there is nothing to compare with. */
  readonly changes: readonly Fact[] | null;
}

export function verdictOf({ document, texts }: Section): Verdict {
  const { say } = texts;
  // A zero would say that somebody had looked.
  const countText = (count: number): string => (document.rating === null ? '–' : texts.number(count));
  const worst = severities.find((severity) => document.openBySeverity[severity] > 0);
  const notes = [
    say('verdict.project', { count: document.projectOpen, rating: ratingName(texts, document.projectRating) }),
    ...(document.categorySum === document.vulnerabilitiesCount ? [] : [say('verdict.sum', { count: document.categorySum })]),
  ];
  const change = document.change;
  return {
    rating: document.rating,
    ratingText: document.rating === null ? say('verdict.notAssessed') : say('verdict.rating', { rating: document.rating }),
    openText: document.rating === null ? '' : say('verdict.open', { count: document.vulnerabilitiesCount }),
    rule: ruleOf(document, texts, worst),
    notes,
    severities: severities.map((severity) => {
      const count = document.openBySeverity[severity];
      return { severity, label: severityName(texts, severity), value: countText(count) };
    }),
    changes:
      change === null
        ? null
        : (['new', 'reopened', 'still', 'fixed'] as const).map((key) => ({ label: say(`change.${key}`), value: countText(change[key]) })),
  };
}

function ruleOf(document: ReportHead, texts: Texts, worst: Severity | undefined): string {
  if (document.rating === null) {
    return texts.say(onlyRulesThatHit(document) ? 'verdict.rule.unknown' : 'verdict.rule.none');
  }
  return worst === undefined ? texts.say('verdict.rule.clean') : texts.say('verdict.rule.worst', { severity: severityName(texts, worst) });
}

export interface Coverage {
  readonly statement: string;
  readonly assessed: readonly CategoryResult[];
  readonly notAssessed: readonly CategoryResult[];
  readonly tools: readonly {
    readonly name: string;
    readonly version: string;
    readonly url?: string;
    readonly rules: string;
    readonly cwes: string;
  }[];
  readonly results: readonly Fact[];
  readonly notices: readonly { readonly text: string; readonly count: string; readonly pointer: string }[];
  /** Warnings and statements about completeness. */
  readonly notes: readonly string[];
  /** What the results and notices are called: those of a file, or those of a server that was asked. */
  readonly labels: { readonly results: string; readonly notices: string; readonly where: string };
}

export function coverageOf({ document, texts }: Section): Coverage {
  const { say, number } = texts;
  const { facts } = document;
  const dash = '–';
  const assessed = document.categories.filter((category) => category.assessed);
  return {
    statement: say('coverage.statement', { assessed: assessed.length, total: document.categories.length }),
    assessed,
    notAssessed: document.categories.filter((category) => !category.assessed),
    tools: facts.tools.slice(0, rowsListedMax).map((tool) => ({
      name: tool.name || say('coverage.unknownTool'),
      version: tool.version ?? dash,
      ...(tool.url === undefined ? {} : { url: tool.url }),
      rules: number(tool.rules),
      cwes: number(tool.ruleCwes.length),
    })),
    results: resultFacts({ document, texts }),
    notices: facts.notices
      .slice(0, rowsListedMax)
      .map((notice) => ({ text: noticeText(texts, notice.code), count: number(notice.count), pointer: notice.pointer ?? dash })),
    notes: coverageNotes({ document, texts }),
    labels:
      facts.sonarqube === undefined
        ? { results: say('coverage.results'), notices: say('coverage.notices'), where: say('column.pointer') }
        : { results: say('coverage.results.fetched'), notices: say('coverage.notices.fetched'), where: say('column.where') },
  };
}

/** In words; a code that the catalogue does not know stands as it is. */
function noticeText(texts: Texts, code: string): string {
  const key = `notice.${code}`;
  return isMessageKey(key) ? texts.say(key) : code;
}

function resultFacts({ document, texts }: Section): readonly Fact[] {
  const { totals } = document.facts;
  const fact = (key: MessageKey, value: number): Fact => ({ label: texts.say(key), value: texts.number(value) });
  return [
    fact('coverage.results.all', totals.results),
    fact('state.open', totals.open),
    fact('state.review', totals.review),
    fact('state.suppressed', totals.suppressed),
    fact('state.absent', totals.absent),
    fact('coverage.results.ignored', totals.ignored),
    fact('coverage.results.withCwe', totals.withCwe),
  ];
}

function coverageNotes({ document, texts }: Section): readonly string[] {
  const { say } = texts;
  const shown = document.findingsShown;
  const unlisted = Math.max(0, document.facts.tools.length - rowsListedMax) + Math.max(0, document.facts.notices.length - rowsListedMax);
  const incomplete = incompleteText({ document, texts });
  return [
    ...(incomplete === null ? [] : [incomplete]),
    ...fetchedNotes({ document, texts }),
    ...(document.facts.runsWithoutResults > 0 ? [say('coverage.runs', { count: document.facts.runsWithoutResults })] : []),
    ...(shown < document.findingsTotal ? [say('coverage.cut', { shown, total: document.findingsTotal })] : []),
    ...(shown < document.findingsTotal || incomplete !== null ? [] : [say('coverage.complete')]),
    ...(unlisted > 0 ? [say('coverage.more', { count: unlisted })] : []),
    say('coverage.limit'),
  ];
}

/** Of SonarQube's rules those are known that found something. What the others looked for, and whether there were others, is not. */
function onlyRulesThatHit({ facts }: ReportHead): boolean {
  return facts.sonarqube !== undefined && facts.sonarqube.rules?.active === undefined;
}

/** What stands in the place of findings where there are none. */
export function noFindingsText({ document, texts }: Section): string {
  if (document.assessed) return texts.say('findings.none');
  return texts.say(onlyRulesThatHit(document) ? 'verdict.rule.unknown' : 'findings.notAssessed');
}

const missing: ReadonlySet<string> = new Set<SonarqubeNotice>(['slice_not_complete', 'findings_not_understood']);

/** That findings are missing which the server has; null where none is known to be. */
export function incompleteText({ document, texts }: Section): string | null {
  const { notices, sonarqube } = document.facts;
  if (sonarqube === undefined) return null;
  const count = notices.reduce((sum, notice) => sum + (missing.has(notice.code) ? notice.count : 0), 0);
  return count === 0 ? null : texts.say('coverage.incomplete', { count });
}

/** What was asked of SonarQube, and what was left over there. */
function fetchedNotes({ document, texts }: Section): readonly string[] {
  const { sonarqube } = document.facts;
  if (sonarqube === undefined) return [];
  const { mode, issuesApart = 0 } = sonarqube;
  const active = sonarqube.rules?.active;
  return [
    texts.say(`coverage.mode.${mode}`),
    active === undefined ? texts.say('coverage.rulesThatHit') : texts.say('coverage.rulesActive', { count: active }),
    ...(issuesApart > 0 ? [texts.say('coverage.apart', { count: issuesApart })] : []),
  ];
}

export function descendantsText(texts: Texts, category: CategoryResult): string | null {
  const found = category.descendantsFound.slice(0, 12).map(({ cwe, count }) => `CWE-${cwe} × ${texts.number(count)}`);
  const more = category.descendantsFound.length > 12 ? ['…'] : [];
  return found.length === 0 ? null : texts.say('categories.descendants', { list: texts.list([...found, ...more]) });
}

export interface CategoryChange {
  readonly direction: 'more' | 'fewer' | 'same' | 'none';
  /** `+3`, `−2`, `0`, `–`. */
  readonly short: string;
  readonly text: string;
}

export function categoryChange(texts: Texts, category: CategoryResult): CategoryChange {
  const { previous, direct } = category;
  if (previous === null) {
    return { direction: 'none', short: '–', text: texts.say('categories.noPrevious') };
  }
  const change = Math.abs(direct - previous);
  if (change === 0) {
    return { direction: 'same', short: '0', text: texts.say('categories.same', { previous }) };
  }
  const direction = direct > previous ? 'more' : 'fewer';
  const short = `${direction === 'more' ? '+' : '−'}${texts.number(change)}`;
  return { direction, short, text: texts.say(`categories.${direction}`, { change, previous }) };
}

export function trendText({ document, texts }: Section): string {
  const points = document.trend.map((point) =>
    texts.say('trend.point', { version: point.version, count: point.count, rating: ratingName(texts, point.rating) }),
  );
  return texts.say('trend.alt', { list: points.join('; ') });
}

export interface RatingBand {
  readonly rating: Rating;
  readonly severity: Severity;
  readonly number: string;
  readonly level: string;
}

/** The bands of `reports/standards`' rules, as the method section prints them. */
export const ratingBands: readonly RatingBand[] = [
  { rating: 'E', severity: 'BLOCKER', number: '9.0 – 10', level: '–' },
  { rating: 'D', severity: 'CRITICAL', number: '7.0 – 8.9', level: 'error' },
  { rating: 'C', severity: 'MAJOR', number: '4.0 – 6.9', level: 'warning' },
  { rating: 'B', severity: 'MINOR', number: '0.1 – 3.9', level: 'note' },
  { rating: 'A', severity: 'INFO', number: '0', level: 'none' },
];

/** How the counts came about, a paragraph each. */
export function methodTexts({ document, texts }: Section): readonly string[] {
  return [
    texts.say('method.counted'),
    texts.say(document.type === 'CWE Top 25' ? 'method.mapping.cwe' : 'method.mapping.owasp'),
    texts.say('method.apart'),
    texts.say('method.notAssessed'),
    texts.say('method.fingerprint'),
    ...methodOfSonarqube({ document, texts }),
  ];
}

function methodOfSonarqube({ document, texts }: Section): readonly string[] {
  const { sonarqube } = document.facts;
  return sonarqube === undefined ? [] : [texts.say(`method.sonarqube.${sonarqube.mode}`), texts.say('method.sonarqube.apart')];
}

export function filesOf(texts: Texts): readonly Fact[] {
  return [
    { label: 'report.html', value: texts.say('annex.files.html') },
    { label: 'report.pdf', value: texts.say('annex.files.pdf') },
    { label: 'report-2.pdf, …', value: texts.say('annex.files.volumes') },
    { label: 'findings.json', value: texts.say('annex.files.json') },
    { label: 'findings.sarif', value: texts.say('annex.files.sarif') },
  ];
}
