import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Finding } from '../../analyses/finding.ts';
import { documentLines } from '../render/volumes.ts';
import type { ReportDocument } from '../report.ts';
import type { Standard } from '../standards/standard.ts';
import { createContentHash } from './content.ts';
import { detailsKnown } from './details.ts';
import { buildDocument } from './document.ts';
import { createEvaluator } from './evaluate.ts';
import { writeFindingsJson } from './findings-json.ts';
import { createFindingsSarif } from './findings-sarif.ts';
import type { MadeArtifact, MadeReport, MakeJob, StandardJob } from './job.ts';
import { createTextFile, readLines } from './lines.ts';
import { marksOf, standardOf } from './read-stage.ts';
import type { Reading } from './read-stage.ts';

/** Then the loop gets a turn, so that the process learns that its parent is gone. */
const linesAtOnce = 4_096;

export type RenderHtml = (document: ReportDocument) => Iterable<string>;

/** A report that is made but for its PDFs, and where its document lies until they are, as lines (render/volumes.ts). */
export interface WrittenReport extends MadeReport {
  readonly directory: string;
  readonly document: string;
}

/** Second half of the making, for one standard: one pass over the findings, then the files that need no PDF. */
export async function writeReport(options: {
  readonly job: MakeJob;
  readonly reading: Reading;
  readonly position: number;
  readonly renderHtml: RenderHtml;
}): Promise<WrittenReport> {
  const { job, reading, position } = options;
  const report = job.standards[position];
  if (report === undefined) throw new RangeError('There is no such standard in the job');
  const directory = join(job.directory, `report-${position + 1}`);
  mkdirSync(directory);
  const files = {
    findings: join(directory, 'findings.ndjson'),
    sarif: join(directory, 'findings.sarif'),
    document: join(directory, 'document.ndjson'),
  };
  const document = await evaluate({
    job,
    report,
    standard: standardOf(report.type, report.edition),
    reading,
    fixed: reading.fixed[position] ?? null,
    files,
  });
  const unchanged = report.unchangedContent === document.contentSha256;
  const artifacts = unchanged ? [] : writeArtifacts({ document, directory, findings: files.findings, renderHtml: options.renderHtml });
  if (!unchanged) writeText(files.document, linesOf(documentLines(document)));
  return {
    type: document.type,
    edition: document.edition,
    reportId: document.id,
    contentSha256: document.contentSha256,
    unchanged,
    assessed: document.assessed,
    rating: document.rating,
    vulnerabilitiesCount: document.vulnerabilitiesCount,
    categories: Object.fromEntries(document.categories.map((category) => [category.id, category.direct])),
    artifacts,
    directory,
    document: files.document,
  };
}

async function evaluate(options: {
  readonly job: MakeJob;
  readonly report: StandardJob;
  readonly standard: Standard;
  readonly reading: Reading;
  readonly fixed: number | null;
  readonly files: { readonly findings: string; readonly sarif: string };
}): Promise<ReportDocument> {
  const { job, report, standard, reading, files } = options;
  const { tools } = reading.facts;
  const evaluator = createEvaluator({
    standard,
    tools,
    previousCategories: report.previousCategories,
    details: detailsKnown(reading.facts),
  });
  const content = createContentHash();
  const findings = createTextFile(files.findings);
  const sarif = createFindingsSarif({ directory: job.directory, path: files.sarif, tools });
  const marks = readLines(reading.files.marks);
  const date = Date.parse(job.analysis.dateText);
  let lines = 0;
  for (const line of readLines(reading.files.findings)) {
    lines += 1;
    if (lines % linesAtOnce === 0) await setImmediate();
    const mark = marks.next();
    const finding = evaluator.add(JSON.parse(line) as Finding, marksOf(mark.done === true ? '' : mark.value, date));
    if (finding === null) continue;
    findings.write(`${JSON.stringify(finding)}\n`);
    sarif.add(finding);
    content.add(finding, finding.categories);
  }
  findings.close();
  const counted = buildDocument({ ...options, facts: reading.facts, evaluation: evaluator.result() });
  const contentSha256 = content.digest({ ...counted, contentDate: job.analysis.contentDate });
  const document = { ...counted, contentSha256 };
  sarif.close(document);
  return document;
}

function writeArtifacts(options: {
  readonly document: ReportDocument;
  readonly directory: string;
  readonly findings: string;
  readonly renderHtml: RenderHtml;
}): readonly MadeArtifact[] {
  const { document, directory } = options;
  const path = (name: string): string => join(directory, name);
  writeText(path('report.html'), options.renderHtml(document));
  writeFindingsJson({ path: path('findings.json'), document, findings: options.findings });
  return [
    { name: 'report.html', path: path('report.html'), mediaType: 'text/html; charset=utf-8' },
    { name: 'findings.json', path: path('findings.json'), mediaType: 'application/json' },
    { name: 'findings.sarif', path: path('findings.sarif'), mediaType: 'application/sarif+json' },
  ];
}

function* linesOf(values: Iterable<unknown>): Generator<string, void, void> {
  for (const value of values) yield `${JSON.stringify(value)}\n`;
}

function writeText(path: string, pieces: Iterable<string>): void {
  const file = createTextFile(path);
  try {
    for (const piece of pieces) file.write(piece);
  } finally {
    file.close();
  }
}
