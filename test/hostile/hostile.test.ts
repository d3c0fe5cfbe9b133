import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';
import type { App } from '../../src/app.ts';
import { buildApp } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { readConfiguration } from '../../src/configuration.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { findChromium } from '../run/chromium.ts';
import { readZip } from './unzip.ts';
import { hostileLogs } from './logs.ts';

// A real server takes in files that were written to do harm. Looked at from outside: the analysis ends as it must, the reports are all there,
// the page runs no script in Chromium, the PDF is one, and no entry of the archive leaves its folder.

interface Stage {
  readonly app: App;
  readonly browser: Browser;
  readonly url: string;
  readonly token: string;
  readonly organization: string;
  readonly directory: string;
}

let stage: Stage;
/** What is open is closed, however far the stage came: an open server would keep this file from ending. */
const endings: (() => Promise<void>)[] = [];

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-hostile-'));
  endings.push(() => rm(directory, { recursive: true, force: true }));
  const app = await buildApp(readConfiguration({ GATEPOST_DATA: directory, GATEPOST_PORT: '0', GATEPOST_LOG: 'silent' }));
  endings.push(() => app.stop());
  const url = await app.start();
  const { organization, token } = await app.database.write((tx) =>
    createOrganization({ tx, name: '<img src=x onerror=alert(1)>', actor: 'cli', ids: createIdentifiers(), clock: systemClock }),
  );
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-gpu'],
  });
  endings.push(() => browser.close());
  stage = { app, browser, url, token: token.token, organization: organization.id, directory };
});

after(async () => {
  for (const end of endings.toReversed()) await end();
});

interface Shown {
  readonly status: string;
  readonly error?: { readonly code: string };
  readonly totals?: { readonly open: number };
  readonly reports: readonly { readonly id: string }[];
}

async function take(bytes: Buffer, version: string, project = 'hostile'): Promise<Shown> {
  const headers = { authorization: `Bearer ${stage.token}`, 'content-type': 'application/sarif+json' };
  const sent = await fetch(
    `${stage.url}/v1/projects/${project}/analyses?version=${encodeURIComponent(version)}&branch=${encodeURIComponent('../<b>')}`,
    { method: 'POST', headers, body: new Uint8Array(bytes) },
  );
  assert.equal(sent.status, 202);
  const { id } = (await sent.json()) as { id: string };
  for (;;) {
    const shown = (await (await fetch(`${stage.url}/v1/analyses/${id}`, { headers })).json()) as Shown;
    if (shown.status === 'done' || shown.status === 'failed') return shown;
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Opens a page as a person would who got it by mail. Answers what it tried to do. */
async function open(html: Buffer): Promise<readonly string[]> {
  const tried: string[] = [];
  const page = await stage.browser.newPage();
  page.on('dialog', (dialog) => void dialog.dismiss().then(() => tried.push('dialog')));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:') && request.url() !== 'http://report.test/') tried.push(request.url());
  });
  await page.route('**/*', (route) =>
    route.request().url() === 'http://report.test/'
      ? route.fulfill({ body: html, contentType: 'text/html; charset=utf-8' })
      : route.abort(),
  );
  await page.goto('http://report.test/', { waitUntil: 'load' });
  // Runs in the page, where there is a window.
  if ((await page.evaluate('typeof window.pwned')) !== 'undefined') tried.push('script');
  if (Number(await page.evaluate('document.scripts.length')) > 0) tried.push('script element');
  await page.close();
  return tried;
}

for (const [number, { name, bytes, expect }] of hostileLogs.entries()) {
  test(`${name}: the reports come out right and harmless`, { timeout: 120_000 }, async () => {
    const shown = await take(bytes, `1.${number}`);
    if ('code' in expect) {
      assert.equal(shown.status, 'failed');
      assert.equal(shown.error?.code, expect.code);
      assert.deepEqual(shown.reports, []);
      return;
    }
    assert.equal(shown.status, 'done', JSON.stringify(shown.error));
    assert.equal(shown.totals?.open, expect.open);
    assert.equal(shown.reports.length, 2);
    const ids = shown.reports.map((report) => `reports=${report.id}`).join('&');
    const zip = Buffer.from(await (await fetch(`${stage.url}/security/report/files?org=${stage.organization}&${ids}`)).arrayBuffer());
    const entries = await readZip(zip);
    const root = resolve('/unpacked');
    for (const [entry, content] of entries) {
      assert.ok(resolve(root, entry).startsWith(root + sep), entry);
      assert.doesNotMatch(entry, /[\p{Cc}\\:<>"|?*]/u);
      if (entry.endsWith('report.pdf')) assert.equal(content.subarray(0, 5).toString(), '%PDF-');
      if (entry.endsWith('.json') || entry.endsWith('findings.sarif')) JSON.parse(content.toString('utf8'));
      if (entry.endsWith('report.html')) assert.deepEqual(await open(content), []);
    }
    for (const file of ['report.html', 'report.pdf', 'findings.json', 'findings.sarif']) {
      assert.equal([...entries.keys()].filter((entry) => entry.endsWith(`/${file}`)).length, 2, file);
    }
  });
}

test('versions and branches that lead out of the folder do not', async () => {
  const bytes = hostileLogs[0]?.bytes ?? Buffer.alloc(0);
  for (const version of ['../../../etc', 'C:\\x', 'CON', '. .', '<script>']) {
    const shown = await take(bytes, version, 'tricks');
    assert.equal(shown.status, 'done');
    const zip = await fetch(`${stage.url}/security/report/files?org=${stage.organization}&reports=${shown.reports[0]?.id}`);
    for (const entry of (await readZip(Buffer.from(await zip.arrayBuffer()))).keys()) {
      assert.ok(resolve('/unpacked', entry).startsWith(resolve('/unpacked') + sep), entry);
      assert.doesNotMatch(entry, /(^|\/)(\.\.?|CON)(\/|$)/);
    }
  }
});

test('nothing of the hostile files has changed the process itself', () => {
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});
