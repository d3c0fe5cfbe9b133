import { severities } from '../../analyses/finding.ts';
import { badge, factList, table } from './html-parts.ts';
import type { Html } from '../../http/pages/html-text.ts';
import { html, nothing } from '../../http/pages/html-text.ts';
import { originOf } from './origin.ts';
import { detailsOf, gateOf, hotspotsOf } from './quality.ts';
import type { Gate } from './quality.ts';
import * as sections from './sections.ts';
import type { Section } from './sections.ts';

/** The page's sections on what SonarQube knows, and on quality gates; each nothing at all where it has nothing to say. */

const shortCharactersMax = 40;
const coloured = new Set(['OK', 'ERROR', 'WARN']);

function pill({ status, statusText }: Gate): Html {
  return html`<span class="pill ${coloured.has(status) ? status : 'other'}">${statusText}</span>`;
}

/** What the verdict says of the gate. */
export function gateLine(section: Section): Html {
  const gate = gateOf(section);
  return gate === null ? nothing : html`<p class="gate">${pill(gate)} <span>${gate.line}</span></p>`;
}

export function gateSection(section: Section): Html {
  const gate = gateOf(section);
  if (gate === null) return nothing;
  const { say } = section.texts;
  return html`<section aria-labelledby="gate"><h2 id="gate">${say('gate.title')}</h2><p class="gate">${pill(gate)} <span>${gate.line}</span></p>${gate.notes.map(
    (note) => html`<p class="muted">${note}</p>`,
  )}${
    gate.rows.length === 0
      ? nothing
      : html`<h3>${say('gate.caption')}</h3>${table({
          label: say('gate.caption'),
          heads: [say('column.metric'), say('column.status'), say('column.value'), say('column.failsWhen')],
          rows: gate.rows.map((row) => [
            row.metric === row.key ? html`<code>${row.key}</code>` : html`${row.metric} <small><code>${row.key}</code></small>`,
            row.failed ? html`<span class="words failed">${row.status}</span>` : short(row.status),
            short(row.value),
            short(row.failsWhen),
          ]),
        })}`
  }</section>
`;
}

/** Where the window is narrow a table's words are broken anywhere; short ones are not, the table scrolls rather. */
function short(text: string): Html {
  return text.length > shortCharactersMax ? html`${text}` : html`<span class="words">${text}</span>`;
}

export function hotspotsSection(section: Section): Html {
  const hotspots = hotspotsOf(section);
  if (hotspots === null) return nothing;
  const { say } = section.texts;
  return html`<section aria-labelledby="hotspots"><h2 id="hotspots">${say('hotspots.title')}</h2><p class="review">${badge(section, hotspots.rating)}<span><b>${
    hotspots.ratingText
  }</b> ${hotspots.countText}</span></p>${hotspots.notes.map((note) => html`<p class="${hotspots.known ? 'muted' : 'warn'}">${note}</p>`)}${
    hotspots.rows.length === 0
      ? nothing
      : html`<h3>${say('hotspots.caption')}</h3>${table({
          label: say('hotspots.caption'),
          heads: [say('column.category'), say('column.probability'), say('column.review'), say('column.reviewed')],
          rows: hotspots.rows.map(([name, ...cells]) => [html`<span lang="en">${name}</span>`, ...cells]),
          numbers: [2, 3],
        })}`
  }</section>
`;
}

/** New code against overall, and for each category what stands beside its findings. */
export function detailTables(section: Section): Html {
  const details = detailsOf(section);
  if (details === null) return nothing;
  const { say } = section.texts;
  const newCode =
    details.newCode.length === 0
      ? nothing
      : html`<h3>${say('newCode.title')}</h3>${table({
          label: say('newCode.title'),
          heads: [
            '',
            ...severities.map((severity) => sections.severityName(section.texts, severity)),
            say('column.open'),
            say('column.rating'),
          ],
          rows: details.newCode.map(({ label, counts, rating }) => [label, ...counts, badge(section, rating)]),
          numbers: [1, 2, 3, 4, 5, 6],
        })}`;
  return html`${newCode}<h3>${say('details.title')}</h3>${details.notes.map((note) => html`<p class="muted">${note}</p>`)}${table({
    label: say('details.title'),
    heads: [
      say('column.category'),
      say('column.open'),
      say('column.newCode'),
      say('column.effort'),
      say('column.review'),
      say('column.reviewedShare'),
      say('column.reviewRating'),
      say('column.accepted'),
      say('column.falsePositive'),
    ],
    rows: details.rows.map(({ id, name, cells: [open, fresh, effort, toReview, share, rating, accepted, falsePositive] }) => [
      id === '' ? html`<b>${name}</b>` : html`<b>${id}</b> <span lang="en">${name}</span>`,
      open,
      fresh,
      effort,
      toReview,
      share,
      badge(section, rating),
      accepted,
      falsePositive,
    ]),
    numbers: [1, 2, 3, 4, 5, 7, 8],
  })}`;
}

export function sonarqubeSection(section: Section): Html {
  const origin = originOf(section);
  if (origin === null) return nothing;
  const { say } = section.texts;
  return html`<section aria-labelledby="sonarqube"><h2 id="sonarqube">${say('sonarqube.title')}</h2>${factList(origin.facts)}${
    origin.measures.length === 0
      ? nothing
      : html`<h3>${say('sonarqube.measures')}</h3><p class="muted">${say('sonarqube.measures.note')}</p>${table({
          label: say('sonarqube.measures'),
          heads: [say('column.measure'), say('column.theirs'), say('column.ours')],
          rows: origin.measures,
          numbers: [1, 2],
        })}`
  }</section>
`;
}
