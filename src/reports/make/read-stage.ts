import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { AnalysisFacts, Finding } from '../../analyses/finding.ts';
import type { GateFacts } from '../../events/event.ts';
import { invalid } from '../../errors.ts';
import { categoriesOf, findStandard } from '../standards/standard.ts';
import type { Standard } from '../standards/standard.ts';
import { createGateCounter } from './gate-counts.ts';
import type { GateCounter } from './gate-counts.ts';
import type { FingerprintLine, KnownFinding, MakeJob } from './job.ts';
import { createHistory } from './known.ts';
import type { Change, History, Marks } from './known.ts';
import { createTextFile, readLines } from './lines.ts';

const readBytes = 256 * 1024;

/** Reads a scanner's file: `readSarif` of analyses/sarif, handed in so that a test can do without a file. */
export type ReadFindings = (options: {
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly onFinding: (finding: Finding) => void;
}) => Promise<AnalysisFacts>;

export interface Reading {
  readonly facts: AnalysisFacts;
  /** What the job's gate came to, null where it has none. */
  readonly gate: GateFacts | null;
  /** Findings gone since the branch's past, by the job's standards; null where there is no past to compare with. */
  readonly fixed: readonly (number | null)[];
  readonly files: ReadingFiles;
}

export interface ReadingFiles {
  readonly findings: string;
  /** For each line of `findings`, one with what the branch's past says of it: `<change letter><first seen in ms>`. */
  readonly marks: string;
  readonly fingerprints: string;
  readonly fixed: string;
}

const letters = { new: 'n', still: 's', reopened: 'r' } as const;
const changes: Readonly<Record<string, Change>> = { n: 'new', s: 'still', r: 'reopened' };

/** First half of the making: the scanner's file to findings on disk, and what is new and gone on the branch. */
export async function readFindings(job: MakeJob, read: ReadFindings): Promise<Reading> {
  const files: ReadingFiles = {
    findings: join(job.directory, 'findings.ndjson'),
    marks: join(job.directory, 'marks.txt'),
    fingerprints: join(job.directory, 'fingerprints.ndjson'),
    fixed: join(job.directory, 'fixed.txt'),
  };
  const history = createHistory({
    known: knownFindings(job.known),
    analysis: job.analysis.id,
    late: job.late,
    newSince: job.gate?.newSince ?? null,
  });
  const gate = job.gate === null || job.gate === undefined ? null : createGateCounter(job.gate);
  const facts = await writeFindings({ job, read, history, files, gate });
  return { facts, gate: gate?.result() ?? null, fixed: writeFixed(job, history, files.fixed), files };
}

/** What a line of `files.marks` says. `date`: the analysis's, in ms, when its new findings were first seen. */
export function marksOf(line: string, date: number): Marks {
  const change = changes[line.slice(0, 1)] ?? null;
  if (change === 'new') return { change, firstSeen: date };
  return { change, firstSeen: line.length > 1 ? Number(line.slice(1)) : null };
}

async function writeFindings(options: {
  readonly job: MakeJob;
  readonly read: ReadFindings;
  readonly history: History;
  readonly files: ReadingFiles;
  readonly gate: GateCounter | null;
}): Promise<AnalysisFacts> {
  const { job, history, files, gate } = options;
  const findings = createTextFile(files.findings);
  const marks = createTextFile(files.marks);
  const fingerprints = createTextFile(files.fingerprints);
  try {
    return await options.read({
      open: () => createReadStream(job.sarif, { highWaterMark: readBytes }),
      onFinding(finding) {
        const { change, firstSeen, first, fresh } = history.meet(finding.fingerprint, finding.state);
        gate?.add(finding, fresh);
        findings.write(`${JSON.stringify(finding)}\n`);
        marks.write(`${change === null ? '-' : letters[change]}${firstSeen ?? ''}\n`);
        if (first) fingerprints.write(`${JSON.stringify(fingerprintLine(finding))}\n`);
      },
    });
  } finally {
    findings.close();
    marks.close();
    fingerprints.close();
  }
}

function fingerprintLine(finding: Finding): FingerprintLine {
  const { fingerprint, rule, severity, place, state, apart } = finding;
  // What is in no report is in no category, so that it is not told as fixed in one when it is gone.
  const { cwes, owasp } = apart === true ? { cwes: [], owasp: [] } : finding;
  return { fingerprint, rule, severity, cwes, owasp, path: place?.path ?? '', state: state === 'absent' ? 'open' : state };
}

function writeFixed(job: MakeJob, history: History, path: string): readonly (number | null)[] {
  const standards = job.standards.map((report) => standardOf(report.type, report.edition));
  const counts = standards.map(() => 0);
  const file = createTextFile(path);
  try {
    for (const known of job.late ? [] : knownFindings(job.known)) {
      const fate = history.fate(known);
      if (fate === 'gone') file.write(`${known.fingerprint}\n`);
      if (fate !== 'gone' && fate !== 'already') continue;
      for (const [index, standard] of standards.entries()) {
        if (categoriesOf(standard, known).direct.length > 0) counts[index] = (counts[index] ?? 0) + 1;
      }
    }
  } finally {
    file.close();
  }
  return job.standards.map((report, index) =>
    job.late || !(history.hasPast || report.previousCategories !== null) ? null : (counts[index] ?? 0),
  );
}

export function standardOf(type: string, edition: number): Standard {
  const standard = findStandard(type, edition);
  if (standard === undefined) throw invalid('unknown_standard', `There is no report for ${type} ${edition}`);
  return standard;
}

function* knownFindings(path: string): Generator<KnownFinding, void, void> {
  for (const line of readLines(path)) if (line !== '') yield JSON.parse(line) as KnownFinding;
}
