import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { Html } from './html-text.ts';
import { html } from './html-text.ts';

/** The best of these languages for an `Accept-Language`: the one with the greatest weight, of equal ones the first. English for none. */
export function languageFor(header: string | undefined, languages: readonly string[]): string {
  let best = { language: 'en', weight: 0 };
  for (const part of (header ?? '').slice(0, 1_000).split(',')) {
    const [range = '', ...parameters] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    const language = range.split('-')[0] ?? '';
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1);
    if (languages.includes(language) && weight > best.weight) best = { language, weight };
  }
  return best.language;
}

const style = `
:root{color-scheme:light dark;--line:#8886;--accent:light-dark(#0b5cad,#7cb7ff);--in:light-dark(#0a6b2d,#7ee2a0);--out:light-dark(#a61b1b,#ff9d9d)}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:64rem;padding:1rem}
a{color:var(--accent)}h1{margin-bottom:0;overflow-wrap:anywhere}h2{margin-top:2.5rem}code{font:14px ui-monospace,monospace;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}
td,th{text-align:left;vertical-align:top;padding:.3rem .7rem;border-bottom:1px solid var(--line)}
pre{font:13px/1.45 ui-monospace,monospace;border:1px solid var(--line);padding:.6rem;overflow-x:auto;tab-size:4}
ins{color:var(--in);text-decoration:none}del{color:var(--out);text-decoration:none}
.bad{font-weight:700}`;

/** No script, nothing from elsewhere, in nobody's frame. */
export const pagePolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** A whole document around this content. */
export function page(language: string, title: string, content: Html): string {
  const head = html`<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>${title} · Gatepost</title>`;
  return `<!doctype html>\n<html lang="${language}"><head>${head.html}<style>${style}</style></head><body>${content.html}</body></html>\n`;
}

/** Answers with a page: kept by nobody on the way, running nothing, telling no one where its reader came from. */
export function sendPage(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .header('content-security-policy', pagePolicy)
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('vary', 'accept-language, authorization')
    .send(text);
}

/** A point in time for people, in UTC. */
export function whenText(language: string): (ms: number) => Html {
  const dates = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23', timeZone: 'UTC' });
  return (ms) => html`<time datetime="${new Date(ms).toISOString()}">${dates.format(ms)} UTC</time>`;
}
