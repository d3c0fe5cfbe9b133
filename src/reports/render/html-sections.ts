import type { CategoryResult } from '../report.ts';
import { badge, factList, table } from './html-parts.ts';
import { detailTables, gateLine } from './html-quality.ts';
import type { Html } from '../../http/pages/html-text.ts';
import { html, linked, nothing } from '../../http/pages/html-text.ts';
import type { MessageKey } from './messages.ts';
import * as sections from './sections.ts';
import type { Section } from './sections.ts';

export function verdictSection(section: Section): Html {
  const { say } = section.texts;
  const verdict = sections.verdictOf(section);
  const incomplete = sections.incompleteText(section);
  const tile = (label: string, value: string, kind: string): Html => html`<div class="${kind}"><dt>${label}</dt><dd>${value}</dd></div>`;
  return html`<section aria-labelledby="verdict"><h2 id="verdict">${say('verdict.title')}</h2>
<div class="hero">${badge(section, verdict.rating)}<p class="verdict-line">${verdict.ratingText} <span>${verdict.openText}</span></p>
<div class="why">${gateLine(section)}${incomplete === null ? nothing : html`<p class="warn">${incomplete}</p>`}<p>${verdict.rule}</p>${verdict.notes.map((note) => html`<p class="muted">${note}</p>`)}</div></div>
<h3>${say('verdict.bySeverity')}</h3><dl class="tiles">${verdict.severities.map(({ label, value }, index) =>
    tile(label, value, `s${index + 1}`),
  )}</dl>
<h3>${say('change.title')}</h3>${
    verdict.changes === null
      ? html`<p>${say('change.none')}</p>`
      : html`<dl class="tiles four">${verdict.changes.map(({ label, value }) => tile(label, value, ''))}</dl>`
  }
<h3>${say('verdict.glance')}</h3><ul class="glance" role="list">${section.document.categories.map((category) => glance(section, category))}</ul>
</section>
<section aria-labelledby="about"><h2 id="about">${say('meta.title')}</h2>${factList(sections.coverFacts(section))}</section>`;
}

function glance(section: Section, category: CategoryResult): Html {
  const count = category.assessed ? section.texts.number(category.direct) : '–';
  return html`<li><a href="#category-${category.rank}">${badge(section, category.rating)}<span>${category.id} <span class="muted">${count}</span></span></a></li>`;
}

const categoryHeads: readonly MessageKey[] = [
  'column.rating',
  'severity.BLOCKER',
  'severity.CRITICAL',
  'severity.MAJOR',
  'severity.MINOR',
  'severity.INFO',
  'column.direct',
  'column.withDescendants',
  'column.review',
  'column.suppressed',
  'column.trend',
];

/** The roles are said because the narrow window's style takes the table's boxes away, and with them what a screen reader knows. */
export function categoriesSection(section: Section): Html {
  const { document, texts } = section;
  const { say } = texts;
  return html`<section aria-labelledby="categories"><h2 id="categories">${say('categories.title')}</h2><p class="muted">${say('categories.note')}</p>
<table class="cats" role="table" aria-labelledby="categories"><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">${say(
    'column.rank',
  )}</th><th role="columnheader" scope="col">${say('column.category')}</th>${categoryHeads.map(
    (key) => html`<th role="columnheader" scope="col"><div class="up">${say(key)}</div></th>`,
  )}</tr></thead><tbody role="rowgroup">${document.categories.map((category) => categoryRow(section, category))}</tbody></table>${detailTables(section)}</section>`;
}

function categoryRow(section: Section, category: CategoryResult): Html {
  const { texts } = section;
  const { open, assessed } = category;
  const counts = [open.BLOCKER, open.CRITICAL, open.MAJOR, open.MINOR, open.INFO, category.direct];
  const more = [category.withDescendants, category.review, category.suppressed];
  const cell = (value: number, index: number): Html => {
    const head = categoryHeads[index + 1];
    const label = head === undefined ? '' : texts.say(head);
    const kind = `mid ${value === 0 ? 'z' : index === 5 ? 'direct' : ''}`;
    return html`<td role="cell" class="${kind}" data-l="${label}">${assessed || value > 0 ? texts.number(value) : '–'}</td>`;
  };
  const below = sections.descendantsText(texts, category);
  return html`<tr role="row" id="category-${category.rank}"><td role="cell" class="rank muted">${category.rank}</td><th role="rowheader" scope="row"><b>${
    category.id
  }</b> <span lang="en">${category.name}</span>${assessed ? nothing : html` <small>${texts.say('coverage.notAssessed')}</small>`}${
    below === null ? nothing : html` <small>${below}</small>`
  }</th><td role="cell" class="mid rate">${badge(section, category.rating)}</td>${[...counts, ...more].map(cell)}${changeCell(section, category)}</tr>
`;
}

const arrows = { more: '▲', fewer: '▼', same: '=', none: '' } as const;

function changeCell({ texts }: Section, category: CategoryResult): Html {
  const change = category.assessed ? sections.categoryChange(texts, category) : null;
  if (change === null || change.direction === 'none') {
    return html`<td role="cell" class="mid z">–<span class="hide"> ${texts.say('categories.noPrevious')}</span></td>`;
  }
  const kind = { more: 'up-trend', fewer: 'down-trend', same: 'z' }[change.direction];
  return html`<td role="cell" class="mid ${kind}" data-l="${texts.say('column.trend')}"><span aria-hidden="true">${arrows[change.direction]} ${
    change.direction === 'same' ? '' : change.short
  }</span><span class="hide">${change.text}</span></td>`;
}

export function trendSection(section: Section): Html {
  const { document, texts } = section;
  const { say } = texts;
  const rows = document.trend.map((point) => [
    point.version,
    texts.day(point.date),
    texts.number(point.count),
    html`${badge(section, point.rating)}`,
  ]);
  return html`<section aria-labelledby="trend"><h2 id="trend">${say('trend.title')}</h2>${
    document.trend.length < 2 ? html`<p>${say('trend.single')}</p>` : chart(section)
  }${table({
    label: say('trend.caption'),
    heads: [say('column.version'), say('column.date'), say('column.open'), say('column.rating')],
    rows,
    numbers: [2],
  })}</section>`;
}

const chartHeight = 150;
const barStep = 72;

function chart(section: Section): Html {
  const { document, texts } = section;
  const top = Math.max(1, ...document.trend.map((point) => point.count));
  const width = document.trend.length * barStep;
  const bars = document.trend.map((point, index) => {
    const height = Math.max(1, Math.round((point.count / top) * (chartHeight - 45)));
    const middle = index * barStep + barStep / 2;
    const y = chartHeight - 22 - height;
    const version = point.version.length > 10 ? `${point.version.slice(0, 9)}…` : point.version;
    return html`<rect class="${point.rating ?? 'none'}" x="${middle - 20}" y="${y}" width="40" height="${height}" rx="2"/><text x="${middle}" y="${
      y - 6
    }">${texts.number(point.count)}</text><text class="v" x="${middle}" y="${chartHeight - 6}">${version}</text>`;
  });
  return html`<figure class="chart"><svg role="img" aria-label="${sections.trendText(section)}" viewBox="0 0 ${width} ${chartHeight}" width="${width}" height="${chartHeight}">${bars}</svg><figcaption>${texts.say(
    'trend.caption',
  )}</figcaption></figure>`;
}

export function coverageSection(section: Section): Html {
  const { document, texts } = section;
  const { say } = texts;
  const coverage = sections.coverageOf(section);
  const names = (list: readonly CategoryResult[]): Html =>
    html`<ul class="names" role="list" lang="en">${list.map(({ id, name }) => html`<li><b>${id}</b> ${name}</li>`)}</ul>`;
  const none = coverage.notAssessed.length === 0;
  return html`<section aria-labelledby="coverage"><h2 id="coverage">${say('coverage.title')}</h2><p><b>${coverage.statement}</b></p>${
    none
      ? html`<p>${say('coverage.all')}</p>`
      : html`<h3>${say('coverage.notAssessed')} <span class="muted">${coverage.notAssessed.length}</span></h3><p class="muted">${say(
          'coverage.notAssessed.note',
        )}</p>${names(coverage.notAssessed)}`
  }${
    coverage.assessed.length === 0
      ? nothing
      : html`<details open><summary>${say('coverage.assessed')} <span class="muted">${coverage.assessed.length}</span></summary>${names(coverage.assessed)}</details>`
  }<ul class="notes">${coverage.notes.map((note) => html`<li>${note}</li>`)}</ul>
<h3>${say('coverage.tools')}</h3>${table({
    label: say('coverage.tools'),
    heads: [say('column.tool'), say('column.version'), say('column.rules'), say('column.ruleCwes')],
    rows: coverage.tools.map((tool) => [linked(tool.name, tool.url), tool.version, tool.rules, tool.cwes]),
    numbers: [2, 3],
  })}<details open><summary>${coverage.labels.results}</summary>${table({
    label: coverage.labels.results,
    heads: [say('column.results'), say('column.count')],
    rows: coverage.results.map(({ label, value }) => [label, value]),
    numbers: [1],
  })}</details>${
    document.facts.notices.length === 0
      ? nothing
      : html`<details open><summary>${coverage.labels.notices}</summary>${table({
          label: coverage.labels.notices,
          heads: [say('column.notice'), say('column.count'), coverage.labels.where],
          rows: coverage.notices.map(({ text, count, pointer }) => [text, count, pointer]),
          numbers: [1],
        })}</details>`
  }</section>`;
}

export function methodSection(section: Section): Html {
  const { document, texts } = section;
  const { say } = texts;
  const [before = '', after = ''] = say('method.source', { source: '\u0000' }).split('\u0000');
  return html`<section aria-labelledby="method"><h2 id="method">${say('method.title')}</h2><ul class="notes">${sections
    .methodTexts(section)
    .map((text) => html`<li>${text}</li>`)}</ul><h3>${say('column.rating')}</h3><p>${say('method.rating')}</p>${table({
    label: say('column.rating'),
    heads: [say('column.severity'), say('column.securitySeverity'), say('column.level'), say('column.letter')],
    rows: sections.ratingBands.map((band) => [
      sections.severityName(texts, band.severity),
      band.number,
      html`<code>${band.level}</code>`,
      badge(section, band.rating),
    ]),
  })}<p class="notes">${before}<span lang="en">${document.source}</span>${after}<br>${say('method.catalogue', { version: document.cweCatalogue })}</p>${
    document.mappingNotes.length === 0
      ? nothing
      : html`<h3>${say('method.notes')}</h3><p>${say('method.notes.note')}</p>${table({
          label: say('method.notes'),
          heads: [say('column.cwe'), say('column.usage'), say('column.count')],
          rows: document.mappingNotes.map((note) => [`CWE-${note.cwe}`, say(`usage.${note.usage}`), texts.number(note.count)]),
          numbers: [2],
        })}`
  }</section>`;
}

export function annexSection(section: Section): Html {
  const { document, texts } = section;
  const { say } = texts;
  const properties = Object.entries(document.properties).slice(0, sections.rowsListedMax);
  return html`<section aria-labelledby="annex"><h2 id="annex">${say('annex.title')}</h2><h3>${say('annex.files')}</h3>${table({
    label: say('annex.files'),
    heads: [say('column.file'), say('column.holds')],
    rows: sections.filesOf(texts).map(({ label, value }) => [html`<code>${label}</code>`, value]),
  })}<h3>${say('meta.contentSha256')}</h3><p><code>${document.contentSha256}</code></p><p class="muted">${say('annex.hash')}</p>${
    properties.length === 0
      ? nothing
      : html`<details open><summary>${say('annex.properties')}</summary>${table({
          label: say('annex.properties'),
          heads: [say('column.property'), say('column.value')],
          rows: properties.map(([key, value]) => [html`<code>${key}</code>`, value]),
        })}</details>`
  }</section>`;
}
