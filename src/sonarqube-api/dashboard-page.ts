import type { ListedReport } from '../events/event.ts';
import type { Html } from '../http/pages/html-text.ts';
import { html, nothing } from '../http/pages/html-text.ts';
import { languageFor as bestLanguage, page, whenText } from '../http/pages/page.ts';
import en from './dashboard-messages/en.json' with { type: 'json' };
import fr from './dashboard-messages/fr.json' with { type: 'json' };
import ja from './dashboard-messages/ja.json' with { type: 'json' };
import ko from './dashboard-messages/ko.json' with { type: 'json' };
import ru from './dashboard-messages/ru.json' with { type: 'json' };

export type Words = Readonly<Record<keyof typeof en, string>>;
export const dashboardWords: Readonly<Record<string, Words>> = { en, fr, ja, ko, ru };

/** The best of our languages for an `Accept-Language`. */
export const languageFor = (header: string | undefined): string => bestLanguage(header, Object.keys(dashboardWords));

/** A page that says why nothing is shown. */
export function noticePage(language: string, notice: 'signIn' | 'forbidden' | 'unknown'): string {
  const words = dashboardWords[language] ?? en;
  const title = words[`${notice}.title`];
  return page(language, title, html`<main><h1>${title}</h1><p>${words[`${notice}.text`]}</p></main>`);
}

export interface ShownReport extends Pick<ListedReport, 'id' | 'reportType' | 'reportVersion' | 'projectVersion' | 'securityRating'> {
  readonly branch: string;
  readonly date: number;
  readonly count: number;
}

export interface ShownAnalysis {
  readonly id: string;
  readonly version: string;
  readonly branch: string;
  readonly isPullRequest: boolean;
  readonly date: number;
  readonly status: 'pending' | 'running' | 'done' | 'failed';
  /** What its quality gate came to; null: it had none. */
  readonly gate: string | null;
  readonly revision: string | null;
}

export interface ProjectPage {
  readonly language: string;
  /** The public base URL of this server. */
  readonly url: string;
  readonly project: { readonly key: string; readonly name: string };
  readonly place: Place;
  readonly reports: readonly ShownReport[];
  readonly analyses: readonly ShownAnalysis[];
}

/** What of a project is asked for. */
export type Place = { readonly branch: string } | { readonly pullRequest: string } | null;

/** A project's latest reports and analyses. */
export function projectPage({ language, url, project, place, reports, analyses }: ProjectPage): string {
  const words = dashboardWords[language] ?? en;
  const say = (key: keyof Words, name: string) => words[key].replace('{name}', () => name);
  const of = place === null ? words.all : 'branch' in place ? say('of.branch', place.branch) : say('of.pullRequest', place.pullRequest);
  const when = whenText(language);
  const counts = new Intl.NumberFormat(language);
  const reportRow = (one: ShownReport): Html =>
    html`<tr><td><a href="${`${url}/v1/reports/${one.id}`}">${one.reportType} ${
      one.reportVersion
    }</a></td><td>${one.projectVersion}</td><td>${one.branch}</td><td>${when(one.date)}</td><td>${counts.format(one.count)}</td><td>${
      one.securityRating ?? ''
    }</td></tr>`;
  const gateOf = (gate: string | null): Html => {
    if (gate === null) return nothing;
    if (gate !== 'OK' && gate !== 'WARN' && gate !== 'ERROR') return html`${gate}`;
    return gate === 'ERROR' ? html`<span class="bad">${words['gate.ERROR']}</span>` : html`${words[`gate.${gate}`]}`;
  };
  const analysisRow = (one: ShownAnalysis): Html =>
    html`<tr><td><a href="${`${url}/v1/analyses/${one.id}`}">${when(
      one.date,
    )}</a></td><td>${one.version}</td><td>${one.isPullRequest ? say('pullRequest', one.branch) : one.branch}</td><td>${
      words[`status.${one.status}`]
    }</td><td>${gateOf(one.gate)}</td><td><code>${one.revision ?? ''}</code></td></tr>`;
  const reportHead = [words['column.report'], words['column.version'], words['column.branch'], words['column.date']];
  const analysisHead = [words['column.analysis'], words['column.version'], words['column.branch'], words['column.status']];
  const content = html`<main><h1>${project.name}</h1><p><code>${project.key}</code> · ${of}</p>
<h2>${words.reports}</h2>${table([...reportHead, words['column.vulnerabilities'], words['column.rating']], reports.map(reportRow), words)}
<h2>${words.analyses}</h2>${table([...analysisHead, words['column.gate'], words['column.revision']], analyses.map(analysisRow), words)}</main>`;
  return page(language, project.name, content);
}

function table(head: readonly string[], rows: readonly Html[], words: Words): Html {
  if (rows.length === 0) return html`<p>${words.none}</p>`;
  return html`<table><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
}
