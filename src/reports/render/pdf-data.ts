import type { Severity } from '../../analyses/finding.ts';
import type { ReportedFinding } from '../report.ts';
import { breakLongWords, webAddress } from '../../http/pages/clean.ts';
import type { Cleaner } from '../../http/pages/clean.ts';
import * as entries from './entries.ts';
import { catalogues } from './messages.ts';
import { qualityData } from './pdf-quality.ts';
import * as sections from './sections.ts';
import type { Fact, ReportHead, Section } from './sections.ts';

/** What one PDF file holds of a report. */
export interface Volume {
  /** From 1 on. The first one holds all sections. */
  readonly part: number;
  readonly parts: number;
  /** Findings in the files before this one. */
  readonly findingsBefore: number;
  readonly findings: readonly ReportedFinding[];
  readonly setAsideBefore: number;
  readonly setAside: readonly ReportedFinding[];
  /** Where the findings go on and where the ones set aside stand, as file names. */
  readonly laterFindings: readonly string[];
  readonly laterSetAside: readonly string[];
}

export const messageCharactersShown = 1_000;
/** An entry is never broken over two pages, so it must be lower than one. */
export const messageLinesShown = 24;
const reasonCharactersShown = 500;
export const nameCharactersShown = 300;
const headerCharactersShown = 60;
const categoriesShown = 8;

type Shown = (text: string, charactersMax?: number) => string;

/**
 * What the template is given: strings, numbers and lists only, every text cleaned and bounded.
 * Typst never reads markup in a string of its data, so nothing in here can become a command.
 */
export function pdfData(options: {
  readonly section: Section;
  readonly volume: Volume;
  readonly clean: Cleaner;
  readonly fonts: readonly string[];
}): object {
  const { section, volume, clean, fonts } = options;
  const { document, texts } = section;
  let messagesCut = 0;
  const plain = (text: string, charactersMax = nameCharactersShown): string => {
    const cleaned = clean(text, charactersMax);
    const line = cleaned.text.replace(/\s*\n\s*/g, ' ');
    return cleaned.cut ? `${line} …` : line;
  };
  const shown: Shown = (text, charactersMax) => breakLongWords(plain(text, charactersMax));
  const message = (finding: ReportedFinding): string => {
    const cleaned = clean(finding.message, messageCharactersShown);
    const lines = cleaned.text.split('\n').filter((line) => line.trim() !== '');
    const cut = cleaned.cut || finding.messageCut === true || lines.length > messageLinesShown;
    const text = breakLongWords(lines.slice(0, messageLinesShown).join('\n'));
    messagesCut += cut ? 1 : 0;
    return cut ? `${text} … ${texts.say('finding.cut')}` : text;
  };
  const rows: Rows = { section, volume, shown, message };
  const groups = groupsOf(rows);
  const setAside = setAsideOf(rows);
  const title = sections.titleOf(section);
  return {
    lang: document.language,
    fonts,
    title: plain(title),
    author: plain(document.organizationName),
    description: plain(sections.descriptionOf(section), 1_000),
    date: dateParts(document.madeAt),
    header: shown(`${document.project.name} ${document.version} · ${sections.standardName(document)}`, headerCharactersShown),
    footer: plain(`SHA-256 ${document.contentSha256.slice(0, 16)}…`),
    m: labelsOf(section),
    volume: volumeTexts(section, volume).map((text) => shown(text, messageCharactersShown)),
    first: volume.part === 1 ? firstPart({ section, shown, plain, messagesCut: () => messagesCut }) : null,
    kind: texts.say('document.kind'),
    headline: shown(`${document.project.name} ${document.version}`, 120),
    standard: sections.standardName(document),
    organization: shown(document.organizationName, 120),
    linked: volume.findings.some((finding) => webAddress(finding.url) !== null) ? texts.say('findings.linked') : '',
    groups,
    setAside,
  };
}

/** Every text of the catalogue that takes no values, by its key. */
function labelsOf({ texts }: Section): Readonly<Record<string, string>> {
  const labels: Record<string, string> = { page: texts.say('document.page', { page: '{page}', pages: '{pages}' }) };
  for (const [key, message] of Object.entries(catalogues[texts.language])) {
    if (typeof message === 'string' && !message.includes('{')) {
      labels[key] = message;
    }
  }
  return labels;
}

function dateParts(rfc3339: string): readonly number[] {
  const date = new Date(rfc3339);
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
}

function volumeTexts({ document, texts }: Section, volume: Volume): readonly string[] {
  const { part, parts, laterFindings, laterSetAside } = volume;
  if (parts === 1) {
    return [];
  }
  const range = { from: volume.findingsBefore + 1, to: volume.findingsBefore + volume.findings.length };
  const later = laterFindings.length > 0;
  return [
    texts.say('volume.title', { part, parts }),
    ...(part > 1 ? [texts.say('volume.next')] : []),
    ...(later && volume.findings.length > 0 ? [texts.say('volume.first', { ...range, files: texts.list(laterFindings) })] : []),
    ...(laterSetAside.length > 0 && document.setAsideShown > 0 ? [texts.say('volume.setAside', { files: texts.list(laterSetAside) })] : []),
  ];
}

interface Rows {
  readonly section: Section;
  readonly volume: Volume;
  readonly shown: Shown;
  readonly message: (finding: ReportedFinding) => string;
}

function groupsOf(rows: Rows): object {
  const { section, volume } = rows;
  const { document, texts } = section;
  const groups: { readonly severity: Severity; readonly label: string; readonly rows: (readonly string[])[] }[] = [];
  for (const [index, finding] of volume.findings.entries()) {
    if (groups.at(-1)?.severity !== finding.severity) {
      const label = `${sections.severityName(texts, finding.severity)} · ${texts.number(document.openBySeverity[finding.severity])}`;
      groups.push({ severity: finding.severity, label, rows: [] });
    }
    const number = texts.number(volume.findingsBefore + index + 1);
    const change = finding.change === null || finding.change === 'still' ? '' : texts.say(`finding.${finding.change}`);
    groups.at(-1)?.rows.push([number, ...entryTexts(rows, finding), change]);
  }
  return groups;
}

/** Rule, message, small print, place, categories and CWEs, page at the scanner's server. */
function entryTexts({ section, shown, message }: Rows, finding: ReportedFinding): readonly string[] {
  const { say } = section.texts;
  const rule = [finding.rule || say('finding.noRule'), ...(finding.ruleName === undefined ? [] : [finding.ruleName])].join(' · ');
  const place = entries.placeText(finding);
  const names = entries.categoryNames(finding);
  const url = webAddress(finding.url);
  return [
    shown(rule),
    finding.message === '' ? say('finding.noMessage') : message(finding),
    shown(entries.smallPrint(section.texts, finding)),
    place === null ? say('finding.noPlace') : shown(place),
    names.slice(0, categoriesShown).join('  ') + (names.length > categoriesShown ? ' …' : ''),
    url ?? '',
  ];
}

function setAsideOf(rows: Rows): object {
  const { section, volume, shown } = rows;
  const { document, texts } = section;
  const total = entries.setAsideTotal(document);
  const before = volume.setAsideBefore;
  const elsewhere = volume.laterSetAside.length > 0 && volume.setAside.length === 0;
  return {
    wanted: volume.setAside.length > 0 || (volume.part === 1 && !elsewhere),
    caption: texts.say('setAside.caption', { from: before + 1, to: before + volume.setAside.length }),
    decisions: entries.decisionsText(section) ?? '',
    cut: document.setAsideShown < total ? texts.say('setAside.cut', { shown: document.setAsideShown, total }) : '',
    rows: volume.setAside.map((finding, index) => [
      texts.number(before + index + 1),
      ...entryTexts(rows, finding),
      entries.stateText(section, finding),
      shown(entries.reasonText(texts, finding), reasonCharactersShown),
    ]),
  };
}

function pairs(facts: readonly Fact[], shown: Shown): readonly (readonly string[])[] {
  return facts.map((fact) => [fact.label, shown(fact.value)]);
}

/** The sections that stand in report.pdf alone. */
function firstPart(options: {
  readonly section: Section;
  readonly shown: Shown;
  readonly plain: Shown;
  readonly messagesCut: () => number;
}): object {
  const { section, shown, plain } = options;
  const { document, texts } = section;
  const verdict = sections.verdictOf(section);
  const cut = options.messagesCut();
  return {
    facts: pairs(sections.coverFacts(section), shown),
    verdict: {
      rating: verdict.rating ?? '',
      ratingText: verdict.ratingText,
      openText: verdict.openText,
      rule: verdict.rule,
      notes: verdict.notes,
      incomplete: sections.incompleteText(section) ?? '',
      severities: verdict.severities.map(({ severity, label, value }) => [severity, label, value]),
      changes: verdict.changes === null ? [] : pairs(verdict.changes, shown),
    },
    ...qualityData(section, shown),
    coverage: coverageData(section, shown, cut),
    categories: document.categories.map((category) => categoryRow(section, category, shown)),
    trend: {
      alt: plain(sections.trendText(section), 2_000),
      points: document.trend.map((point) => [
        shown(point.version, 40),
        texts.day(point.date),
        texts.number(point.count),
        point.rating ?? '',
        point.count,
        plain(point.version, 12),
      ]),
    },
    findingsText: document.findingsTotal > 0 ? '' : sections.noFindingsText(section),
    method: methodData(section, shown),
    annex: {
      files: pairs(sections.filesOf(texts), shown),
      hash: document.contentSha256,
      properties: Object.entries(document.properties)
        .slice(0, sections.rowsListedMax)
        .map(([key, value]) => [shown(key), shown(value)]),
    },
  };
}

function coverageData(section: Section, shown: Shown, messagesCut: number): object {
  const { texts } = section;
  const coverage = sections.coverageOf(section);
  const names = (list: typeof coverage.assessed): readonly (readonly string[])[] => list.map(({ id, name }) => [id, shown(name)]);
  return {
    statement: coverage.statement,
    assessed: names(coverage.assessed),
    notAssessed: names(coverage.notAssessed),
    tools: coverage.tools.map((tool) => [shown(tool.name), shown(tool.version, 60), tool.rules, tool.cwes, webAddress(tool.url) ?? '']),
    labels: coverage.labels,
    results: pairs(coverage.results, shown),
    notices: coverage.notices.map((notice) => [shown(notice.text), notice.count, shown(notice.pointer)]),
    notes: [...coverage.notes, ...(messagesCut > 0 ? [texts.say('coverage.messages', { count: messagesCut })] : [])],
  };
}

function categoryRow(section: Section, category: ReportHead['categories'][number], shown: Shown): readonly string[] {
  const { texts } = section;
  const cell = (value: number): string => (category.assessed || value > 0 ? texts.number(value) : '–');
  const { open } = category;
  return [
    texts.number(category.rank),
    category.id,
    shown(category.name),
    sections.descendantsText(texts, category) ?? '',
    category.rating ?? '',
    ...[open.BLOCKER, open.CRITICAL, open.MAJOR, open.MINOR, open.INFO].map(cell),
    cell(category.direct),
    cell(category.withDescendants),
    cell(category.review),
    cell(category.suppressed),
    category.assessed ? sections.categoryChange(texts, category).short : '–',
  ];
}

function methodData(section: Section, shown: Shown): object {
  const { document, texts } = section;
  return {
    texts: sections.methodTexts(section),
    bands: sections.ratingBands.map((band) => [sections.severityName(texts, band.severity), band.number, band.level, band.rating]),
    source: shown(document.source, 600),
    sourceLabel: texts.say('method.source', { source: '' }).trim(),
    catalogue: shown(texts.say('method.catalogue', { version: document.cweCatalogue })),
    notes: document.mappingNotes.map((note) => [`CWE-${note.cwe}`, texts.say(`usage.${note.usage}`), texts.number(note.count)]),
  };
}
