import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnalysisRequest } from '../src/analyses/analysis.ts';
import type { AnalysisFacts } from '../src/analyses/finding.ts';
import type { Analysis } from '../src/analyses/store.ts';
import { insertAnalysis } from '../src/analyses/store.ts';
import type { EventKind, GateFacts, ReportFacts } from '../src/events/event.ts';
import { createIdentifiers } from '../src/identifiers.ts';
import { createOrganization } from '../src/organizations/store.ts';
import { findOrCreateProject } from '../src/projects/store.ts';
import type { AnalyzeDeps } from '../src/reports/analyze.ts';
import type { FingerprintLine, MakeJob, MakeOutcome } from '../src/reports/make/job.ts';
import { createArtifactDirectory } from '../src/storage/artifacts/directory.ts';
import type { Database } from '../src/storage/database/database.ts';
import type { TestClock } from './http.ts';
import { createTestClock } from './http.ts';

/** What a made-up making of reports is to say: for tests of what is done with it. */
export interface Made {
  readonly content: string;
  readonly count?: number;
  readonly seen?: readonly string[];
  readonly fixed?: readonly string[];
  readonly gate?: GateFacts;
  /** Runs in the middle of the making. */
  readonly meanwhile?: (job: MakeJob) => Promise<void>;
}

export interface AnalysisBench {
  readonly database: Database;
  readonly clock: TestClock;
  readonly deps: AnalyzeDeps;
  readonly organization: string;
  readonly token: string;
  /** Jobs that were handed to the making, oldest first. */
  readonly jobs: MakeJob[];
  /** Says what the next making comes to. */
  next(made: Made): void;
  /** An analysis that has come in; a body of its own is in the store. */
  arrive(request?: Partial<AnalysisRequest> & { readonly key?: string }): Promise<Analysis>;
  /** Of reports alone; each analysis also records that it came to its end. */
  events(): Promise<readonly { readonly kind: EventKind; readonly facts: ReportFacts }[]>;
}

export const emptyFacts: AnalysisFacts = {
  tools: [],
  totals: { results: 0, open: 0, review: 0, suppressed: 0, absent: 0, ignored: 0, withCwe: 0 },
  runsWithoutResults: 0,
  notices: [],
};

interface Context {
  after(step: () => Promise<void>): void;
}

/** An organization, a store in a temporary directory, and a making of reports that says what the test wants. */
export async function createAnalysisBench(t: Context, database: Database): Promise<AnalysisBench> {
  const root = await mkdtemp(join(tmpdir(), 'gatepost-analyses-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const clock = createTestClock();
  const ids = createIdentifiers(clock);
  const artifacts = createArtifactDirectory({ root: join(root, 'artifacts'), clock });
  const { organization, token } = await database.write((tx) => createOrganization({ tx, name: 'Acme', actor: 'cli', ids, clock }));
  const jobs: MakeJob[] = [];
  let made: Made = { content: 'a' };
  const make = async (job: MakeJob): Promise<MakeOutcome> => {
    jobs.push(job);
    await made.meanwhile?.(job);
    return outcomeOf(job, made);
  };
  const deps: AnalyzeDeps = {
    database,
    artifacts,
    ids,
    clock,
    workDirectory: join(root, 'work'),
    serverUrl: () => 'https://gatepost.example.test',
    make,
    onRecorded: () => Promise.resolve(),
  };
  return {
    database,
    clock,
    deps,
    organization: organization.id,
    token: token.token,
    jobs,
    next(what) {
      made = what;
    },
    async arrive({ key = 'shop', ...request } = {}) {
      clock.ms += 1000;
      const whole: AnalysisRequest = {
        version: '1.0',
        branch: null,
        revision: null,
        projectName: null,
        date: null,
        properties: {},
        ...request,
      };
      const body = await artifacts.put(
        organization.id,
        (async function* one() {
          yield Buffer.from('{}');
        })(),
        { level: 0, bytesMax: 10 },
      );
      return database.write(async (tx) => {
        const project = await findOrCreateProject({ tx, organization: organization.id, key, onlyProject: null, actor: 'cli', ids, clock });
        return insertAnalysis({ tx, organization: organization.id, project: project.id, request: whole, body, ids, clock });
      });
    },
    async events() {
      const rows = await database.read
        .selectFrom('events')
        .select(['kind', 'facts'])
        .where('kind', 'like', 'report.%')
        .orderBy('id')
        .execute();
      return rows.map((row) => ({ kind: row.kind as EventKind, facts: JSON.parse(row.facts) as ReportFacts }));
    },
  };
}

async function outcomeOf(job: MakeJob, made: Made): Promise<MakeOutcome> {
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(job.directory, name);
    await writeFile(path, text);
    return path;
  };
  const page = await write('report.html', `<p>${made.content}`);
  const line = (fingerprint: string): FingerprintLine => ({
    fingerprint,
    rule: 'r',
    severity: 'MAJOR',
    cwes: [79],
    owasp: [],
    path: 'a.js',
    state: 'open',
  });
  return {
    facts: emptyFacts,
    findings: await write('findings.ndjson', '{}\n'),
    fingerprints: await write('fingerprints.ndjson', (made.seen ?? []).map((each) => `${JSON.stringify(line(each))}\n`).join('')),
    fixed: await write('fixed.txt', (made.fixed ?? []).map((each) => `${each}\n`).join('')),
    reports: job.standards.map(({ type, edition, reportId, unchangedContent }) => ({
      type,
      edition,
      reportId,
      contentSha256: made.content,
      unchanged: made.content === unchangedContent,
      assessed: true,
      rating: 'C' as const,
      vulnerabilitiesCount: made.count ?? 1,
      categories: { 'CWE-79': made.count ?? 1 },
      artifacts: made.content === unchangedContent ? [] : [{ name: 'report.html', path: page, mediaType: 'text/html; charset=utf-8' }],
    })),
    gate: made.gate ?? null,
  };
}
