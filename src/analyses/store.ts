import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Clock } from '../clock.ts';
import { timestampText } from '../clock.ts';
import type { GateFacts } from '../events/event.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Database, Reader, Tx } from '../storage/database/database.ts';
import type { AnalysesTable } from '../storage/database/schema.ts';
import type { AnalysisRequest } from './analysis.ts';
import type { AnalysisFacts } from './finding.ts';

export type Analysis = Selectable<AnalysesTable>;

/** A lease on an analysis: who holds it may change it, and only while the token is still its own. */
export interface Claim {
  readonly analysis: Analysis;
  readonly token: string;
}

/** How long a claim holds without a sign of life. A node that died is replaced after this; on SQLite at once, at the next start. */
export const leaseMs = 60_000;
/** How often the child process that works on an analysis may die before the analysis has failed. */
export const crashesMax = 3;

export interface InsertAnalysisOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly project: string;
  readonly request: AnalysisRequest;
  readonly body: { readonly sha256: string; readonly bytes: number };
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Records that an analysis has come in. Its body must be on disk by now: the row promises that it will be worked on. */
export async function insertAnalysis({ tx, organization, project, request, body, ids, clock }: InsertAnalysisOptions): Promise<Analysis> {
  const now = clock.now();
  return tx
    .insertInto('analyses')
    .values({
      id: ids.next(),
      organization,
      project,
      branch: request.branch ?? '',
      version: request.version,
      revision: request.revision,
      date_given: request.date?.text ?? null,
      date_text: request.date?.text ?? timestampText(now),
      date: request.date?.ms ?? now,
      properties: JSON.stringify(request.properties),
      body_sha256: body.sha256,
      body_bytes: body.bytes,
      status: 'pending',
      created: now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

interface One {
  readonly read: Reader;
  readonly organization: string;
  readonly id: string;
}

export async function readAnalysis({ read, organization, id }: One): Promise<Analysis | null> {
  const row = await read
    .selectFrom('analyses')
    .selectAll()
    .where('organization', '=', organization)
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? null;
}

export interface ListAnalysesOptions {
  readonly read: Reader;
  readonly organization: string;
  /** Project id, or null for all. */
  readonly project: string | null;
  readonly status: string | null;
  readonly limit: number;
  readonly after: string | null;
}

/** Newest first. */
export async function listAnalyses({
  read,
  organization,
  project,
  status,
  limit,
  after,
}: ListAnalysesOptions): Promise<readonly Analysis[]> {
  let query = read.selectFrom('analyses').selectAll().where('organization', '=', organization).orderBy('id', 'desc').limit(limit);
  if (project !== null) query = query.where('project', '=', project);
  if (status !== null) query = query.where('status', '=', status as Analysis['status']);
  if (after !== null) query = query.where('id', '<', after);
  return query.execute();
}

/** At start: what this node had under way when its process ended is nobody's any more. Answers how many there were. */
export async function takeBackAnalyses(database: Database): Promise<number> {
  const result = await database.write((tx) =>
    tx
      .updateTable('analyses')
      .set({ status: 'pending', lease_token: null, lease_until: null })
      // Written out, so that SQLite takes the index of what is under way.
      .where(sql<boolean>`status = 'running'`)
      .where('lease_token', 'like', `${database.node}:%`)
      .executeTakeFirst(),
  );
  return Number(result.numUpdatedRows);
}

interface Held {
  readonly tx: Tx;
  readonly claim: Claim;
}

/** Every change goes through here: it holds only while the claim does. False: another has it now, or it was deleted. */
async function change({ tx, claim }: Held, set: Partial<Omit<Analysis, 'id' | 'organization' | 'project' | 'created'>>): Promise<boolean> {
  const result = await tx
    .updateTable('analyses')
    .set(set)
    .where('organization', '=', claim.analysis.organization)
    .where('id', '=', claim.analysis.id)
    .where('status', '=', 'running')
    .where('lease_token', '=', claim.token)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

const unheld = { lease_token: null, lease_until: null } as const;

export function extendLease(held: Held, clock: Clock): Promise<boolean> {
  return change(held, { lease_until: clock.now() + leaseMs });
}

/** What was fetched of an analysis, and put where bodies are. */
export interface FetchedBody {
  readonly body: { readonly sha256: string; readonly bytes: number };
  readonly version: string;
  readonly revision: string | null;
  /** Null: it keeps the one that it came with. */
  readonly date: { readonly text: string; readonly ms: number } | null;
  /** JSON GateFacts. */
  readonly gate: string | null;
  /** Its key at the source. */
  readonly sourceAnalysis: string | null;
}

/** The end of its fetching: its reports can be made. */
export function settleFetched(held: Held, fetched: FetchedBody): Promise<boolean> {
  return change(held, {
    ...unheld,
    status: 'pending',
    stage: 'make',
    due: 0,
    crashes: 0,
    body_sha256: fetched.body.sha256,
    body_bytes: fetched.body.bytes,
    version: fetched.version,
    revision: fetched.revision,
    ...(fetched.date === null ? {} : { date_given: fetched.date.text, date_text: fetched.date.text, date: fetched.date.ms }),
    gate: fetched.gate,
    source_analysis: fetched.sourceAnalysis,
  });
}

/** Gives an analysis back whose fetching did not succeed, to be tried again not before `due`. */
export function settleFetchAgain(
  held: Held,
  options: { readonly due: number; readonly attempts: number; readonly crashes: number },
): Promise<boolean> {
  return change(held, { ...unheld, status: 'pending', ...options });
}

/** Takes an analysis away that turned out to be another one that is there. */
export async function removeClaimed({ tx, claim }: Held): Promise<boolean> {
  const result = await tx
    .deleteFrom('analyses')
    .where('organization', '=', claim.analysis.organization)
    .where('id', '=', claim.analysis.id)
    .where('status', '=', 'running')
    .where('lease_token', '=', claim.token)
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

export interface Done {
  readonly facts: AnalysisFacts;
  readonly findingsSha256: string;
  readonly reports: readonly string[];
  /** What its gate came to; null where none of ours was asked: one that it brought stays. */
  readonly gate: GateFacts | null;
}

export function settleDone(held: Held, done: Done, clock: Clock): Promise<boolean> {
  return change(held, {
    ...unheld,
    status: 'done',
    facts: JSON.stringify(done.facts),
    findings_sha256: done.findingsSha256,
    reports: JSON.stringify(done.reports),
    ...(done.gate === null ? {} : { gate: JSON.stringify(done.gate) }),
    finished: clock.now(),
  });
}

export interface AnalysisFailure {
  readonly code: string;
  readonly message: string;
  /** Where in the file: pointer, line, column, offset. */
  readonly place: Readonly<Record<string, unknown>> | null;
}

export function settleFailed(held: Held, failure: AnalysisFailure, clock: Clock): Promise<boolean> {
  return change(held, {
    ...unheld,
    status: 'failed',
    error_code: failure.code,
    error_message: failure.message,
    error_place: failure.place === null ? null : JSON.stringify(failure.place),
    finished: clock.now(),
  });
}

/** Gives it back, to be tried again not before `due`. */
export function settleAgain(held: Held, options: { readonly due: number; readonly crashes: number }): Promise<boolean> {
  return change(held, { ...unheld, status: 'pending', due: options.due, crashes: options.crashes });
}
