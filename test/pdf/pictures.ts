// Makes the pictures in docs/img again: pages of the PDFs by pdftoppm (apt: poppler-utils), the HTML by Chromium. Look at each of them.
// node test/pdf/pictures.ts [DIRECTORY]
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { fontFamilies } from '../../src/reports/render/fonts.ts';
import { renderHtml } from '../../src/reports/render/html.ts';
import { renderPdf } from '../../src/reports/render/pdf.ts';
import { languages } from '../../src/reports/report.ts';
import type { Language, ReportDocument } from '../../src/reports/report.ts';
import { sampleDocument } from './document.ts';

const target = resolve(process.argv[2] ?? 'docs/img');
const workspace = mkdtempSync(join(tmpdir(), 'gatepost-pictures-'));
const resolution = 50;
const sizes = { desktop: { width: 1220, height: 780 }, phone: { width: 390, height: 844 } } as const;
const shots: readonly {
  readonly name: string;
  readonly language: Language;
  readonly size: keyof typeof sizes;
  readonly scheme: 'light' | 'dark';
  readonly at?: string;
}[] = [
  { name: 'html-en-desktop-light', language: 'en', size: 'desktop', scheme: 'light' },
  { name: 'html-en-desktop-dark', language: 'en', size: 'desktop', scheme: 'dark' },
  { name: 'html-en-desktop-categories', language: 'en', size: 'desktop', scheme: 'light', at: '#categories' },
  { name: 'html-en-desktop-coverage-dark', language: 'en', size: 'desktop', scheme: 'dark', at: '#trend' },
  { name: 'html-en-desktop-findings', language: 'en', size: 'desktop', scheme: 'light', at: '#findings' },
  { name: 'html-ja-desktop-findings-dark', language: 'ja', size: 'desktop', scheme: 'dark', at: '#findings' },
  { name: 'html-en-phone-light', language: 'en', size: 'phone', scheme: 'light' },
  { name: 'html-en-phone-categories', language: 'en', size: 'phone', scheme: 'light', at: '#categories' },
  { name: 'html-fr-phone-findings', language: 'fr', size: 'phone', scheme: 'light', at: '#findings' },
  { name: 'html-ru-phone-dark', language: 'ru', size: 'phone', scheme: 'dark' },
  { name: 'html-ko-phone-findings-dark', language: 'ko', size: 'phone', scheme: 'dark', at: '#findings' },
];

/** Chromium draws with the machine's fonts; so that CJK letters show anywhere, it is told where ours are. */
function fontConfiguration(): string {
  const folders = Object.values(fontFamilies).flatMap((family) => [dirname(family.regular), dirname(family.bold)]);
  const path = join(workspace, 'fonts.conf');
  writeFileSync(
    path,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${folders.map((folder) => `<dir>${folder}</dir>`).join('')}<include ignore_missing="yes">/etc/fonts/fonts.conf</include><cachedir>${workspace}/cache</cachedir></fontconfig>`,
  );
  return path;
}

async function pdfPictures(language: Language, document: ReportDocument): Promise<void> {
  const [file] = await renderPdf(document, { directory: workspace });
  if (file === undefined) throw new Error('no PDF');
  for (const [name, page] of [
    ['cover', 1],
    ['categories', 2],
    ['trend', 3],
    ['findings', 5],
  ] as const) {
    if (name !== 'cover' && name !== 'findings' && language !== 'en') continue;
    execFileSync('pdftoppm', ['-r', String(resolution), '-f', String(page), '-singlefile', '-png', file.path, join(workspace, 'page')]);
    renameSync(join(workspace, 'page.png'), join(target, `pdf-${language}-${name}.png`));
  }
}

async function htmlPicture(browser: Browser, shot: (typeof shots)[number]): Promise<void> {
  const path = join(workspace, `${shot.language}.html`);
  writeFileSync(path, [...renderHtml(sampleDocument({ language: shot.language, findings: 40 }))].join(''));
  const page = await browser.newPage({ viewport: sizes[shot.size], colorScheme: shot.scheme, reducedMotion: 'reduce' });
  await page.goto(pathToFileURL(path).href + (shot.at ?? ''));
  await page.waitForTimeout(200);
  await page.screenshot({ path: join(target, `${shot.name}.png`) });
  await page.close();
}

mkdirSync(target, { recursive: true });
for (const language of languages) await pdfPictures(language, sampleDocument({ language }));
await pdfPictures('en', sampleDocument());
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  env: { ...process.env, FONTCONFIG_FILE: fontConfiguration() },
});
for (const shot of shots) await htmlPicture(browser, shot);
await browser.close();
rmSync(workspace, { recursive: true });
