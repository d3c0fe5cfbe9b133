// The workers of sources over a small server, with a fetching that writes what the test can foretell.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createIntake } from '../../src/analyses/sonarqube/intake.ts';
import type { Intake } from '../../src/analyses/sonarqube/intake.ts';
import { readPayload } from '../../src/analyses/sonarqube/payload.ts';
import type { Fetched, FetchJob } from '../../src/analyses/sonarqube/fetch/fetch.ts';
import { settingsDefault } from '../../src/analyses/sonarqube/source.ts';
import type { Source } from '../../src/analyses/sonarqube/source.ts';
import { insertSource, readSource } from '../../src/analyses/sonarqube/source-store.ts';
import type { SourceWork } from '../../src/analyses/sonarqube/source-work.ts';
import { createSourceWork } from '../../src/analyses/sonarqube/source-work.ts';
import type { Analysis } from '../../src/analyses/store.ts';
import { systemClock } from '../../src/clock.ts';
import { readConfiguration } from '../../src/configuration.ts';
import type { RecordAlone } from '../../src/events/record.ts';
import { recordEvent } from '../../src/events/record.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { createSealer } from '../../src/secret-key.ts';
import { createArtifactDirectory } from '../../src/storage/artifacts/directory.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { isUniqueViolation } from '../../src/storage/database/failures.ts';
import type { SmallAnalysis, SmallServer } from './small-server.ts';

export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly message: string;
  readonly level: string;
}

export interface WorkBench {
  readonly database: Database;
  readonly organization: string;
  readonly work: SourceWork;
  readonly lines: LogLine[];
  readonly fetched: FetchJob[];
  readonly intake: Intake;
  /** A further node on the same database, for as long as the test takes. */
  another(): SourceWork;
  addSource(
    server: Pick<SmallServer, 'url' | 'token'>,
    more?: { readonly ca?: string; readonly projects?: readonly string[] },
  ): Promise<Source>;
  /** A webhook of the server's, as if it had come. */
  arrive(source: Source, payload: string): Promise<string>;
  source(id: string): Promise<Source>;
  analyses(): Promise<readonly Analysis[]>;
  events(): Promise<readonly { readonly kind: string; readonly facts: Record<string, unknown> }[]>;
}

interface Context {
  after(step: () => Promise<void>): void;
}

export interface WorkBenchOptions {
  /** How long a server may take to answer. */
  readonly answersWithinMs?: number;
  readonly settings?: Readonly<Record<string, string>>;
  readonly fetch?: (job: FetchJob) => Promise<Fetched>;
}

/** Asks the server for the analyses of the project the way all fetching does and writes one line of its own. */
export async function plainFetch(job: FetchJob): Promise<Fetched> {
  const branch = job.branch === null || job.branch.isMain ? undefined : (job.branch.name ?? undefined);
  const answer = await job.client.get('api/project_analyses/search', { project: job.project, branch, ps: 500 }, { signal: job.signal });
  const { analyses } = answer as {
    readonly analyses: readonly { readonly key: string; readonly projectVersion: string; readonly date: string }[];
  };
  const found = analyses.find((each) => each.key === job.analysis) ?? analyses[0];
  const file = join(job.directory, 'body.ndjson');
  await writeFile(file, `{"kind":"header","project":${JSON.stringify(job.project)},"version":${JSON.stringify(found?.projectVersion)}}\n`);
  return {
    file,
    version: found?.projectVersion ?? '0.0.0',
    versionFrom: 'analysis',
    revision: job.revision,
    dateText: job.analysedAt ?? '2026-01-01T00:00:00+00:00',
    analysis: found?.key ?? null,
    gate: { name: 'Fetched gate', status: 'OK', conditions: [] },
    requests: 1,
    findings: 0,
    complete: true,
    notices: [],
  };
}

export async function createWorkBench(t: Context, database: Database, options: WorkBenchOptions = {}): Promise<WorkBench> {
  const { answersWithinMs = 300 } = options;
  const root = await mkdtemp(join(tmpdir(), 'gatepost-sources-'));
  const clock = systemClock;
  const ids = createIdentifiers(clock);
  const sealer = createSealer(Buffer.alloc(32, 3));
  const configuration = readConfiguration({
    GATEPOST_DATA: root,
    GATEPOST_FETCH_RETRY: '20ms',
    GATEPOST_CATCH_UP_INTERVAL: '1h',
    ...options.settings,
  });
  const { organization } = await database.write((tx) => createOrganization({ tx, name: 'Acme', actor: 'cli', ids, clock }));
  const lines: LogLine[] = [];
  const log = logInto(lines);
  const fetched: FetchJob[] = [];
  const intake = createIntake({
    database,
    record: recordOf(database),
    onRecorded: () => Promise.resolve(),
    recorded: () => undefined,
    ids,
    clock,
  });
  const works: SourceWork[] = [];
  const make = (): SourceWork => {
    const made = createSourceWork({
      configuration,
      database,
      artifacts: createArtifactDirectory({ root: join(root, 'artifacts'), clock }),
      sealer,
      clock,
      ids,
      log,
      intake,
      publicUrl: () => 'http://gatepost.example',
      cwes: [],
      onRecorded: () => Promise.resolve(),
      recorded: () => undefined,
      fetched: () => undefined,
      limits: { connectTimeoutMs: answersWithinMs, readTimeoutMs: answersWithinMs, totalTimeoutMs: answersWithinMs * 2, triesMax: 1 },
      async fetch(job) {
        fetched.push(job);
        return (options.fetch ?? plainFetch)(job);
      },
    });
    works.push(made);
    return made;
  };
  const work = make();
  t.after(async () => {
    for (const one of works) await one.stop(0);
    await rm(root, { recursive: true, force: true });
  });
  return {
    database,
    organization: organization.id,
    work,
    lines,
    fetched,
    intake,
    another: make,
    async addSource({ url, token }, more = {}) {
      const given = {
        name: 'Sonar',
        url,
        token,
        secret: 'sixteen-chars-ok',
        ca: more.ca ?? null,
        settings: { ...settingsDefault, projects: more.projects ?? [] },
      };
      return database.write((tx) => insertSource({ tx, organization: organization.id, given, actor: 'cli', sealer, ids, clock }));
    },
    async arrive(source, text) {
      const bytes = Buffer.from(text);
      const arrived = { organization: organization.id, slug: 'acme', source: source.id, bytes, payload: readPayload(bytes), publicUrl: '' };
      const { analysis } = await intake.take(arrived);
      work.taken(source.id);
      return analysis;
    },
    source: (id) => readSource({ read: database.read, organization: organization.id, source: id }),
    analyses: () => database.read.selectFrom('analyses').selectAll().orderBy('date').orderBy('id').execute(),
    async events() {
      const rows = await database.read.selectFrom('events').select(['kind', 'facts']).orderBy('id').execute();
      return rows.map(({ kind, facts }) => ({ kind, facts: JSON.parse(facts) as Record<string, unknown> }));
    },
  };
}

function logInto(lines: LogLine[]) {
  const at = (level: string) => (facts: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push({ ...facts, message, level });
  return { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error') };
}

/** As the delivery's, without deliveries. */
function recordOf(database: Database): RecordAlone {
  const clock = systemClock;
  const ids = createIdentifiers(clock);
  return (async (event, first) => {
    try {
      return await database.write(async (tx) => {
        if (first !== undefined)
          await tx
            .insertInto('analyses')
            .values(first.values as never)
            .execute();
        return recordEvent({ tx, ...event, ids, clock });
      });
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }) as RecordAlone;
}

/** An analysis over there; what is not told follows from its number. */
export function smallAnalysis(number: number, more: Partial<SmallAnalysis> = {}): SmallAnalysis {
  const date = Date.UTC(2026, 9, 1, 12, 0, number);
  return { project: 'shop', key: `analysis-${number}`, task: `task-${number}`, date, version: `1.${number}`, branch: 'main', ...more };
}

/** Waits until it holds; fails with what was seen last. */
export async function until<T>(look: () => Promise<T>, holds: (seen: T) => boolean, ms = 6_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) throw new Error(`Not in ${ms} ms: ${JSON.stringify(seen).slice(0, 2_000)}`);
    await sleep(20);
  }
}
