import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SeenFinding } from '../analyses/findings.ts';
import { findingsOfUnitMax, knownFindings, recordFixed, recordSeen } from '../analyses/findings.ts';
import type { Claim } from '../analyses/store.ts';
import { settleDone } from '../analyses/store.ts';
import type { Clock } from '../clock.ts';
import { timestampText } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import { readOrganization } from '../organizations/store.ts';
import { holdProject, readProject } from '../projects/store.ts';
import type { ArtifactStore, StoredObject } from '../storage/artifacts/store.ts';
import type { Database, Tx } from '../storage/database/database.ts';
import { recordCompleted } from './completed.ts';
import { broughtGate, gateJobOf } from './gate.ts';
import type { KnownFinding, MakeJob, MakeOutcome, StandardJob } from './make/job.ts';
import { makeReports } from './make/make.ts';
import type { NewSnapshot, RecordDeps, Recorded } from './record.ts';
import { recordReports } from './record.ts';
import type { Language } from './report.ts';
import { languages } from './report.ts';
import { findStandard, newestStandards } from './standards/standard.ts';
import type { ReportKey } from './store.ts';
import { findReport, readHistory } from './store.ts';
import { ClaimLost } from './verdict.ts';

export interface AnalyzeDeps extends RecordDeps {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly ids: Identifiers;
  readonly clock: Clock;
  /** Where the files of work under way lie; on the same machine as the process. */
  readonly workDirectory: string;
  /** The public base URL of this server, without a slash at its end; asked for when it listens. */
  readonly serverUrl: () => string;
  /** Tests hand in one of their own. */
  readonly make?: typeof makeReports;
}

/** How well the artefacts are packed on disk. What is packed already (PDF) stays as it is. */
export const artifactLevel = 6;
/** Nothing that we make ourselves is larger. */
const artifactBytesMax = 8 * 2 ** 30;

interface Work {
  readonly deps: AnalyzeDeps;
  readonly claim: Claim;
  readonly directory: string;
  readonly signal: AbortSignal;
}

/**
 * Works on one analysis from its stored body to its standing reports and its event. Everything before the last unit of work may be repeated after
 * a crash and comes to the same; that unit makes all of it stand at once. Throws what `makeReports` throws, and `ClaimLost`.
 */
export async function analyze(deps: AnalyzeDeps, claim: Claim, signal: AbortSignal): Promise<readonly Recorded[]> {
  await mkdir(deps.workDirectory, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(deps.workDirectory, `${claim.analysis.id}-`));
  try {
    const work: Work = { deps, claim, directory, signal };
    const { job, projectName } = await prepare(work);
    const outcome = await (deps.make ?? makeReports)(job, { signal });
    const snapshots = await putReports(work, outcome, projectName);
    const findings = await put(work, outcome.findings, artifactLevel);
    if (!job.late) await recordFindings(work, outcome);
    return await finish(work, outcome, { snapshots, findings });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepare(work: Work): Promise<{ readonly job: MakeJob; readonly projectName: string }> {
  const { database, artifacts, clock } = work.deps;
  const { analysis } = work.claim;
  const { organization } = analysis;
  const tenant = await readOrganization({ read: database.read, organization });
  const project = await readProject({ read: database.read, organization, project: analysis.project });
  if (tenant === null || project === null) throw new ClaimLost();
  const made = join(work.directory, 'made');
  await mkdir(made);
  const sarif = join(work.directory, 'scan.sarif');
  await pipeline(Readable.from(artifacts.read(organization, analysis.body_sha256)), createWriteStream(sarif));
  const known = join(work.directory, 'known.ndjson');
  // A pull request's findings are kept, and that is all: it is no state of the branch that may have its name, and makes no listed report.
  const isListed = analysis.branch_type === 'BRANCH';
  const late = !isListed || (await isLate(work));
  await pipeline(Readable.from(late ? [] : knownLines(work)), createWriteStream(known));
  const wanted = tenant.standards?.map(({ type, edition }) => findStandard(type, edition)).filter((standard) => standard !== undefined);
  const standards: StandardJob[] = [];
  for (const { type, edition } of isListed ? (wanted ?? newestStandards) : []) {
    const key: ReportKey = { organization, project: project.id, branch: analysis.branch, version: analysis.version, type, edition };
    const standing = await findReport({ read: database.read, ...key });
    const history = await readHistory({ read: database.read, ...key, before: analysis.date });
    const reportId = standing?.report.id ?? work.deps.ids.next();
    standards.push({ type, edition, reportId, ...history, unchangedContent: standing?.content ?? null });
  }
  const job: MakeJob = {
    directory: made,
    kind: analysis.kind === 'sonarqube' ? 'sonarqube' : 'sarif',
    sarif,
    known,
    late,
    analysis: {
      id: analysis.id,
      version: analysis.version,
      branch: analysis.branch === '' ? null : analysis.branch,
      revision: analysis.revision,
      dateText: analysis.date_text,
      contentDate: analysis.date_given,
      properties: JSON.parse(analysis.properties) as Record<string, string>,
      gate: broughtGate(analysis),
    },
    organizationName: tenant.name,
    project: { key: project.key, name: project.name },
    language: languageOf(tenant.language),
    madeAt: timestampText(clock.now()),
    standards,
    gate: await gateJobOf({ read: database.read, analysis, project, late }),
  };
  return { job, projectName: project.name };
}

function languageOf(text: string): Language {
  return languages.find((language) => language === text) ?? 'en';
}

/** Whether the branch has seen a newer analysis already: then nothing can be new or fixed by this one. */
async function isLate({ deps, claim: { analysis } }: Work): Promise<boolean> {
  const newer = await deps.database.read
    .selectFrom('analyses')
    .select('id')
    .where('organization', '=', analysis.organization)
    .where('project', '=', analysis.project)
    .where('branch', '=', analysis.branch)
    .where('branch_type', '=', 'BRANCH')
    .where('date', '>', analysis.date)
    .where('status', '=', 'done')
    .limit(1)
    .executeTakeFirst();
  return newer !== undefined;
}

async function* knownLines({ deps, claim: { analysis } }: Work): AsyncGenerator<string> {
  const { organization, project, branch } = analysis;
  for await (const row of knownFindings({ read: deps.database.read, organization, project, branch })) {
    const known: KnownFinding = {
      fingerprint: row.fingerprint,
      state: row.state as KnownFinding['state'],
      firstSeen: row.first_seen,
      firstSeenAnalysis: row.first_seen_analysis,
      stateAnalysis: row.state_analysis,
      severity: row.severity as KnownFinding['severity'],
      cwes: JSON.parse(row.cwes) as number[],
      owasp: JSON.parse(row.owasp) as KnownFinding['owasp'],
    };
    yield `${JSON.stringify(known)}\n`;
  }
}

function put({ deps, claim }: Work, path: string, level: number): Promise<StoredObject> {
  return deps.artifacts.put(claim.analysis.organization, createReadStream(path, { highWaterMark: 256 * 1024 }), {
    level,
    bytesMax: artifactBytesMax,
  });
}

async function putReports(work: Work, outcome: MakeOutcome, projectName: string): Promise<readonly NewSnapshot[]> {
  const { analysis } = work.claim;
  const snapshots: NewSnapshot[] = [];
  for (const made of outcome.reports) {
    const files = [];
    for (const { name, path, mediaType } of made.artifacts) {
      files.push({ name, mediaType, object: await put(work, path, mediaType === 'application/pdf' ? 0 : artifactLevel) });
    }
    snapshots.push({
      key: {
        organization: analysis.organization,
        project: analysis.project,
        branch: analysis.branch,
        version: analysis.version,
        type: made.type,
        edition: made.edition,
      },
      projectName,
      reportId: made.reportId,
      analysis: analysis.id,
      date: { text: analysis.date_text, ms: analysis.date },
      revision: analysis.revision,
      count: made.vulnerabilitiesCount,
      rating: made.rating,
      categories: made.categories,
      contentSha256: made.contentSha256,
      files,
    });
  }
  return snapshots;
}

/** In units of bounded size, each of them void once the claim is lost. Repeated after a crash they change nothing. */
async function recordFindings(work: Work, outcome: MakeOutcome): Promise<void> {
  const { analysis } = work.claim;
  const { database } = work.deps;
  for await (const lines of batches(outcome.fingerprints)) {
    const seen = lines.map((line) => JSON.parse(line) as SeenFinding);
    await database.write(async (tx) => {
      await assertHeld(tx, work.claim);
      await recordSeen({ tx, analysis, seen });
    });
  }
  for await (const fingerprints of batches(outcome.fixed)) {
    await database.write(async (tx) => {
      await assertHeld(tx, work.claim);
      await recordFixed({ tx, analysis, fingerprints });
    });
  }
}

async function assertHeld(tx: Tx, { analysis, token }: Claim): Promise<void> {
  const held = await tx
    .selectFrom('analyses')
    .select('id')
    .where('organization', '=', analysis.organization)
    .where('id', '=', analysis.id)
    .where('status', '=', 'running')
    .where('lease_token', '=', token)
    .executeTakeFirst();
  if (held === undefined) throw new ClaimLost();
}

/** Split at line feeds alone: `readline` would take U+2028 inside a JSON text for the end of a line. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let carried = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 }) as AsyncIterable<string>) {
    const lines = (carried + chunk).split('\n');
    carried = lines.pop() ?? '';
    yield* lines;
  }
  yield carried;
}

async function* batches(path: string): AsyncGenerator<string[]> {
  let batch: string[] = [];
  for await (const line of linesOf(path)) {
    if (line === '') continue;
    batch.push(line);
    if (batch.length === findingsOfUnitMax) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

async function finish(
  work: Work,
  outcome: MakeOutcome,
  { snapshots, findings }: { readonly snapshots: readonly NewSnapshot[]; readonly findings: StoredObject },
): Promise<readonly Recorded[]> {
  const { database, clock, ids, onRecorded, serverUrl } = work.deps;
  const { claim } = work;
  const { organization, project } = claim.analysis;
  const reports = outcome.reports.map((report) => report.reportId);
  return database.write(async (tx) => {
    // Held until the end of the unit, so that a deletion at the same time either sees what is added here or is over before.
    if (!(await holdProject({ tx, organization, project }))) throw new ClaimLost();
    const done = await settleDone({ tx, claim }, { ...outcome, findingsSha256: findings.sha256, reports }, clock);
    if (!done) throw new ClaimLost();
    const { facts, gate } = outcome;
    const completed = { status: 'SUCCESS', revision: facts.revision ?? null, gate, serverUrl: serverUrl() } as const;
    await recordCompleted({ tx, analysis: claim.analysis, ...completed, ids, clock, onRecorded });
    return recordReports({ tx, organization, project, snapshots, ids, clock, onRecorded });
  });
}
