import type { Clock } from '../clock.ts';
import { timestampText } from '../clock.ts';
import { conflict } from '../errors.ts';
import type { EventKind, ListedReport } from '../events/event.ts';
import type { OnRecorded } from '../events/record.ts';
import { recordEvent } from '../events/record.ts';
import type { Identifiers } from '../identifiers.ts';
import type { StoredObject } from '../storage/artifacts/store.ts';
import type { Tx } from '../storage/database/database.ts';
import type { Rating } from './report.ts';
import type { ReportKey, ReportRow } from './store.ts';
import { findReport } from './store.ts';
import { parseVersion } from './version.ts';

/** A file of a snapshot that is in the artefact store. */
export interface SnapshotFile {
  readonly name: string;
  readonly mediaType: string;
  readonly object: StoredObject;
}

/** A report as it is to stand: its files are on disk by now. */
export interface NewSnapshot {
  readonly key: ReportKey;
  readonly projectName: string;
  /** The id it gets where it is new. Documents already name it, so a report that has another id by now is refused. */
  readonly reportId: string;
  /** Null for a ready-made one. */
  readonly analysis: string | null;
  readonly date: { readonly text: string; readonly ms: number };
  readonly revision: string | null;
  readonly count: number;
  readonly rating: Rating | null;
  readonly categories: Readonly<Record<string, number>>;
  readonly contentSha256: string;
  readonly files: readonly SnapshotFile[];
}

/** `earlier`: older than the one shown, kept as evidence, without an event. `unchanged`: the same content again: no snapshot. */
export type Recorded = 'ingested' | 'updated' | 'earlier' | 'unchanged';

export interface RecordDeps {
  readonly ids: Identifiers;
  readonly clock: Clock;
  readonly onRecorded: OnRecorded;
}

/** The entry of the list and the webhook, with its fields in the contract's order. */
export function listedReport(projectName: string, row: Omit<ReportRow, 'listed'>): ListedReport {
  return {
    projectName,
    id: row.id,
    reportType: row.type,
    reportVersion: row.edition,
    projectVersion: row.version,
    date: row.date_text,
    uploadDate: timestampText(row.upload_date),
    vulnerabilitiesCount: row.count,
    securityRating: row.rating as ListedReport['securityRating'],
  };
}

/**
 * Makes reports stand and records what happened, all in the caller's unit of work: one event `report.ingested` for those that are new and one
 * `report.updated` for those that changed. Fails with `report_taken` where another report has taken the place since its documents were made.
 */
export async function recordReports(
  options: RecordDeps & {
    readonly tx: Tx;
    readonly organization: string;
    readonly project: string;
    readonly snapshots: readonly NewSnapshot[];
  },
): Promise<readonly Recorded[]> {
  const { tx, organization, project, snapshots, ids, clock, onRecorded } = options;
  const outcomes: Recorded[] = [];
  const told: Record<'ingested' | 'updated', ListedReport[]> = { ingested: [], updated: [] };
  for (const snapshot of snapshots) {
    const { outcome, listed } = await recordSnapshot({ tx, snapshot, ids, clock });
    outcomes.push(outcome);
    if (listed !== null && (outcome === 'ingested' || outcome === 'updated')) told[outcome].push(listed);
  }
  for (const outcome of ['ingested', 'updated'] as const) {
    if (told[outcome].length === 0) continue;
    const kind: EventKind = `report.${outcome}`;
    const facts = { organizationId: organization, reports: told[outcome] };
    await recordEvent({ tx, organization, kind, project, facts, ids, clock, onRecorded });
  }
  return outcomes;
}

async function recordSnapshot(options: {
  readonly tx: Tx;
  readonly snapshot: NewSnapshot;
  readonly ids: Identifiers;
  readonly clock: Clock;
}): Promise<{ readonly outcome: Recorded; readonly listed: ListedReport | null }> {
  const { tx, snapshot, ids, clock } = options;
  const standing = await findReport({ read: tx, ...snapshot.key });
  if (standing !== null && standing.content === snapshot.contentSha256) return { outcome: 'unchanged', listed: null };
  if (standing !== null && standing.report.id !== snapshot.reportId) {
    throw conflict('report_taken', 'Another report of this version has come in meanwhile.');
  }
  const earlier = standing !== null && standing.report.date > snapshot.date.ms;
  if (earlier && (await isKept(tx, snapshot))) return { outcome: 'unchanged', listed: null };
  const id = ids.next();
  const now = clock.now();
  await insertSnapshot({ tx, id, snapshot, now });
  if (earlier) return { outcome: 'earlier', listed: null };
  const row = rowOf({ snapshot, snapshotId: id, created: standing?.report.created ?? now, now });
  const listed = listedReport(snapshot.projectName, row);
  const whole = { ...row, listed: JSON.stringify(listed) };
  if (standing === null) await tx.insertInto('reports').values(whole).execute();
  else await tx.updateTable('reports').set(whole).where('organization', '=', row.organization).where('id', '=', row.id).execute();
  return { outcome: standing === null ? 'ingested' : 'updated', listed };
}

/** Whether an earlier snapshot of the same day says the same: sent again, it is no further evidence. */
async function isKept(tx: Tx, snapshot: NewSnapshot): Promise<boolean> {
  const row = await tx
    .selectFrom('snapshots')
    .select('id')
    .where('organization', '=', snapshot.key.organization)
    .where('report', '=', snapshot.reportId)
    .where('date', '=', snapshot.date.ms)
    .where('content_sha256', '=', snapshot.contentSha256)
    .executeTakeFirst();
  return row !== undefined;
}

interface RowOptions {
  readonly snapshot: NewSnapshot;
  readonly snapshotId: string;
  readonly created: number;
  readonly now: number;
}

function rowOf({ snapshot, snapshotId, created, now }: RowOptions): Omit<ReportRow, 'listed'> {
  const { key } = snapshot;
  const version = parseVersion(key.version);
  return {
    id: snapshot.reportId,
    organization: key.organization,
    project: key.project,
    branch: key.branch,
    version: key.version,
    version_normal: version.normal,
    version_key: version.key,
    type: key.type,
    edition: key.edition,
    date_text: snapshot.date.text,
    date: snapshot.date.ms,
    upload_date: now,
    count: snapshot.count,
    rating: snapshot.rating,
    snapshot: snapshotId,
    created,
  };
}

async function insertSnapshot(options: {
  readonly tx: Tx;
  readonly id: string;
  readonly snapshot: NewSnapshot;
  readonly now: number;
}): Promise<void> {
  const { tx, id, snapshot, now } = options;
  const { organization } = snapshot.key;
  await tx
    .insertInto('snapshots')
    .values({
      id,
      organization,
      report: snapshot.reportId,
      analysis: snapshot.analysis,
      date_text: snapshot.date.text,
      date: snapshot.date.ms,
      revision: snapshot.revision,
      count: snapshot.count,
      rating: snapshot.rating,
      categories: JSON.stringify(snapshot.categories),
      content_sha256: snapshot.contentSha256,
      made: now,
    })
    .execute();
  if (snapshot.files.length === 0) return;
  await tx
    .insertInto('snapshot_artifacts')
    .values(
      snapshot.files.map(({ name, mediaType, object }, position) => ({
        organization,
        snapshot: id,
        name,
        position,
        media_type: mediaType,
        sha256: object.sha256,
        bytes: object.bytes,
        stored_bytes: object.storedBytes,
        crc32: object.crc32,
        method: object.method,
      })),
    )
    .execute();
}
