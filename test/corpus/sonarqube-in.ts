// Payloads in: every recorded request is sent to a real server on SQLite, with the headers it came with (order and case kept), as a webhook of a source
// that has the hook's secret. What is answered, stored and told on is held against the bytes and against a plain reading of them.
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from '../../src/app.ts';
import { buildApp } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { readConfiguration } from '../../src/configuration.ts';
import type { AnalysisCompletedFacts } from '../../src/events/event.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import type { MadeSource } from '../sonarqube/ingest.ts';
import { makeSource } from '../sonarqube/ingest.ts';
import type { Check, Part, Recordings } from './part.ts';
import { check } from './part.ts';
import type { Recorded } from './sonarqube-out.ts';
import { recordedRequests } from './sonarqube-out.ts';

const signatureHeader = 'X-Sonar-Webhook-HMAC-SHA256';

export async function payloadsIn(recordings: Recordings): Promise<Part> {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-corpus-'));
  const app = await buildApp(readConfiguration({ GATEPOST_DATA: directory, GATEPOST_PORT: '0', GATEPOST_LOG: 'silent' }));
  try {
    await app.start();
    return { title: 'Payloads in', checks: await sendAll(app, recordedRequests(recordings)) };
  } finally {
    await app.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function sendAll(app: App, recorded: readonly Recorded[]): Promise<readonly Check[]> {
  const given = { name: 'Corpus', actor: 'cli' as const, ids: createIdentifiers(), clock: systemClock };
  const { token } = await app.database.write((tx) => createOrganization({ tx, ...given }));
  const sources = new Map<string, MadeSource>();
  const checks: Check[] = [];
  const told = new Set<string>();
  for (const one of recorded) {
    const name = one.secret ?? '';
    const more = one.secret === null ? {} : { secret: one.secret };
    const source = sources.get(name) ?? (await makeSource(app, token.token, more));
    sources.set(name, source);
    const wrong = await problemOf({ app, source, one, told });
    checks.push(check(one.file, wrong === null, wrong ?? ''));
  }
  const { database } = app;
  const [analyses, events] = [
    await database.read.selectFrom('analyses').select('id').execute(),
    await database.read.selectFrom('events').select('id').where('kind', '=', 'analysis.completed').execute(),
  ];
  const note = `${analyses.length} analyses, ${events.length} events, ${told.size} different things told`;
  checks.push(
    check(
      'one analysis and one event for each task or edit of a source',
      analyses.length === told.size && events.length === told.size,
      note,
    ),
  );
  return checks;
}

interface Case {
  readonly app: App;
  readonly source: MadeSource;
  readonly one: Recorded;
  /** What was told so far, by source. */
  readonly told: Set<string>;
}

/** What is not as it must be, or null. */
async function problemOf({ app, source, one, told }: Case): Promise<string | null> {
  const signed = one.headers.rawHeaders.some((name) => name === signatureHeader);
  // A hook without a secret signs nothing: refused, and taken in once it is signed.
  if (!signed && (await send(source, one, [])).status !== 401) return 'unsigned, and not refused';
  const own = createHmac('sha256', source.secret).update(one.body).digest('hex');
  const answer = await send(source, one, signed ? [] : [signatureHeader, own]);
  if (answer.status !== 200) return `answered ${answer.status} ${JSON.stringify(answer.json)}`;
  const plain = JSON.parse(one.body.toString('utf8')) as Plain;
  const thing = `${source.id} ${plain.taskId ?? one.body.toString('utf8')}`;
  const expected = told.has(thing) ? 'known' : 'accepted';
  told.add(thing);
  if (answer.json['status'] !== expected) return `${String(answer.json['status'])} instead of ${expected}`;
  return storedProblem(app, String(answer.json['analysis']), one, plain);
}

interface Plain {
  readonly taskId?: string;
  readonly status: string;
  readonly revision?: string;
  readonly branch?: { readonly name?: string };
  readonly project: { readonly key: string; readonly name: string };
  readonly qualityGate?: object;
  readonly properties: object;
}

async function storedProblem({ database }: App, id: string, { body }: Recorded, plain: Plain): Promise<string | null> {
  const query = database.read.selectFrom('analyses').innerJoin('projects', 'projects.id', 'analyses.project').selectAll('analyses');
  const row = await query.select(['projects.key', 'projects.name']).where('analyses.id', '=', id).executeTakeFirst();
  if (row === undefined) return 'not stored';
  if (row.payload?.equals(body) !== true) return 'the stored bytes are others';
  const events = await database.read.selectFrom('events').select('facts').where('kind', '=', 'analysis.completed').execute();
  const facts = events.map((event) => JSON.parse(event.facts) as AnalysisCompletedFacts).find(({ analysis }) => analysis === id);
  if (facts?.relayed !== body.toString('utf8')) return 'what is told on are other bytes';
  const found = [row.source_task, row.revision, row.branch, row.key, row.name, row.gate, row.properties, row.status === 'failed'];
  const { taskId, revision, branch, project, qualityGate, properties, status } = plain;
  const gate = qualityGate === undefined ? null : JSON.stringify(qualityGate);
  const wanted = [
    taskId ?? null,
    revision ?? null,
    branch?.name ?? '',
    project.key,
    project.name,
    gate,
    JSON.stringify(properties),
    status === 'FAILED',
  ];
  const at = found.findIndex((value, index) => value !== wanted[index]);
  return at < 0 ? null : `${String(found[at])} instead of ${String(wanted[at])}`;
}

interface Answer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

async function send(source: MadeSource, { headers, body }: Recorded, more: readonly string[]): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request(source.ingestUrl, { method: 'POST', headers: [...headers.rawHeaders, ...more] }, (answer) => {
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, json: JSON.parse(text) as Answer['json'] }));
  });
  sent.on('error', reject).end(body);
  return promise;
}
