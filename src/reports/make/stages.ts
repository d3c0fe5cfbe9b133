import type { ErrorKind } from '../../errors.ts';
import { GatepostError } from '../../errors.ts';
import type { MadeArtifact, MakeJob, MakeOutcome } from './job.ts';
import { readFindings } from './read-stage.ts';
import type { ReadFindings } from './read-stage.ts';
import { writeReport } from './report-stage.ts';
import type { RenderHtml, WrittenReport } from './report-stage.ts';

/** From the file that `writeReport` left, so that no process holds the document beside a PDF in the making. */
export type RenderPdf = (
  document: string,
  options: { readonly directory: string },
) => Promise<readonly { readonly name: string; readonly path: string }[]>;

/** What a child process is asked: one stage, after which it ends and gives its memory back. */
export type StageRequest =
  | { readonly stage: 'read'; readonly job: MakeJob }
  | { readonly stage: 'pdf'; readonly reports: readonly { readonly document: string; readonly directory: string }[] };

export type ReadResult = Omit<MakeOutcome, 'reports'> & { readonly reports: readonly WrittenReport[] };
/** The PDFs of each report that was asked for. */
export type PdfResult = readonly (readonly MadeArtifact[])[];

export type StageAnswer =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false;
      readonly error: {
        readonly kind: ErrorKind;
        readonly code: string;
        readonly message: string;
        readonly details?: Readonly<Record<string, unknown>>;
        /** For the log, not for the caller. */
        readonly cause?: string;
      };
    };

/** What the stages lean on, each asked for when it is needed, so that no process loads what it does not use. */
export interface StageTools {
  readonly readSarif: () => Promise<ReadFindings>;
  readonly readSonarqube: () => Promise<ReadFindings>;
  readonly renderHtml: () => Promise<RenderHtml>;
  readonly renderPdf: () => Promise<RenderPdf>;
}

/** In the child process: waits for one request, answers it, ends. Ends at once when the parent is gone. */
export function serveStage(tools: StageTools): void {
  process.once('disconnect', () => process.exit(1));
  process.once('message', (request: StageRequest) => {
    void answer(request, tools).then((answered) => process.send?.(answered, undefined, undefined, () => process.exit(0)));
  });
}

async function answer(request: StageRequest, tools: StageTools): Promise<StageAnswer> {
  try {
    return { ok: true, result: request.stage === 'read' ? await read(request.job, tools) : await print(request.reports, tools) };
  } catch (error) {
    return { ok: false, error: told(error) };
  }
}

async function read(job: MakeJob, tools: StageTools): Promise<ReadResult> {
  const reading = await readFindings(job, await (job.kind === 'sonarqube' ? tools.readSonarqube() : tools.readSarif()));
  const renderHtml = await tools.renderHtml();
  const reports: WrittenReport[] = [];
  // What our own gate came to is told in the reports like one that was brought.
  const told = reading.gate === null ? job : { ...job, analysis: { ...job.analysis, gate: reading.gate } };
  for (const position of job.standards.keys()) reports.push(await writeReport({ job: told, reading, position, renderHtml }));
  const { findings, fingerprints, fixed } = reading.files;
  return { facts: reading.facts, findings, fingerprints, fixed, reports, gate: reading.gate };
}

async function print(reports: readonly { readonly document: string; readonly directory: string }[], tools: StageTools): Promise<PdfResult> {
  const renderPdf = await tools.renderPdf();
  const made: MadeArtifact[][] = [];
  for (const { document, directory } of reports) {
    const volumes = await renderPdf(document, { directory });
    made.push(volumes.map(({ name, path }) => ({ name, path, mediaType: 'application/pdf' })));
  }
  return made;
}

function told(error: unknown): Extract<StageAnswer, { ok: false }>['error'] {
  if (error instanceof GatepostError) {
    const { kind, code, message, details } = error;
    return { kind, code, message, ...(details === undefined ? {} : { details }) };
  }
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
    return { kind: 'storage_full', code: 'storage_full', message: 'There is no room left for the report files', cause };
  }
  return { kind: 'internal', code: 'making_failed', message: 'The reports could not be made', cause };
}
