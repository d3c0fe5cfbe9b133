import type { Rating } from '../report.ts';
import type { Html } from '../../http/pages/html-text.ts';
import { html, linked } from '../../http/pages/html-text.ts';
import type { Fact, Section } from './sections.ts';

/** What several sections of the page are built of. */

export function badge(section: Section, rating: Rating | null): Html {
  return rating === null
    ? html`<span class="badge none" role="img" aria-label="${section.texts.say('verdict.notAssessed')}">–</span>`
    : html`<span class="badge ${rating}">${rating}</span>`;
}

export function factList(facts: readonly (Fact & { readonly url?: string })[]): Html {
  return html`<dl class="facts">${facts.map(({ label, value, url }) => html`<dt>${label}</dt><dd>${linked(value, url)}</dd>`)}</dl>`;
}

/** A table of ours in a frame that scrolls by keyboard too where the window is narrow. */
export function table(options: {
  readonly label: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly (string | Html)[])[];
  /** Columns of numbers, from 0. */
  readonly numbers?: readonly number[];
}): Html {
  const { label, heads, rows, numbers = [] } = options;
  const kind = (index: number): string => (numbers.includes(index) ? 'num' : '');
  return html`<div class="wide" role="region" tabindex="0" aria-label="${label}"><table><caption class="hide">${label}</caption><thead><tr>${heads.map(
    (head, index) => html`<th scope="col" class="${kind(index)}">${head}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (row) =>
      html`<tr>${row.map((cell, index) => (index === 0 ? html`<th scope="row">${cell}</th>` : html`<td class="${kind(index)}">${cell}</td>`))}</tr>`,
  )}</tbody></table></div>`;
}
