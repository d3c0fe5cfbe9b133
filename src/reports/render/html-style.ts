import { createHash } from 'node:crypto';

/** At most so many categories have a filter: the Top 25 is the longest list there is. */
export const categoriesFilteredMax = 25;

const filters = [
  ...[1, 2, 3, 4, 5].map((index) => `body:has(#s${index}:checked) .g:not(.s${index})`),
  ...Array.from({ length: categoriesFilteredMax }, (_, index) => `body:has(#c${index + 1}:checked) .f:not(.c${index + 1})`),
  ...['new', 'reopened', 'still'].map((change) => `body:has(#h-${change}:checked) .f:not(.${change})`),
].join(',\n');

/** The page's style. It stands in the page, and the page's policy names its hash: no other style is taken, and no script at all. */
export const style = `
:root {
  color-scheme: light dark;
  --bg: #f5f7f8; --card: #fff; --ink: #16212b; --muted: #51606d; --line: #d8dfe4; --accent: #0b5563; --soft: #e9f0f2;
  --a: #1a7f4b; --b: #55770f; --c: #8f6400; --d: #b54708; --e: #b42318; --i: #47617a;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root { --bg: #0d1419; --card: #141d24; --ink: #e4ebf0; --muted: #9fb0bd; --line: #2b3842; --accent: #6fc5d6; --soft: #1b2a32; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--bg); color: var(--ink); line-height: 1.55; font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
}
body:lang(ja) { font-family: system-ui, "Hiragino Sans", "Yu Gothic UI", Meiryo, "Noto Sans CJK JP", "Noto Sans JP", sans-serif; }
body:lang(ko) { font-family: system-ui, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans CJK KR", "Noto Sans KR", sans-serif; word-break: keep-all; }
code, pre { font-family: var(--mono); font-size: .875em; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
h1, h2, h3, h4, p, dl, dd, ol, ul, figure, table, fieldset, pre { margin: 0; padding: 0; }
h1 { font-size: clamp(1.7rem, 5vw, 2.5rem); line-height: 1.15; letter-spacing: -.015em; text-wrap: balance; }
h2 { font-size: 1.35rem; line-height: 1.3; margin-bottom: .9rem; letter-spacing: -.005em; }
h3 { font-size: 1rem; margin: 1.6rem 0 .6rem; }
.skip { position: absolute; left: -999rem; background: var(--card); padding: .6rem 1rem; z-index: 2; }
.skip:focus { left: 1rem; top: 1rem; }
.page { max-width: 82rem; margin: 0 auto; padding: 0 clamp(1rem, 3vw, 2.5rem) 3rem; }
.top { padding: clamp(1.5rem, 5vw, 3.5rem) 0 1.6rem; }
.kind { color: var(--accent); font-weight: 600; margin-bottom: .55rem; }
.kind span { color: var(--muted); font-weight: 400; margin-left: .6rem; }
.standard { color: var(--muted); font-size: 1.15rem; margin-top: .35rem; }
.muted { color: var(--muted); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; }
nav a { display: inline-block; padding: .25rem 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }
main > section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: clamp(1rem, 2.5vw, 1.9rem); margin-top: 1.25rem; min-width: 0; }
@media screen and (min-width: 75rem) {
  .body { display: grid; grid-template-columns: 11.5rem minmax(0, 1fr); gap: 2.2rem; align-items: start; }
  nav { position: sticky; top: 1.5rem; margin-top: 1.25rem; font-size: .925rem; }
  nav ul { display: block; border-left: 1px solid var(--line); padding-left: 1rem; }
}
.badge { display: inline-grid; place-items: center; width: 1.7em; height: 1.7em; border-radius: .35em; color: #fff; font-weight: 700; line-height: 1; font-size: .9rem; flex: none; }
.A { background: var(--a); } .B { background: var(--b); } .C { background: var(--c); } .D { background: var(--d); } .E { background: var(--e); }
.none { color: var(--muted); border: 2px dashed var(--muted); background: none; }
.hero { display: grid; grid-template: "badge line" auto "badge why" 1fr / auto minmax(0, 1fr); gap: .3rem clamp(1rem, 3vw, 2rem); align-items: center; }
.hero > .badge { grid-area: badge; } .verdict-line { grid-area: line; } .why { grid-area: why; align-self: start; }
.hero .badge { font-size: clamp(2.6rem, 9vw, 4.4rem); }
.hero .none { border-width: 3px; }
.why p + p { margin-top: .35rem; }
.verdict-line { font-size: 1.5rem; font-weight: 700; line-height: 1.25; }
.verdict-line span { font-size: 1.1rem; font-weight: 400; color: var(--muted); margin-left: .3rem; display: inline-block; }
.tiles { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: .6rem; } .four { grid-template-columns: repeat(4, minmax(0, 1fr)); }
.tiles div { background: var(--soft); border-left: 4px solid var(--accent); border-radius: 4px; padding: .55rem .8rem; display: flex; flex-direction: column-reverse; }
.tiles dt { color: var(--muted); font-size: .875rem; line-height: 1.3; }
.tiles dd { font-size: 1.4rem; font-weight: 700; line-height: 1.3; }
.tiles .s1 { border-color: var(--e); } .tiles .s2 { border-color: var(--d); } .tiles .s3 { border-color: var(--c); }
.tiles .s4 { border-color: var(--b); } .tiles .s5 { border-color: var(--i); }
.glance { list-style: none; display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: .45rem .8rem; }
.glance a { display: flex; gap: .5rem; align-items: center; color: inherit; text-decoration: none; }
.glance a:hover { text-decoration: underline; }
.facts { display: grid; grid-template-columns: minmax(8rem, 14rem) minmax(0, 1fr); gap: .35rem 1.2rem; }
.facts dt { color: var(--muted); }
.names { columns: 20rem; column-gap: 2rem; list-style: none; font-size: .925rem; }
.names li { break-inside: avoid; padding: .12rem 0; }
.notes { padding-left: 1.2rem; margin-top: .8rem; }
.notes li::marker { color: var(--accent); }
.warn { border-left: 4px solid var(--d); background: var(--soft); padding: .6rem .9rem; border-radius: 4px; margin-top: 1rem; }
details { margin-top: 1.2rem; }
summary { cursor: pointer; font-weight: 600; padding: .2rem 0; }
details > :not(summary) { margin-top: .5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .925rem; }
caption { text-align: left; color: var(--muted); padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
thead th { color: var(--muted); font-weight: 600; font-size: .8125rem; vertical-align: bottom; }
tbody th { font-weight: 400; }
.num { text-align: right; white-space: nowrap; }
.mid { text-align: center; }
.cats th, .cats td { padding: .45rem .35rem; } .cats thead th, .cats .mid { white-space: nowrap; }
.cats .up { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; white-space: nowrap; margin: 0 auto; }
.cats .z { color: var(--muted); }
.cats .direct { font-weight: 700; }
.cats small { display: block; color: var(--muted); font-size: .8125rem; }
.cats tr:target { background: var(--soft); }
.up-trend { color: var(--e); } .down-trend { color: var(--a); }
@media screen and (prefers-color-scheme: dark) { .up-trend { color: #ff8f83; } .down-trend { color: #63c992; } }
.hide { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.chart svg { display: block; max-width: 100%; height: auto; }
.chart text { font-size: 12px; fill: var(--ink); text-anchor: middle; }
.chart .v { fill: var(--muted); font-size: 11px; }
.chart .A { fill: var(--a); } .chart .B { fill: var(--b); } .chart .C { fill: var(--c); } .chart .D { fill: var(--d); } .chart .E { fill: var(--e); }
.chart .none { fill: var(--muted); }
figcaption { color: var(--muted); font-size: .875rem; margin: .2rem 0 1rem; }
.filters { display: grid; gap: .7rem; background: var(--soft); border-radius: 8px; padding: .9rem 1rem; margin: 1rem 0 .4rem; }
fieldset { border: 0; min-width: 0; }
fieldset div { display: flex; flex-wrap: wrap; gap: .35rem; margin-left: 7.5rem; }
legend { float: left; color: var(--muted); font-size: .875rem; width: 7.5rem; line-height: 2; }
.filters label { position: relative; display: inline-flex; font-size: .875rem; }
.filters input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; width: 100%; height: 100%; }
.filters label span { border: 1px solid var(--muted); border-radius: 99px; padding: .2rem .75rem; background: var(--card); }
.filters input:checked + span { background: var(--accent); border-color: var(--accent); color: var(--card); font-weight: 600; }
.filters input:focus-visible + span { outline: 3px solid var(--accent); outline-offset: 2px; }
.g > h3 { font-size: 1.05rem; display: flex; align-items: center; gap: .6rem; }
.g > h3::before { content: ""; width: .75rem; height: .75rem; border-radius: 2px; background: var(--i); }
.s1 > h3::before { background: var(--e); } .s2 > h3::before { background: var(--d); } .s3 > h3::before { background: var(--c); } .s4 > h3::before { background: var(--b); }
.list { list-style: none; content-visibility: auto; contain-intrinsic-size: auto 7500px; }
.f { border-top: 1px solid var(--line); padding: .8rem 0 .85rem 3.6rem; position: relative; }
.f:target { background: var(--soft); }
.n { position: absolute; left: 0; top: .85rem; color: var(--muted); font-size: .875rem; }
.f h4 { font-size: 1rem; display: inline; }
.f .m { white-space: pre-wrap; margin: .15rem 0 .3rem; }
.f .p { color: var(--accent); }
.f pre { background: var(--soft); border-radius: 5px; padding: .45rem .7rem; margin: .4rem 0; white-space: pre-wrap; }
.x { color: var(--muted); font-size: .8125rem; }
.tags { float: right; margin-left: 1rem; font-size: .8125rem; color: var(--muted); }
.tags b { color: var(--accent); margin-right: .5rem; }
footer { color: var(--muted); font-size: .875rem; margin-top: 1.6rem; display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; justify-content: space-between; }
@media screen and (max-width: 46rem) {
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: .55rem; }
  .hero { grid-template: "badge line" auto "why why" auto / auto minmax(0, 1fr); gap: .8rem 1rem; }
  .verdict-line span { display: block; margin: 0; }
  legend { float: none; width: 100%; line-height: 1.6; } fieldset div { margin-left: 0; }
  .tiles, .four { grid-template-columns: repeat(2, minmax(0, 1fr)); } .tiles div { padding: .5rem .55rem; } .tiles dt { font-size: .8125rem; } .glance { grid-template-columns: repeat(auto-fill, minmax(8.4rem, 1fr)); }
  .f { padding-left: 0; } .n { position: static; margin-right: .6rem; } .tags { float: none; margin: 0; }
  .f h4::before { content: "\\A"; white-space: pre; }
  .cats, .cats tbody, .cats tr, .cats th, .cats td { display: block; }
  .cats thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cats tr { display: flex; flex-wrap: wrap; gap: .1rem 1rem; position: relative; padding: .7rem 0 .7rem 2.9rem; border-bottom: 1px solid var(--line); }
  .cats th, .cats td { border: 0; padding: 0; text-align: left; font-size: .875rem; }
  .cats th { flex: 1 0 100%; font-size: .95rem; }
  .cats .rank { display: none; } .cats .rate { position: absolute; left: 0; top: .75rem; }
  .cats .z { display: none; }
  .cats td[data-l]::before { content: attr(data-l) " "; color: var(--muted); }
}
@media screen {
${filters} { display: none; }
body:has(.filters input:not(.all):checked) .list { content-visibility: visible; }
}
@media print {
  @page { margin: 16mm 14mm; }
  :root { --bg: #fff; --soft: #f2f5f7; }
  body { font-size: 9.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  nav, .skip, .filters { display: none; }
  .page { max-width: none; padding: 0; } .top { padding: 0 0 1rem; }
  main > section { border: 0; border-radius: 0; padding: 0; margin-top: 1.6rem; }
  h2, h3 { break-after: avoid; } .f, tr, .tiles div, figure { break-inside: avoid; }
  .list { content-visibility: visible; }
  a { color: inherit; text-decoration: none; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
`;

/** With what only the sections on SonarQube's facts need. A page without them stays what it was, to the byte. */
export const styleOfQuality = `${style}
.pill { display: inline-block; border-radius: 99px; padding: .1rem .8rem; font-weight: 700; font-size: .9rem; color: var(--muted); border: 2px dashed var(--muted); }
.pill.OK, .pill.ERROR, .pill.WARN { color: #fff; border: 2px solid transparent; }
.pill.OK { background: var(--a); } .pill.ERROR { background: var(--e); } .pill.WARN { background: var(--c); }
.gate { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: baseline; }
.gate + p { margin-top: .35rem; }
.failed { color: var(--e); font-weight: 700; }
.review { display: flex; gap: .8rem; align-items: center; margin-bottom: .6rem; }
@media screen and (prefers-color-scheme: dark) { .failed { color: #ff8f83; } }
th small { color: var(--muted); }
.wide thead th { overflow-wrap: normal; word-break: keep-all; white-space: normal; } .wide tbody th { min-width: 10rem; }
.words { overflow-wrap: normal; }
`;

export interface PageStyle {
  readonly style: string;
  /** Of the content security policy. */
  readonly policy: string;
}

function pageStyle(text: string): PageStyle {
  const hash = createHash('sha256').update(text).digest('base64');
  return { style: text, policy: `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'` };
}

export const plainStyle = pageStyle(style);
export const qualityStyle = pageStyle(styleOfQuality);
