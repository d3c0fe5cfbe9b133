import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import type { ReportedFinding } from '../report.ts';
import { createPrintCleaner } from '../../http/pages/clean.ts';
import { claimUniversalAccess } from './conformance.ts';
import { chooseFonts, fontFamilies } from './fonts.ts';
import type { ChosenFonts } from './fonts.ts';
import { catalogues, textsOf } from './messages.ts';
import type { PdfJob, PdfOutcome } from './pdf.ts';
import { messageCharactersShown, pdfData } from './pdf-data.ts';
import type { ReportHead } from './sections.ts';
import { readDocument } from './volumes.ts';

/** One PDF, in a process of its own: Typst blocks its thread and never gives memory back. Reads one file, writes one, and ends. */
const niceness = 10;

process.once('message', (job: PdfJob) => {
  setPriority(niceness);
  void outcomeOf(job).then((outcome) => {
    process.send?.(outcome, () => process.disconnect());
  });
});
// The server is gone: nobody waits for this any more.
process.once('disconnect', () => process.exit());

async function outcomeOf(job: PdfJob): Promise<PdfOutcome> {
  try {
    return { pages: await makePdf(job) };
  } catch (error) {
    const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
    return full ? { failure: error.message, full } : { failure: usefulPart(error) };
  }
}

async function makePdf(job: PdfJob): Promise<number> {
  const { head, findings, setAside } = await readVolume(job.volume.lines);
  const texts = textsOf(head.language);
  const fonts = chooseFonts(head.language, codePointsOf([head, findings, setAside, catalogues[head.language]]));
  const data = pdfData({
    section: { document: head, texts },
    volume: { ...job.volume, findings, setAside },
    clean: createPrintCleaner(fonts.covers),
    fonts: fonts.keys.map((key) => fontFamilies[key].name),
  });
  const { pdf, pages } = typeset(data, fonts, job.workspace);
  writeFileSync(job.output, claimUniversalAccess(pdf));
  return pages;
}

function typeset(data: object, fonts: ChosenFonts, workspace: string): { readonly pdf: Buffer; readonly pages: number } {
  const fontBlobs = fonts.keys.flatMap((key) => [readFileSync(fontFamilies[key].regular), readFileSync(fontFamilies[key].bold)]);
  const compiler = NodeCompiler.create({ workspace, fontArgs: [{ fontBlobs }] });
  const main = join(workspace, 'main.typ');
  compiler.addSource(main, readFileSync(new URL('template.typ', import.meta.url), 'utf8'));
  compiler.mapShadow(join(workspace, 'data.json'), Buffer.from(JSON.stringify(data)));
  const compiled = compiler.compile({ mainFilePath: main });
  if (compiled.result === null) {
    throw new Error(JSON.stringify(compiled.takeError()?.shortDiagnostics));
  }
  // The first export is thrown away: it refuses what PDF/UA-1 does not allow, which the other standard would let pass.
  compiler.pdf(compiled.result, { pdfStandard: 'ua-1' });
  return { pdf: compiler.pdf(compiled.result, { pdfStandard: 'a-2a' }), pages: compiled.result.numOfPages };
}

async function readVolume(
  path: string,
): Promise<{ readonly head: ReportHead; readonly findings: ReportedFinding[]; readonly setAside: ReportedFinding[] }> {
  let head: ReportHead | undefined;
  const findings: ReportedFinding[] = [];
  const setAside: ReportedFinding[] = [];
  for await (const line of readDocument(path)) {
    if ('head' in line) head = line.head;
    else if ('finding' in line) findings.push(line.finding);
    else setAside.push(line.setAside);
  }
  if (head === undefined) {
    throw new Error('a volume without a head');
  }
  return { head, findings, setAside };
}

/** Every character that may be shown: of all texts, however deep, as far as a text is shown at all. */
function codePointsOf(value: unknown, found = new Set<number>()): Set<number> {
  if (typeof value === 'string') {
    for (const character of value.slice(0, messageCharactersShown).normalize('NFC')) found.add(character.codePointAt(0) ?? 0);
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) codePointsOf(part, found);
  }
  return found;
}

/** Typst's errors are dumps of its own data: what helps is the message in it. */
function usefulPart(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const messages = [...text.matchAll(/"?message"?: ?"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '');
  return (messages.length > 0 ? messages.join('; ') : text).slice(0, 500);
}
