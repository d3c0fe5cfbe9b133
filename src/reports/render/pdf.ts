import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GatepostError } from '../../errors.ts';
import type { ReportDocument } from '../report.ts';
import { documentLines, readDocument, splitIntoVolumes } from './volumes.ts';
import type { DocumentLine, VolumeFile } from './volumes.ts';

/** Resident memory of one maker of PDFs. 2,000 findings take about 270 MB; heap flags do not see Typst's memory, so it is watched. */
export const pdfMemoryBytesMax = 700 * 1024 * 1024;
/** For one PDF. 2,000 findings take about 2 s. */
export const pdfTimeMsMax = 120_000;
const memoryLookMs = 50;
/** Two processes, of some 250 MB each: a third would go past the 600 MB that the making of reports may take in all. */
export const volumesAtOnce = 2;
const stderrCharactersMax = 2_000;

export interface PdfOptions {
  /** Where the files go. */
  readonly directory: string;
  readonly signal?: AbortSignal;
  readonly memoryBytesMax?: number;
  readonly timeMsMax?: number;
}

export interface PdfFile {
  readonly name: string;
  readonly path: string;
}

/** What a child is told, and what it answers. */
export interface PdfJob {
  readonly volume: VolumeFile;
  readonly workspace: string;
  readonly output: string;
}
export type PdfOutcome = { readonly pages: number } | { readonly failure: string; readonly full?: boolean };

/**
 * Makes `report.pdf`, and `report-2.pdf` and on where one file cannot hold all findings: PDF/A-2a and PDF/UA-1, the same bytes for the same
 * document. A child process each, `volumesAtOnce` at a time, so memory does not grow with the number of findings. What goes wrong is
 * `pdf_failed`, with the reason, or `storage_full`; an abort throws the signal's reason, and no child is left behind.
 */
export function renderPdf(document: ReportDocument, options: PdfOptions): Promise<readonly PdfFile[]> {
  return renderLines(documentLines(document), options);
}

/** The same from a file of `writeDocument`, so that the caller need not keep the document in memory. */
export function renderPdfOfFile(path: string, options: PdfOptions): Promise<readonly PdfFile[]> {
  return renderLines(readDocument(path), options);
}

async function renderLines(
  document: Iterable<DocumentLine> | AsyncIterable<DocumentLine>,
  options: PdfOptions,
): Promise<readonly PdfFile[]> {
  const workspace = await mkdtemp(join(options.directory, 'pdf-'));
  try {
    const volumes = await splitIntoVolumes(document, workspace);
    const files = volumes.map(({ name }) => ({ name, path: join(options.directory, name) }));
    const waiting = volumes.entries();
    const failure = new AbortController();
    const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
    const makeSome = async (): Promise<void> => {
      for (const [number, volume] of waiting) {
        signal.throwIfAborted();
        try {
          await runChild({ volume, workspace, output: files[number]?.path ?? '' }, { ...options, signal });
        } catch (error) {
          // The others would be made for nothing.
          failure.abort(error);
          throw error;
        }
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: volumesAtOnce }, makeSome));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return files;
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

/** Beside this file, with its extension: `.ts` from the sources, `.js` in the package. */
const childPath = fileURLToPath(new URL(`pdf-child${extname(import.meta.url)}`, import.meta.url));

function startChild(): ChildProcess {
  return fork(childPath, [], {
    execArgv: ['--max-old-space-size=256'],
    // No variable of the server's gets here. One arena and one thread: less memory, and no slower for one document.
    env: { MALLOC_ARENA_MAX: '1', RAYON_NUM_THREADS: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

function runChild(job: PdfJob, options: PdfOptions): Promise<void> {
  const { signal, memoryBytesMax = pdfMemoryBytesMax, timeMsMax = pdfTimeMsMax } = options;
  return new Promise((resolve, reject) => {
    const child = startChild();
    let ending: Error | undefined;
    let outcome: PdfOutcome | undefined;
    let stderr = '';
    const end = (error: Error): void => {
      ending ??= error;
      child.kill('SIGKILL');
    };
    const onAbort = (): void => end(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    const clock = setTimeout(() => end(failed('time', `not done after ${timeMsMax} ms`)), timeMsMax);
    const watch = setInterval(() => {
      if (memoryOf(child.pid) > memoryBytesMax) end(failed('memory', `more than ${memoryBytesMax} bytes of memory`));
    }, memoryLookMs);
    signal?.addEventListener('abort', onAbort, { once: true });

    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-stderrCharactersMax);
    });
    child.once('message', (message) => {
      outcome = message as PdfOutcome;
    });
    child.once('error', (error) => {
      ending ??= failed('lost', error.message);
    });
    child.once('close', (code, killedBy) => {
      clearTimeout(clock);
      clearInterval(watch);
      signal?.removeEventListener('abort', onAbort);
      if (ending !== undefined) reject(ending);
      else if (outcome === undefined) reject(failed('lost', `the process ended by ${killedBy ?? code}`, stderr));
      else if ('failure' in outcome) reject(outcome.full === true ? storageFull(outcome.failure) : failed('typesetting', outcome.failure));
      else resolve();
    });
    child.send(job, (error) => {
      if (error !== null) end(failed('lost', error.message));
    });
  });
}

type FailureReason = 'memory' | 'time' | 'lost' | 'typesetting';

function failed(reason: FailureReason, text: string, cause?: string): GatepostError {
  const options = { details: { reason } };
  return new GatepostError('internal', 'pdf_failed', `The PDF could not be made: ${text}`, cause ? { ...options, cause } : options);
}

function storageFull(cause: string): GatepostError {
  return new GatepostError('storage_full', 'storage_full', 'There is no room left for the PDF', { cause });
}

/** Resident bytes of a process; 0 where the system does not tell (no /proc), which switches the watch off. */
function memoryOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
