import { severities } from '../../analyses/finding.ts';
import type { Severity } from '../../analyses/finding.ts';
import type { ReportDocument, ReportedFinding } from '../report.ts';
import { webAddress } from '../../http/pages/clean.ts';
import * as entries from './entries.ts';
import { categoriesFilteredMax } from './html-style.ts';
import type { Html } from '../../http/pages/html-text.ts';
import { html, linked, nothing, shown } from '../../http/pages/html-text.ts';
import * as sections from './sections.ts';
import type { Section } from './sections.ts';

/** The longest message the page shows; what is cut is marked, and findings.json goes on. */
export const messageCharactersShown = 2_000;
const snippetCharactersShown = 400;
/** Findings that the browser lays out at once, when they come near the window. */
const findingsOfChunk = 50;

export function* findingsSection(section: Section, document: ReportDocument): Generator<Html> {
  const { texts } = section;
  const { say } = texts;
  yield html`<section aria-labelledby="findings"><h2 id="findings">${say('findings.title')}</h2>`;
  if (document.findings.length === 0) {
    yield html`<p>${sections.noFindingsText(section)}</p></section>`;
    return;
  }
  yield html`<p class="muted">${say('findings.note')}</p>`;
  if (document.findingsTotal > document.findings.length) {
    yield html`<p class="warn">${say('coverage.cut', { shown: document.findings.length, total: document.findingsTotal })}</p>`;
  }
  yield filtersOf(section, document);
  const ranks = new Map(document.categories.map((category) => [category.id, category.rank]));
  let severity: Severity | undefined;
  for (const [index, finding] of document.findings.entries()) {
    const opens = severity !== finding.severity;
    if (opens) {
      yield groupStart(section, severity, finding.severity);
      severity = finding.severity;
    }
    if (opens || index % findingsOfChunk === 0) {
      yield html`${opens ? nothing : { html: '</ol>' }}<ol class="list" role="list" start="${index + 1}">`;
    }
    yield findingItem(section, { finding, number: index + 1, ranks });
  }
  yield html`</ol></section></section>`;
}

function groupStart(section: Section, before: Severity | undefined, severity: Severity): Html {
  const { document, texts } = section;
  const count = texts.number(document.openBySeverity[severity]);
  const end = before === undefined ? nothing : { html: '</ol></section>' };
  return html`${end}<section class="g s${severities.indexOf(severity) + 1}"><h3>${sections.severityName(texts, severity)} <span class="muted">${count}</span></h3>`;
}

interface Choice {
  readonly id: string;
  readonly label: string;
  readonly count: number;
}

/** Filters without a script: the page's style hides what the checked radio button does not name. On paper everything is there. */
function filtersOf({ texts }: Section, document: ReportDocument): Html {
  const { say } = texts;
  const bySeverity = severities.map((severity, index) => ({
    id: `s${index + 1}`,
    label: sections.severityName(texts, severity),
    count: document.openBySeverity[severity],
  }));
  const byCategory = document.categories
    .slice(0, categoriesFilteredMax)
    .map((category) => ({ id: `c${category.rank}`, label: category.id, count: category.direct }));
  const { change } = document;
  const byChange =
    change === null
      ? []
      : (['new', 'reopened', 'still'] as const).map((key) => ({ id: `h-${key}`, label: say(`change.${key}`), count: change[key] }));
  const group = (name: string, label: string, choices: readonly Choice[]): Html => {
    const useful = choices.filter((choice) => choice.count > 0);
    return useful.length < 2
      ? nothing
      : html`<fieldset><legend>${label}</legend><div><label><input class="all" type="radio" name="${name}" checked><span>${say('filter.all')}</span></label>${useful.map(
          ({ id, label, count }) =>
            html`<label><input type="radio" name="${name}" id="${id}"><span>${label} ${texts.number(count)}</span></label>`,
        )}</div></fieldset>`;
  };
  const groups = [
    group('severity', say('filter.severity'), bySeverity),
    group('change', say('filter.change'), byChange),
    group('category', say('filter.category'), byCategory),
  ].filter((part) => part !== nothing);
  return groups.length === 0 ? nothing : html`<div class="filters" role="group" aria-label="${say('filter.title')}">${groups}</div>`;
}

interface Item {
  readonly finding: ReportedFinding;
  readonly number: number;
  readonly ranks: ReadonlyMap<string, number>;
}

function findingItem(section: Section, { finding, number, ranks }: Item): Html {
  const { texts } = section;
  const classes = finding.categories.map((id) => ranks.get(id)).flatMap((rank) => (rank === undefined ? [] : [`c${rank}`]));
  const change = finding.change === null || finding.change === 'still' ? nothing : html`<b>${texts.say(`finding.${finding.change}`)}</b>`;
  return html`<li class="f ${classes.join(' ')} ${finding.change ?? ''}" id="f-${finding.fingerprint}"><span class="n">${texts.number(number)}</span>${entry(
    section,
    finding,
    change,
  )}</li>
`;
}

/** What a finding and one set aside have in common. */
function entry({ texts }: Section, finding: ReportedFinding, first: Html): Html {
  const { say } = texts;
  const rule = finding.rule || say('finding.noRule');
  const name =
    finding.ruleName === undefined || finding.ruleName === rule ? nothing : html` <span class="muted">${finding.ruleName}</span>`;
  const place = entries.placeText(finding);
  const small = entries.smallPrint(texts, finding);
  const snippet = finding.place?.snippet;
  return html`<span class="tags">${first}${entries.categoryNames(finding).join(' ')}</span><h4>${linked(rule, finding.ruleUrl)}</h4>${name}<p class="m">${message(
    texts,
    finding,
  )}</p>${place === null ? html`<p class="muted">${say('finding.noPlace')}</p>` : html`<p class="p"><code>${place}</code></p>`}${
    snippet === undefined || snippet.trim() === ''
      ? nothing
      : html`<pre><code>${shown(dedented(snippet), snippetCharactersShown)}</code></pre>`
  }<p class="x">${small}${backLink(texts, finding.url)}</p>`;
}

/** To the issue at the scanner's server; nothing where the address is none of the web. */
function backLink(texts: Section['texts'], url: string | undefined): Html {
  return webAddress(url) === null ? nothing : html` · ${linked(texts.say('link.issue'), url)}`;
}

function message(texts: Section['texts'], finding: ReportedFinding): Html {
  if (finding.message === '') {
    return html`<span class="muted">${texts.say('finding.noMessage')}</span>`;
  }
  const text = shown(finding.message, messageCharactersShown);
  return text.cut || finding.messageCut === true ? html`${text} <i>${texts.say('finding.cut')}</i>` : text;
}

export function* setAsideSection(section: Section, document: ReportDocument): Generator<Html> {
  const { texts } = section;
  const { say } = texts;
  const total = entries.setAsideTotal(section.document);
  yield html`<section aria-labelledby="set-aside"><h2 id="set-aside">${say('setAside.title')} <span class="muted">${texts.number(total)}</span></h2>`;
  const decisions = entries.decisionsText(section);
  yield html`<p class="muted">${say(total === 0 ? 'setAside.none' : 'setAside.note')}</p>${decisions === null ? nothing : html`<p>${decisions}</p>`}`;
  if (document.setAside.length < total) {
    yield html`<p class="warn">${say('setAside.cut', { shown: document.setAside.length, total })}</p>`;
  }
  if (document.setAside.length > 0) {
    yield html`<h3>${say('setAside.caption', { from: 1, to: document.setAside.length })}</h3>`;
  }
  for (const [index, finding] of document.setAside.entries()) {
    if (index % findingsOfChunk === 0) {
      yield html`${index === 0 ? nothing : { html: '</ol>' }}<ol class="list" role="list" start="${index + 1}">`;
    }
    const reason = entries.reasonText(texts, finding);
    const state = html`<b>${entries.stateText(section, finding)}</b>`;
    yield html`<li class="f"><span class="n">${texts.number(index + 1)}</span>${entry(section, finding, state)}${
      reason === '' ? nothing : html`<p>${reason}</p>`
    }</li>
`;
  }
  yield html`${document.setAside.length === 0 ? nothing : { html: '</ol>' }}</section>`;
}

/** Without the indentation that all its lines have, and without empty lines around it. */
function dedented(snippet: string): string {
  const lines = snippet
    .replaceAll('\t', '    ')
    .replace(/^(?:[ \r]*\n)+|\s+$/g, '')
    .split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  return lines.map((line) => line.slice(Math.min(...indents))).join('\n');
}
