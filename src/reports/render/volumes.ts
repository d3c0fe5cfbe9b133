import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { findingsOfVolumeMax } from '../report.ts';
import type { ReportDocument, ReportedFinding } from '../report.ts';
import type { Volume } from './pdf-data.ts';
import { messageCharactersShown, nameCharactersShown } from './pdf-data.ts';
import { headOf } from './sections.ts';
import type { ReportHead } from './sections.ts';

/**
 * A document as lines of JSON: its head, then a line for each finding and each one set aside. So nobody needs to hold all of it,
 * and each PDF is made from a file of just what it shows.
 */
export type DocumentLine = { readonly head: ReportHead } | { readonly finding: ReportedFinding } | { readonly setAside: ReportedFinding };

/** Characters of text in one PDF: with long messages a volume ends before its 2,000 findings, since memory goes by the letters set. */
export const volumeCharactersMax = 1_000_000;
/** So many set aside may follow in a volume that its findings have filled: no file of its own for the last few. */
export const setAsideBesideMax = 200;
const lineBufferCharacters = 65_536;
/** What each entry takes beside its own texts. */
const entryCharacters = 120;

export function* documentLines(document: ReportDocument): Generator<DocumentLine> {
  yield { head: headOf(document) };
  for (const finding of document.findings) yield { finding };
  for (const setAside of document.setAside) yield { setAside };
}

/** Writes a document for `renderPdfOfFile`. */
export async function writeDocument(document: ReportDocument, path: string): Promise<void> {
  const file = await openLines(path);
  for (const line of documentLines(document)) await file.write(line);
  await file.end();
}

/** Splits at LF alone: `readline` takes U+2028 for the end of a line too, and that may stand inside a text. */
export async function* readDocument(path: string): AsyncGenerator<DocumentLine> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as DocumentLine;
  }
  if (rest !== '') yield JSON.parse(rest) as DocumentLine;
}

export interface VolumeFile extends Omit<Volume, 'findings' | 'setAside'> {
  /** Where its lines are. */
  readonly lines: string;
  readonly name: string;
}

interface Part {
  readonly lines: string;
  readonly findingsBefore: number;
  readonly setAsideBefore: number;
  findings: number;
  setAside: number;
}

/** Deals a document out into files of one PDF each, holding one line at a time. */
export async function splitIntoVolumes(
  document: Iterable<DocumentLine> | AsyncIterable<DocumentLine>,
  directory: string,
): Promise<readonly VolumeFile[]> {
  const parts: Part[] = [];
  let head: DocumentLine | undefined;
  let file: LineFile | undefined;
  let characters = 0;
  const total = { findings: 0, setAside: 0 };

  const next = async (): Promise<void> => {
    await file?.end();
    const lines = join(directory, `volume-${parts.length + 1}.ndjson`);
    parts.push({ lines, findingsBefore: total.findings, setAsideBefore: total.setAside, findings: 0, setAside: 0 });
    file = await openLines(lines);
    characters = 0;
    if (head !== undefined) await file.write(head);
  };
  for await (const line of document) {
    if ('head' in line) {
      head = line;
      await next();
      continue;
    }
    const key = 'finding' in line ? 'findings' : 'setAside';
    const length = charactersOf('finding' in line ? line.finding : line.setAside);
    const current = parts.at(-1);
    if (current === undefined || isFull(current, key, characters + length)) await next();
    characters += length;
    total[key] += 1;
    const part = parts.at(-1);
    if (part !== undefined) part[key] += 1;
    await file?.write(line);
  }
  await file?.end();
  return parts.map((part, index) => volumeFile(part, index, parts));
}

function isFull(part: Part, key: 'findings' | 'setAside', characters: number): boolean {
  const entries = part.findings + part.setAside;
  const entriesMax = findingsOfVolumeMax + (key === 'setAside' ? setAsideBesideMax : 0);
  return entries > 0 && (entries >= entriesMax || characters > volumeCharactersMax);
}

function charactersOf(finding: ReportedFinding): number {
  const { rule, ruleName = '', message, place, suppression } = finding;
  const names = [rule, ruleName, place?.path ?? '', suppression?.justification ?? '', suppression?.by ?? ''];
  return names.reduce(
    (sum, name) => sum + weightOf(name, nameCharactersShown),
    entryCharacters + weightOf(message, messageCharactersShown),
  );
}

/** What is not ASCII counts twice: its glyphs are larger, or it is shown as an escape. */
function weightOf(text: string, charactersMax: number): number {
  const shown = text.slice(0, charactersMax);
  return shown.length + (shown.match(/[^\0-\x7F]/g)?.length ?? 0);
}

function volumeFile(part: Part, index: number, parts: readonly Part[]): VolumeFile {
  const later = (key: 'findings' | 'setAside'): readonly string[] =>
    parts.flatMap((other, at) => (at > index && other[key] > 0 ? [volumeName(at)] : []));
  const { lines, findingsBefore, setAsideBefore } = part;
  return {
    part: index + 1,
    parts: parts.length,
    name: volumeName(index),
    lines,
    findingsBefore,
    setAsideBefore,
    laterFindings: later('findings'),
    laterSetAside: later('setAside'),
  };
}

function volumeName(index: number): string {
  return index === 0 ? 'report.pdf' : `report-${index + 1}.pdf`;
}

interface LineFile {
  write(line: DocumentLine): Promise<void>;
  end(): Promise<void>;
}

async function openLines(path: string): Promise<LineFile> {
  const file = await open(path, 'w');
  let waiting = '';
  const flush = async (): Promise<void> => {
    const text = waiting;
    waiting = '';
    await file.writeFile(text);
  };
  return {
    async write(line) {
      waiting += `${JSON.stringify(line)}\n`;
      if (waiting.length > lineBufferCharacters) await flush();
    },
    async end() {
      try {
        await flush();
      } finally {
        await file.close();
      }
    },
  };
}
