import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { systemClock } from '../../src/clock.ts';
import type { StubProject } from '../sonarqube/facts.ts';
import { makeFacts } from '../sonarqube/facts.ts';
import { payloadText, signatureOf } from '../sonarqube/ingest.ts';
import type { Stub } from '../sonarqube/stub.ts';
import { startStub } from '../sonarqube/stub.ts';
import type { ServerProcess } from './server-process.ts';
import { startServer } from './server-process.ts';

// A server is killed while SonarQube tells it of analyses and it fetches them. SonarQube never repeats a webhook: what was not answered must
// come by catching up. In the end every analysis over there is here once, done, with its reports, and was told of once.

export interface IngestKillOptions {
  readonly location: DatabaseLocation;
  readonly kills: number;
  readonly lifeMsMax: number;
  readonly say?: (line: string) => void;
}

export interface IngestKillOutcome {
  readonly kills: number;
  /** Analyses over there; of these, whose webhook was answered 200. */
  readonly analyses: number;
  readonly answered: number;
  /** Fetches that were under way when the server was killed. */
  readonly fetching: number;
  /** Answered 200 and not here: must be none. */
  readonly lost: readonly string[];
  /** Here more than once: must be none. */
  readonly twice: readonly string[];
  /** Here and not done with its reports: must be none. */
  readonly notDone: readonly string[];
  /** Over there and not here: must be none. */
  readonly missing: readonly string[];
  /** Not told of exactly once: must be none. */
  readonly toldWrong: readonly string[];
  /** Requests of the Web API. */
  readonly requests: number;
}

interface Run {
  readonly options: IngestKillOptions;
  readonly stub: Stub;
  readonly settings: Readonly<Record<string, string>>;
  readonly token: string;
  readonly source: { readonly path: string; readonly secret: string; readonly id: string };
  /** Tasks, in the order in which they came to be. */
  readonly tasks: string[];
  readonly answered: Set<string>;
  fetching: number;
}

const secretKey = Buffer.alloc(32, 7).toString('base64');
const projectsCount = 3;
const settleMsMax = 900_000;

export async function runIngestKills(options: IngestKillOptions): Promise<IngestKillOutcome> {
  const { location, kills } = options;
  const stub = await startStub({ facts: makeFacts({ issues: 5, hotspots: 1, rules: 4 }) });
  try {
    readyStub(stub);
    const settings = settingsOf(location);
    const token = await makeTenant(location);
    let server = await startServer(settings, { cwd: location.directory });
    // One report of each analysis: making them is not what is tried here.
    await asked(server, token, '/v1/organization', { standards: [{ type: 'CWE Top 25', edition: 2025 }] }, 'PATCH');
    const source = await makeSource(server, token, stub);
    const run: Run = { options, stub, settings, token, source, tasks: [], answered: new Set(), fetching: 0 };
    // What is there before the first look is history; from here on all counts.
    await lookedAt(server, run);
    for (let kill = 1; kill <= kills; kill += 1) {
      await loadAndKill(server, run);
      options.say?.(`kill ${kill} of ${kills}: ${run.answered.size} of ${run.tasks.length} answered so far`);
      server = await startServer(settings, { cwd: location.directory });
    }
    await lookedAt(server, run);
    await settled(run);
    await server.stop();
    return await outcomeOf(run);
  } finally {
    await stub.close();
  }
}

/** A few projects without analyses, and a server that takes its time, so that a kill meets a fetch at any moment of it. */
function readyStub(stub: Stub): void {
  const [first] = stub.facts.projects;
  if (first === undefined) throw new Error('The stand-in has no project.');
  first.analyses = [];
  for (let number = 2; number <= projectsCount; number += 1) {
    stub.facts.projects.push({ ...first, key: `shop:part${number}`, name: `Part ${number}`, analyses: [] });
  }
  stub.faults.push({ path: /issues|hotspots|rules|measures|qualitygates/, fault: { slowMs: 15 } });
}

function settingsOf({ directory, url }: DatabaseLocation): Record<string, string> {
  return {
    GATEPOST_DATA: directory,
    GATEPOST_SECRET_KEY: secretKey,
    GATEPOST_FETCH_RETRY: '200ms',
    GATEPOST_ANALYSES_AT_ONCE: '2',
    GATEPOST_CATCH_UP_INTERVAL: '1h',
    ...(url === undefined ? {} : { DATABASE_URL: url }),
  };
}

async function makeTenant(location: DatabaseLocation): Promise<string> {
  const database = await openDatabase(location, 'tool');
  try {
    const clock = systemClock;
    const ids = createIdentifiers(clock);
    const made = await database.write((tx) => createOrganization({ tx, name: 'Kills', actor: 'cli', ids, clock }));
    return made.token.token;
  } finally {
    await database.close();
  }
}

async function asked(
  server: ServerProcess,
  token: string,
  path: string,
  body?: unknown,
  method: 'GET' | 'POST' | 'PATCH' = body === undefined ? 'GET' : 'POST',
): Promise<Record<string, unknown>> {
  const answer = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

async function makeSource(server: ServerProcess, token: string, stub: Stub): Promise<Run['source']> {
  const made = await asked(server, token, '/v1/sources', { kind: 'sonarqube', name: 'Sonar', url: stub.url, token: stub.token });
  return { id: String(made['id']), secret: String(made['secret']), path: new URL(String(made['ingestUrl'])).pathname };
}

async function lookedAt(server: ServerProcess, { token, source }: Pick<Run, 'token' | 'source'>): Promise<void> {
  const { asked: since } = await asked(server, token, `/v1/sources/${source.id}/catch-ups`, null);
  const until = Date.now() + settleMsMax;
  for (;;) {
    const { caughtUp } = await asked(server, token, `/v1/sources/${source.id}`);
    if (Date.parse(String(caughtUp)) >= Date.parse(String(since))) return;
    if (Date.now() > until) throw new Error('The source is not looked at.');
    await sleep(100);
  }
}

/** Analyses come to be over there, each with its webhook, sent once, until the server is killed under them. */
async function loadAndKill(server: ServerProcess, run: Run): Promise<void> {
  const life = new AbortController();
  const callers = run.stub.facts.projects.slice(0, 2).map(async (_, index) => {
    while (!life.signal.aborted) {
      const project = run.stub.facts.projects[(run.tasks.length + index) % projectsCount];
      if (project === undefined) return;
      await analysed(server, run, project);
      await sleep(300 + Math.random() * 900);
    }
  });
  await sleep(50 + Math.random() * run.options.lifeMsMax);
  await server.kill();
  run.fetching += await countFetching(run);
  life.abort();
  await Promise.all(callers);
}

async function analysed(server: ServerProcess, run: Run, project: StubProject): Promise<void> {
  const number = run.tasks.length + 1;
  const task = `task-${number}`;
  run.tasks.push(task);
  // Whole seconds, each its own.
  const date = Math.floor(Date.now() / 1000) * 1000 - 3_600_000 + number * 1000;
  const revision = `f00d${number}`;
  project.analyses.unshift({ key: `analysis-${number}`, task, date, version: `1.${number}`, revision });
  run.stub.changed();
  const time = `${new Date(date).toISOString().slice(0, 19)}+0000`;
  const named = { key: project.key, name: project.name, url: 'https://sonar.example.test/' };
  const body = payloadText({ taskId: task, analysedAt: time, changedAt: time, revision, project: named });
  try {
    const answer = await fetch(server.url + run.source.path, {
      method: 'POST',
      headers: { 'X-Sonar-Webhook-HMAC-SHA256': signatureOf(run.source.secret, body), 'Content-Type': 'application/json; charset=utf-8' },
      body,
    });
    if (answer.status === 200) run.answered.add(task);
    await answer.arrayBuffer();
  } catch {
    // The line was cut: SonarQube does not send it again.
  }
}

async function inDatabase<T>({ options }: Run, look: (database: Awaited<ReturnType<typeof openDatabase>>) => Promise<T>): Promise<T> {
  const database = await openDatabase(options.location, 'tool');
  try {
    return await look(database);
  } finally {
    await database.close();
  }
}

const countFetching = (run: Run): Promise<number> =>
  inDatabase(run, async ({ read }) => {
    const rows = await read.selectFrom('analyses').select('id').where('stage', '=', 'fetch').where('status', '=', 'running').execute();
    return rows.length;
  });

async function settled(run: Run): Promise<void> {
  const until = Date.now() + settleMsMax;
  await inDatabase(run, async ({ read }) => {
    for (;;) {
      const open = await read.selectFrom('analyses').select('id').where('status', 'in', ['pending', 'running']).execute();
      if (open.length === 0 || Date.now() > until) return;
      await sleep(250);
    }
  });
}

const outcomeOf = (run: Run): Promise<IngestKillOutcome> =>
  inDatabase(run, async ({ read }) => {
    const rows = await read.selectFrom('analyses').select(['id', 'source_task', 'status', 'reports']).execute();
    const events = await read.selectFrom('events').select('facts').where('kind', '=', 'analysis.completed').execute();
    const tasks = rows.map((row) => row.source_task ?? `none ${row.id}`);
    const told = events.map(({ facts }) => (JSON.parse(facts) as { readonly task: string | null }).task);
    return {
      kills: run.options.kills,
      analyses: run.tasks.length,
      answered: run.answered.size,
      fetching: run.fetching,
      lost: [...run.answered].filter((task) => !tasks.includes(task)),
      twice: tasks.filter((task, index) => tasks.indexOf(task) !== index),
      notDone: rows
        .filter((row) => row.status !== 'done' || (JSON.parse(row.reports ?? '[]') as unknown[]).length !== 1)
        .map((row) => row.id),
      missing: run.tasks.filter((task) => !tasks.includes(task)),
      toldWrong: run.tasks.filter((task) => told.filter((each) => each === task).length !== 1),
      requests: run.stub.asked.length,
    };
  });
