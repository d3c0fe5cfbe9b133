import type { MakeJob, MakeOutcome } from './job.ts';
import { runStage } from './process.ts';
import type { StageLimits } from './process.ts';
import type { PdfResult, ReadResult } from './stages.ts';

/** Reading and evaluating: made for a scanner's file of 500 MB with half a million findings. */
export const readLimits: StageLimits = { rssBytesMax: 450 * 2 ** 20, ms: 20 * 60_000 };
/** Holding one document while its volumes are made in processes of their own. */
export const pdfLimits: StageLimits = { rssBytesMax: 400 * 2 ** 20, ms: 20 * 60_000 };

/** The child's program stands beside this file, as written or compiled. */
const childProgram = new URL(`./child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * Makes the reports of one analysis in child processes, one after the other: reading and counting, then the PDFs. All files lie in
 * `job.directory`. The children get no environment, see no database, run at low priority, and are killed when they need more memory or time
 * than they may and when `signal` aborts. What the scanner's file does wrong comes through as `readSarif` threw it;
 * `worker_lost` where a child died, `storage_full` where the disk is full, `making_failed` for a mistake of ours.
 */
export async function makeReports(
  job: MakeJob,
  options: { readonly signal?: AbortSignal; readonly program?: URL; readonly limits?: StageLimits } = {},
): Promise<MakeOutcome> {
  const { signal, program = childProgram } = options;
  const run = { program, ...(signal === undefined ? {} : { signal }) };
  const { reports, ...read } = await runStage<ReadResult>({ stage: 'read', job }, { ...run, limits: options.limits ?? readLimits });
  const changed = reports.filter((report) => !report.unchanged);
  const request = { stage: 'pdf', reports: changed.map(({ document, directory }) => ({ document, directory })) } as const;
  const pdfs = changed.length === 0 ? [] : await runStage<PdfResult>(request, { ...run, limits: options.limits ?? pdfLimits });
  return {
    ...read,
    reports: reports.map(({ document: _document, directory: _directory, ...report }) => {
      const volumes = pdfs[changed.findIndex((each) => each.reportId === report.reportId)] ?? [];
      const [page, ...rest] = report.artifacts;
      return { ...report, artifacts: page === undefined ? [] : [page, ...volumes, ...rest] };
    }),
  };
}
