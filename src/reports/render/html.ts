import type { ReportDocument } from '../report.ts';
import { findingsSection, setAsideSection } from './html-findings.ts';
import { gateSection, hotspotsSection, sonarqubeSection } from './html-quality.ts';
import { annexSection, categoriesSection, coverageSection, methodSection, trendSection, verdictSection } from './html-sections.ts';
import { plainStyle, qualityStyle } from './html-style.ts';
import type { Html } from '../../http/pages/html-text.ts';
import { html, shown } from '../../http/pages/html-text.ts';
import { textsOf } from './messages.ts';
import type { MessageKey } from './messages.ts';
import * as sections from './sections.ts';
import type { ReportHead, Section } from './sections.ts';

/**
 * The report as one page that needs nothing else: no script, no network, style and chart inside. It comes in pieces, one for each finding, so
 * that 20,000 of them are never held as one text. The same document gives the same bytes.
 */
export function* renderHtml(document: ReportDocument): Generator<string> {
  const section: Section = { document: sections.headOf(document), texts: textsOf(document.language) };
  for (const part of parts(section, document)) {
    yield part.html;
  }
}

/** Of names in the page's head, which would otherwise fill the window. */
const headerCharactersShown = 120;

/** Sections with their condition: what the document must have for them to be there. */
const contents: readonly (readonly [string, MessageKey, ((document: ReportHead) => boolean)?])[] = [
  ['verdict', 'verdict.title'],
  ['about', 'meta.title'],
  ['categories', 'categories.title'],
  ['trend', 'trend.title'],
  ['gate', 'gate.title', (document) => document.gate !== undefined],
  ['hotspots', 'hotspots.title', (document) => document.details !== undefined],
  ['coverage', 'coverage.title'],
  ['sonarqube', 'sonarqube.title', (document) => document.facts.sonarqube !== undefined],
  ['findings', 'findings.title'],
  ['set-aside', 'setAside.title'],
  ['method', 'method.title'],
  ['annex', 'annex.title'],
];

function* parts(section: Section, document: ReportDocument): Generator<Html> {
  const { texts } = section;
  const { say } = texts;
  yield pageStart(section);
  yield html`<nav aria-label="${say('document.contents')}"><ul role="list">${contents
    .filter(([, , holds]) => holds?.(section.document) ?? true)
    .map(([id, key]) => html`<li><a href="#${id}">${say(key)}</a></li>`)}</ul></nav><main id="main">`;
  yield verdictSection(section);
  yield categoriesSection(section);
  yield trendSection(section);
  yield gateSection(section);
  yield hotspotsSection(section);
  yield coverageSection(section);
  yield sonarqubeSection(section);
  yield* findingsSection(section, document);
  yield* setAsideSection(section, document);
  yield methodSection(section);
  yield annexSection(section);
  const { generator } = document;
  yield html`</main></div><footer><span>${say('document.classification')}</span><span>${generator.name} ${generator.version} · ${texts.moment(
    document.madeAt,
  )}</span></footer></div></body></html>
`;
}

function pageStart(section: Section): Html {
  const { document, texts } = section;
  const { say } = texts;
  const { style, policy } = document.gate === undefined && document.details === undefined ? plainStyle : qualityStyle;
  return html`<!doctype html>
<html lang="${document.language}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex"><meta name="generator" content="${document.generator.name} ${document.generator.version}">
<title>${sections.titleOf(section)}</title><style>${{ html: style }}</style></head>
<body><a class="skip" href="#main">${say('document.skip')}</a><div class="page"><header class="top"><p class="kind">${say('document.kind')}<span>${shown(
    document.organizationName,
    headerCharactersShown,
  )}</span></p><h1>${shown(document.project.name, headerCharactersShown)} ${shown(document.version, headerCharactersShown)}</h1><p class="standard" lang="en">${sections.standardName(document)}</p></header><div class="body">
`;
}
