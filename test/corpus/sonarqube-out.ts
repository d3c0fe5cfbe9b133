// Payloads out: every recorded body is read into facts by our reader and written again by our writer, without the one key that we add; the bytes
// must be those of the recording. Headers are compared with those that would have gone out with it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPayload } from '../../src/analyses/sonarqube/payload.ts';
import type { AnalysisCompletedFacts } from '../../src/events/event.ts';
import { sonarqubeJson } from '../../src/webhooks/dialects/sonarqube-json.ts';
import { payload, sonarqubeDialect } from '../../src/webhooks/dialects/sonarqube.ts';
import { sonarqubeRequest } from '../webhooks/sonarqube-request.ts';
import type { Check, Part, Recordings } from './part.ts';
import { check } from './part.ts';

/** A request as it was recorded. */
export interface Recorded {
  /** Folder and file, without its ending. */
  readonly file: string;
  readonly path: string;
  readonly project: string;
  readonly secret: string | null;
  readonly basic: string | null;
  readonly body: Buffer;
  readonly headers: RecordedHeaders;
}

export interface RecordedHeaders {
  readonly seq: number;
  readonly port: 'first' | 'second';
  /** Name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly answer: Readonly<Record<string, unknown>>;
}

export function recordedRequests({ folder }: Recordings): readonly Recorded[] {
  const index = JSON.parse(readFileSync(join(folder, 'webhooks/index.json'), 'utf8')) as readonly Omit<Recorded, 'body' | 'headers'>[];
  return index.map((each) => ({
    ...each,
    body: readFileSync(join(folder, `webhooks/${each.file}.body`)),
    headers: JSON.parse(readFileSync(join(folder, `webhooks/${each.file}.headers.json`), 'utf8')) as RecordedHeaders,
  }));
}

/** The facts that a recorded payload tells of, as an analysis that we would compose the payload for. */
export function factsOf(body: Buffer): AnalysisCompletedFacts {
  const { task, status, analysedAt, changedAt, revision, project, branch, gate, properties } = readPayload(body);
  const { serverUrl } = JSON.parse(body.toString('utf8')) as { readonly serverUrl: string };
  return {
    organization: 'o',
    analysis: 'a',
    origin: 'sonarqube',
    serverUrl,
    task,
    status,
    revision,
    project,
    branch,
    gate,
    properties,
    analysedAt: analysedAt?.given ?? null,
    changedAt: changedAt?.given ?? '',
    relayed: null,
  };
}

export async function payloadsOut(recordings: Recordings): Promise<Part> {
  const checks = recordedRequests(recordings).flatMap((recorded): readonly Check[] => {
    const facts = factsOf(recorded.body);
    const written = sonarqubeJson(payload(facts, { onLeakPeriod: false }));
    const event = { id: 'e', organization: 'o', kind: 'analysis.completed', project: null, created: 0 } as const;
    const relayed = sonarqubeDialect.body({ ...event, facts: { ...facts, relayed: recorded.body.toString('utf8') } });
    return [
      check(`${recorded.file} body composed`, Buffer.from(written).equals(recorded.body), firstDifference(written, recorded.body)),
      check(`${recorded.file} body relayed`, relayed.equals(recorded.body), 'other bytes'),
      headersCheck(recorded, recordings.version),
    ];
  });
  return { title: 'Payloads out', checks };
}

/** Names, their case, values and order, but for what HTTP's client places itself: `Host` and `Connection` lead, `Content-Length` ends. */
function headersCheck({ file, body, secret, headers }: Recorded, version: string): Check {
  const placed = new Set(['Host', 'Connection', 'Content-Length']);
  const theirs = pairs(headers.rawHeaders).filter(([name]) => !placed.has(name));
  const authorization = theirs.find(([name]) => name === 'Authorization')?.[1] ?? null;
  const sent = sonarqubeRequest({ body, secret, authorization, version });
  const ours = pairs(sent.headers).filter(([name]) => !name.startsWith('x-gatepost-'));
  try {
    assert.deepEqual(ours, theirs);
    return check(`${file} headers`, true, '');
  } catch {
    return check(`${file} headers`, false, `${JSON.stringify(ours)} instead of ${JSON.stringify(theirs)}`);
  }
}

export function pairs(list: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index] ?? '', list[2 * index + 1] ?? ''] as const);
}

function firstDifference(ours: string, body: Buffer): string {
  const theirs = body.toString('utf8');
  let at = 0;
  while (at < theirs.length && ours[at] === theirs[at]) at += 1;
  return `from character ${at}: ${ours.slice(at, at + 60)} instead of ${theirs.slice(at, at + 60)}`;
}
