import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { sampleDocument } from '../../../test/pdf/document.ts';
import { hostileDocument, hostileTexts } from '../../../test/pdf/hostile.ts';
import { sonarqubeDocument } from '../../../test/pdf/sonarqube.ts';
import { findChromium } from '../../../test/run/chromium.ts';
import { findingsShownMax, languages } from '../report.ts';
import type { ReportDocument } from '../report.ts';
import { style } from './html-style.ts';
import { renderHtml } from './html.ts';

// Pages are read as text, and opened in Chromium, which tells of every script that ran, every dialog and every request.
const directory = mkdtempSync(join(tmpdir(), 'gatepost-html-'));
let browser: Browser;

before(async () => {
  browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
});
after(async () => {
  rmSync(directory, { recursive: true });
  await browser.close();
});

function pageOf(document: ReportDocument): string {
  return [...renderHtml(document)].join('');
}

interface Seen {
  readonly page: Page;
  /** Dialogs, errors, console lines and requests but that of the page itself. */
  readonly events: string[];
}

async function openPage(
  document: ReportDocument,
  options: { readonly width?: number; readonly scheme?: 'light' | 'dark' } = {},
): Promise<Seen> {
  const path = join(directory, 'page.html');
  writeFileSync(path, pageOf(document));
  const { width = 1280, scheme = 'light' } = options;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: 'reduce' });
  const events: string[] = [];
  const url = pathToFileURL(path).href;
  page.on('dialog', (dialog) => {
    events.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => events.push(`console ${message.text()}`));
  page.on('pageerror', (error) => events.push(`error ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url) events.push(`request ${request.url()}`);
  });
  await page.goto(url);
  return { page, events };
}

for (const [name, text] of Object.entries(hostileTexts)) {
  test(`hostile text runs nothing, asks for nothing and breaks nothing: ${name}`, async () => {
    const document = hostileDocument(text, { findings: 3 });
    const { page, events } = await openPage(document);
    const found = await page.evaluate<{ active: number; links: string[]; sections: number; items: number; title: string }>(`({
      active: document.querySelectorAll('script, iframe, object, embed, img, form, base, link, [onclick], [onload], [onerror], [onfocus], [onmouseover]').length,
      links: [...document.querySelectorAll('a')].map((link) => link.protocol),
      sections: document.querySelectorAll('main > section').length,
      items: document.querySelectorAll('.f').length,
      title: document.title,
    })`);
    await page.close();
    assert.deepEqual(events, []);
    assert.equal(found.active, 0);
    assert.deepEqual([...new Set(found.links)].toSorted(), ['file:', 'https:']);
    assert.equal(found.sections, 9 + 3);
    assert.equal(found.items, 3 + 8);
    assert.notEqual(found.title, 'broken');
  });
}

test('the policy in the page forbids scripts: one that stands in it does not run', async () => {
  const path = join(directory, 'injected.html');
  writeFileSync(
    path,
    pageOf(sampleDocument({ findings: 1 })).replace(
      '<main',
      '<script>document.title="broken"</script><style>body{display:none}</style><main',
    ),
  );
  const page = await browser.newPage();
  await page.goto(pathToFileURL(path).href);
  assert.notEqual(await page.title(), 'broken');
  assert.equal(await page.evaluate('getComputedStyle(document.body).display'), 'block');
  await page.close();
});

for (const language of languages) {
  test(`nothing is wider than a phone, and the page is in its language (${language})`, async () => {
    for (const document of [sampleDocument({ language, findings: 30 }), sonarqubeDocument({ language, findings: 30, conditions: 30 })]) {
      const { page, events } = await openPage(document, { width: 360 });
      assert.deepEqual(events, []);
      const found = await page.evaluate('({ lang: document.documentElement.lang, width: document.documentElement.scrollWidth })');
      await page.close();
      assert.deepEqual(found, { lang: language, width: 360 });
    }
  });
}

test('a page of SonarQube leads back to project, server and each issue, by the web alone and telling nothing of itself', () => {
  const document = sonarqubeDocument({ findings: 5, setAside: 4, conditions: 30 });
  const text = pageOf(document);
  for (const { url = '' } of [...document.findings, ...document.setAside])
    assert.ok(text.includes(`href="${url.replaceAll('&', '&amp;')}"`), url);
  for (const url of ['https://sonar.example.test/', 'https://sonar.example.test/dashboard?id=harbour'])
    assert.ok(text.includes(`href="${url}"`), url);
  const away = [...text.matchAll(/<a href="(?!#)[^"]*"[^>]*>/g)].map(([tag]) => tag);
  assert.equal(
    away.every((tag) => tag.endsWith('rel="noopener noreferrer">')),
    true,
  );
  const gate = text.slice(text.indexOf('id="gate"'), text.indexOf('id="hotspots"'));
  assert.equal([...gate.matchAll(/<th scope="row">/g)].length, 30);
  assert.equal([...gate.matchAll(/>no value</g)].length, 6);
});

test('an address that is none of the web is no link, whatever it says', () => {
  const poisoned = sonarqubeDocument({ findings: 2, facts: { serverUrl: 'javascript:alert(1)', projectUrl: 'file:///etc/passwd' } });
  const findings = poisoned.findings.map((finding) => ({ ...finding, url: 'javascript:alert(1)' }));
  const text = pageOf({ ...poisoned, findings, setAside: [] });
  assert.doesNotMatch(text, /href="(javascript|file)/);
  assert.equal([...text.matchAll(/>Open in SonarQube</g)].length, 0);
});

test('a reader by keyboard and ear finds landmarks, one heading of the first level, no level left out, and named tables', async () => {
  const { page } = await openPage(sonarqubeDocument({ findings: 20 }));
  const found = await page.evaluate(`(() => {
    const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName.slice(1)));
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    return {
      landmarks: ['header', 'nav[aria-label]', 'main', 'footer'].map((selector) => document.querySelectorAll(selector).length),
      first: levels.filter((level) => level === 1).length,
      jumps: levels.filter((level, index) => index > 0 && level > levels[index - 1] + 1).length,
      unnamed: [...document.querySelectorAll('table')].filter((table) => !table.caption && !table.hasAttribute('aria-labelledby')).length,
      headless: [...document.querySelectorAll('th')].filter((head) => !head.hasAttribute('scope')).length,
      twice: ids.length - new Set(ids).size,
      dangling: [...document.querySelectorAll('a[href^="#"]')].filter((link) => !document.querySelector(link.getAttribute('href'))).length,
    };
  })()`);
  await page.keyboard.press('Tab');
  const skip = await page.evaluate(`document.activeElement.getAttribute('href')`);
  await page.close();
  assert.deepEqual(found, { landmarks: [1, 1, 1, 1], first: 1, jumps: 0, unnamed: 0, headless: 0, twice: 0, dangling: 0 });
  assert.equal(skip, '#main');
});

test('the filters work by keyboard and without a script, and paper shows everything', async () => {
  const { page } = await openPage(sampleDocument({ findings: 120 }));
  const visible = (): Promise<number> => page.locator('#findings ~ .g .f:visible').count();
  assert.equal(await visible(), 120);
  await page.focus('#s1');
  await page.keyboard.press('Space');
  const blockers = await visible();
  assert.equal(blockers, await page.locator('.g.s1 .f').count());
  await page.check('#h-new', { force: true });
  assert.equal((await visible()) < blockers, true);
  await page.emulateMedia({ media: 'print' });
  assert.equal(await visible(), 120);
  await page.close();
});

test('what was not assessed is told as such and is no A anywhere', () => {
  const text = pageOf(sampleDocument({ notAssessed: true }));
  const body = text.slice(text.indexOf('<main'), text.indexOf('id="method"'));
  assert.equal(body.includes('Not assessed'), true);
  assert.equal(body.includes('class="badge A"'), false);
  assert.match(body, /This is not an A: nothing is known\./);
  assert.doesNotMatch(body, /<dd>0<\/dd>|0 open findings/);
});

test('a cut is said, with both numbers', () => {
  const text = pageOf(sampleDocument({ findings: 10, findingsTotal: 34_567 }));
  assert.match(text, /the worst 10 of 34,567 open findings/);
  assert.doesNotMatch(text, /Nothing was left out/);
});

test('the same document gives the same page', () => {
  assert.equal(pageOf(sampleDocument({ language: 'ru' })), pageOf(sampleDocument({ language: 'ru' })));
});

test('the most findings that a page shows come in small pieces', () => {
  let largest = 0;
  let pieces = 0;
  for (const piece of renderHtml(sampleDocument({ findings: findingsShownMax }))) {
    largest = Math.max(largest, piece.length);
    pieces += 1;
  }
  assert.equal(pieces > findingsShownMax, true);
  assert.equal(largest < 64 * 1024, true);
});

function luminance(colour: string): number {
  const full = colour.length === 4 ? colour.replace(/[\da-f]/gi, '$&$&') : colour;
  const parts = [1, 3, 5].map((at) => Number.parseInt(full.slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = parts.map((part) => (part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

test('text stands out from what is behind it, light and dark (WCAG AA: 4.5)', () => {
  const values = (block: string): Record<string, string> =>
    Object.fromEntries([...block.matchAll(/--(\w+): (#\w+)/g)].map(([, name, value]) => [name, value]));
  const [light = '', dark = ''] = [...style.matchAll(/:root \{[^}]*--ink[^}]*\}/g)].map(([block]) => block);
  for (const colours of [values(light), values(dark)]) {
    for (const text of ['ink', 'muted', 'accent']) {
      for (const back of ['bg', 'card', 'soft'])
        assert.equal(contrast(colours[text] ?? '', colours[back] ?? '') >= 4.5, true, `${text} on ${back}`);
    }
    assert.equal(contrast(colours['card'] ?? '', colours['accent'] ?? '') >= 4.5, true);
  }
  for (const letter of ['a', 'b', 'c', 'd', 'e']) assert.equal(contrast(values(light)[letter] ?? '', '#ffffff') >= 4.5, true, letter);
  for (const [text, back] of [
    ['#ff8f83', '#141d24'],
    ['#63c992', '#141d24'],
  ] as const)
    assert.equal(contrast(text, back) >= 4.5, true);
});
