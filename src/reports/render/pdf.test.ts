import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { hostileDocument, hostileTexts } from '../../../test/pdf/hostile.ts';
import { sampleDocument } from '../../../test/pdf/document.ts';
import { sonarqubeDocument } from '../../../test/pdf/sonarqube.ts';
import { GatepostError } from '../../errors.ts';
import { findingsOfVolumeMax, languages } from '../report.ts';
import type { ReportDocument } from '../report.ts';
import { claimUniversalAccess } from './conformance.ts';
import { createPrintCleaner } from '../../http/pages/clean.ts';
import { coverageOf, fontFamilies } from './fonts.ts';
import { textsOf } from './messages.ts';
import { messageLinesShown, pdfData } from './pdf-data.ts';
import { renderPdf, renderPdfOfFile } from './pdf.ts';
import { headOf } from './sections.ts';
import { documentLines, setAsideBesideMax, splitIntoVolumes, volumeCharactersMax, writeDocument } from './volumes.ts';

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-pdf-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function onePdf(t: TestContext, document: ReportDocument): Promise<Buffer> {
  const [file] = await renderPdf(document, { directory: directoryOf(t) });
  return readFileSync(file?.path ?? '');
}

for (const language of languages) {
  test(`the same document gives the same bytes, tagged and claiming both standards (${language})`, async (t) => {
    const document = sampleDocument({ language, findings: 12 });
    const [first, second] = [await onePdf(t, document), await onePdf(t, document)];
    assert.equal(first.equals(second), true);
    const text = first.toString('latin1');
    assert.match(text, /<pdfuaid:part>1<\/pdfuaid:part><pdfaid:part>2<\/pdfaid:part><pdfaid:conformance>A</);
    assert.match(text, /\/DisplayDocTitle true/);
    assert.match(text, new RegExp(`/Lang \\(${language}\\)`));
    assert.match(text, /\/Marked true/);
  });
}

test('a document from a file gives the bytes of the document itself, and nothing else is left behind', async (t) => {
  const document = sampleDocument({ findings: 5 });
  const directory = directoryOf(t);
  await writeDocument(document, join(directory, 'document.ndjson'));
  const [file] = await renderPdfOfFile(join(directory, 'document.ndjson'), { directory });
  assert.equal(readFileSync(file?.path ?? '').equals(await onePdf(t, document)), true);
  assert.deepEqual(readdirSync(directory).sort(), ['document.ndjson', 'report.pdf']);
});

test('gate, hotspots and links back are in the PDF, and only links of the web', async (t) => {
  const document = sonarqubeDocument({ findings: 4, setAside: 4, conditions: 30, language: 'ja' });
  const text = (await onePdf(t, document)).toString('latin1');
  const linked = new Set([...text.matchAll(/\/URI \(([^)]*)\)/g)].map(([, url]) => url));
  for (const { url = '' } of [...document.findings, ...document.setAside]) assert.ok(linked.has(url), url);
  assert.ok(linked.has('https://sonar.example.test/dashboard?id=harbour'));
  const facts = { serverUrl: 'javascript:alert(1)', projectUrl: 'file:///etc/passwd' };
  const poisoned = sonarqubeDocument({
    findings: 1,
    setAside: 0,
    facts,
    change: (finding) => ({ ...finding, url: 'javascript:alert(1)' }),
  });
  assert.doesNotMatch((await onePdf(t, poisoned)).toString('latin1'), /\/URI \((javascript|file)/);
});

for (const name of [
  'in brackets and long',
  'surrogates',
  'noncharacters',
  'emoji',
  'marks',
  'lines',
  'xmp',
  'catalogue',
  'typst commands',
  'empty',
]) {
  test(`hostile text is typeset as text: ${name}`, async (t) => {
    const pdf = await onePdf(t, hostileDocument(hostileTexts[name] ?? '', { findings: 3 }));
    assert.match(pdf.toString('latin1'), /<pdfuaid:part>1</);
  });
}

test('a document that says nothing was assessed has no letter in its data', () => {
  const document = sampleDocument({ notAssessed: true });
  const volume = {
    part: 1,
    parts: 1,
    findingsBefore: 0,
    findings: [],
    setAsideBefore: 0,
    setAside: [],
    laterFindings: [],
    laterSetAside: [],
  };
  const clean = createPrintCleaner(coverageOf(fontFamilies.sans.regular));
  const data = pdfData({ section: { document: headOf(document), texts: textsOf('en') }, volume, clean, fonts: ['Noto Sans'] });
  const { first } = JSON.parse(JSON.stringify(data)) as {
    first: { verdict: { rating: string; ratingText: string }; categories: string[][] };
  };
  assert.equal(first.verdict.rating, '');
  assert.equal(first.verdict.ratingText, 'Not assessed');
  assert.equal(
    first.categories.every((row) => row[4] === ''),
    true,
  );
});

test('an entry is never higher than a page: lines of a message are bounded too', () => {
  const document = sampleDocument({ findings: 1, change: (finding) => ({ ...finding, message: 'x\n'.repeat(400) }) });
  const volume = { part: 1, parts: 1, findingsBefore: 0, setAsideBefore: 0, setAside: [], laterFindings: [], laterSetAside: [] };
  const clean = createPrintCleaner(coverageOf(fontFamilies.sans.regular));
  const section = { document: headOf(document), texts: textsOf('en') };
  const data = pdfData({ section, volume: { ...volume, findings: document.findings }, clean, fonts: [] });
  const { groups } = JSON.parse(JSON.stringify(data)) as { groups: { rows: string[][] }[] };
  const message = groups[0]?.rows[0]?.[2] ?? '';
  assert.equal(message.split('\n').length, messageLinesShown);
  assert.match(message, /\[shortened\]$/);
});

async function volumesOf(t: TestContext, document: ReportDocument): Promise<readonly (readonly number[])[]> {
  const volumes = await splitIntoVolumes(documentLines(document), directoryOf(t));
  return volumes.map(({ lines }) => {
    const kinds = readFileSync(lines, 'utf8').trimEnd().split('\n');
    return [kinds.filter((line) => line.startsWith('{"finding"')).length, kinds.filter((line) => line.startsWith('{"setAside"')).length];
  });
}

test('2,000 findings are one file, 2,001 are two, and a few set aside get no file of their own', async (t) => {
  assert.deepEqual(await volumesOf(t, sampleDocument({ findings: findingsOfVolumeMax, setAside: setAsideBesideMax })), [[2_000, 200]]);
  assert.deepEqual(await volumesOf(t, sampleDocument({ findings: findingsOfVolumeMax, setAside: setAsideBesideMax + 1 })), [
    [2_000, 200],
    [0, 1],
  ]);
  assert.deepEqual(await volumesOf(t, sampleDocument({ findings: findingsOfVolumeMax + 1, setAside: 3 })), [
    [2_000, 0],
    [1, 3],
  ]);
});

test('a volume with long messages ends before its characters exceed the limit', async (t) => {
  const long = sampleDocument({ findings: 1_500, setAside: 0, change: (finding) => ({ ...finding, message: 'word '.repeat(3_000) }) });
  const volumes = await volumesOf(t, long);
  assert.equal(volumes.length, Math.ceil((1_500 * 1_200) / volumeCharactersMax));
  assert.equal(
    volumes.reduce((sum, [findings = 0]) => sum + findings, 0),
    1_500,
  );
});

test('the second file says what it is, and the first where to go on', async (t) => {
  const directory = directoryOf(t);
  const files = await renderPdf(sampleDocument({ findings: findingsOfVolumeMax + 20 }), { directory });
  assert.deepEqual(
    files.map(({ name }) => name),
    ['report.pdf', 'report-2.pdf'],
  );
  const [first = 0, second = 0] = files.map(({ path }) => readFileSync(path).length);
  assert.equal(first > second, true);
});

function isPdfFailure(reason: string, pattern: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof GatepostError && error.code === 'pdf_failed' && error.details?.reason === reason && pattern.test(error.message);
}

test('a maker that takes too much memory is ended, and the error says so', async (t) => {
  const options = { directory: directoryOf(t), memoryBytesMax: 20 * 1024 * 1024 };
  await assert.rejects(renderPdf(sampleDocument({ findings: 1_000 }), options), isPdfFailure('memory', /20971520 bytes/));
});

test('a maker that takes too long is ended, and the error says so', async (t) => {
  const options = { directory: directoryOf(t), timeMsMax: 20 };
  await assert.rejects(renderPdf(sampleDocument(), options), isPdfFailure('time', /not done after 20 ms/));
});

test('a maker that is killed is an error, and what it worked on is removed', async (t) => {
  const directory = directoryOf(t);
  const made = renderPdf(sampleDocument({ findings: 2_000 }), { directory });
  const killer = setInterval(() => killMakers(), 5);
  t.after(() => clearInterval(killer));
  await assert.rejects(made, isPdfFailure('lost', /ended by SIGKILL/));
  assert.deepEqual(readdirSync(directory), []);
});

/** Ends the children of this very process that make PDFs, found by the parent's id in /proc. */
function killMakers(): void {
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'latin1'))?.[1];
      const isMaker = readFileSync(`/proc/${id}/cmdline`, 'latin1').includes('pdf-child');
      if (Number(parent) === process.pid && isMaker) process.kill(Number(id), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

test('a full disk is told as such', async (t) => {
  const directory = directoryOf(t);
  symlinkSync('/dev/full', join(directory, 'report.pdf'));
  await assert.rejects(renderPdf(sampleDocument({ findings: 1 }), { directory }), { code: 'storage_full', kind: 'storage_full' });
});

test('an abort ends the maker and throws what the abort says', async (t) => {
  const controller = new AbortController();
  const made = renderPdf(sampleDocument({ findings: 500 }), { directory: directoryOf(t), signal: controller.signal });
  setTimeout(() => controller.abort(new Error('the server stops')), 150);
  await assert.rejects(made, /the server stops/);
});

test('what Typst refuses comes back as its own words', async (t) => {
  const document = { ...sampleDocument({ findings: 1 }), madeAt: 'no date' };
  await assert.rejects(
    renderPdf(document, { directory: directoryOf(t) }),
    isPdfFailure('typesetting', /could not be made: (?!.*SourceDiagnostic)\w+/),
  );
});

test('a PDF of another shape is refused rather than claimed to be what it is not', () => {
  assert.throws(() => claimUniversalAccess(Buffer.from('%PDF-1.7\nstartxref\n0\n%%EOF')), /no trailer where it was expected/);
  assert.throws(() => claimUniversalAccess(Buffer.from('nothing')), /no startxref/);
});
