import type { Selectable } from 'kysely';
import type { ListedReport } from '../events/event.ts';
import type { Reader } from '../storage/database/database.ts';
import type { ReportsTable, SnapshotArtifactsTable, SnapshotsTable } from '../storage/database/schema.ts';
import type { TrendPoint } from './report.ts';
import { parseVersion } from './version.ts';

export type ReportRow = Selectable<ReportsTable>;
export type SnapshotRow = Selectable<SnapshotsTable>;
export type ArtifactRow = Selectable<SnapshotArtifactsTable>;

/** Versions that a trend shows, the report's own among them. */
export const trendPointsMax = 12;

/** What makes a report the same one when it comes again. */
export interface ReportKey {
  readonly organization: string;
  /** Project id. */
  readonly project: string;
  /** Empty: none was told. */
  readonly branch: string;
  readonly version: string;
  readonly type: string;
  readonly edition: number;
}

export interface StandingReport {
  readonly report: ReportRow;
  /** Content hash of its newest snapshot. */
  readonly content: string;
}

/** The report of this key as it stands, or null. */
export async function findReport({ read, ...key }: ReportKey & { readonly read: Reader }): Promise<StandingReport | null> {
  const report = await read
    .selectFrom('reports')
    .selectAll()
    .where('organization', '=', key.organization)
    .where('project', '=', key.project)
    .where('branch', '=', key.branch)
    .where('version_normal', '=', parseVersion(key.version).normal)
    .where('type', '=', key.type)
    .where('edition', '=', key.edition)
    .executeTakeFirst();
  if (report === undefined) return null;
  const snapshot = await read
    .selectFrom('snapshots')
    .select('content_sha256')
    .where('organization', '=', key.organization)
    .where('id', '=', report.snapshot)
    .executeTakeFirst();
  return { report, content: snapshot?.content_sha256 ?? '' };
}

export interface History {
  /** Oldest first. */
  readonly trend: readonly TrendPoint[];
  /** Direct counts by category of the newest version before, or null. */
  readonly previousCategories: Readonly<Record<string, number>> | null;
}

/** The versions before, as their reports stand: what a report tells its trend from. */
export async function readHistory({
  read,
  before,
  ...key
}: ReportKey & { readonly read: Reader; readonly before: number }): Promise<History> {
  const rows = await read
    .selectFrom('reports')
    .innerJoin('snapshots', 'snapshots.id', 'reports.snapshot')
    .select(['reports.version', 'reports.date_text', 'reports.count', 'reports.rating', 'snapshots.categories'])
    .where('reports.organization', '=', key.organization)
    .where('reports.project', '=', key.project)
    .where('reports.branch', '=', key.branch)
    .where('reports.type', '=', key.type)
    .where('reports.edition', '=', key.edition)
    .where('reports.version_normal', '!=', parseVersion(key.version).normal)
    .where('reports.date', '<=', before)
    .orderBy('reports.date', 'desc')
    .orderBy('reports.id', 'desc')
    .limit(trendPointsMax - 1)
    .execute();
  const [newest] = rows;
  return {
    trend: rows.toReversed().map((row) => ({ version: row.version, date: row.date_text, count: row.count, rating: ratingOf(row.rating) })),
    previousCategories: newest === undefined ? null : (JSON.parse(newest.categories) as Record<string, number>),
  };
}

/** A rating as it lies in the database. */
export function ratingOf(text: string | null): ListedReport['securityRating'] {
  return text === 'A' || text === 'B' || text === 'C' || text === 'D' || text === 'E' ? text : null;
}

export async function readReport(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly id: string;
}): Promise<ReportRow | null> {
  const row = await options.read
    .selectFrom('reports')
    .selectAll()
    .where('organization', '=', options.organization)
    .where('id', '=', options.id)
    .executeTakeFirst();
  return row ?? null;
}

export async function readReports(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly ids: readonly string[];
}): Promise<readonly ReportRow[]> {
  if (options.ids.length === 0) return [];
  return options.read
    .selectFrom('reports')
    .selectAll()
    .where('organization', '=', options.organization)
    .where('id', 'in', options.ids)
    .execute();
}

/** Newest first by analysis date. */
export async function readSnapshots(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly report: string;
}): Promise<readonly SnapshotRow[]> {
  return options.read
    .selectFrom('snapshots')
    .selectAll()
    .where('organization', '=', options.organization)
    .where('report', '=', options.report)
    .orderBy('date', 'desc')
    .orderBy('id', 'desc')
    .execute();
}

/** The files of a snapshot, in their order. */
export async function readArtifacts(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly snapshot: string;
}): Promise<readonly ArtifactRow[]> {
  return options.read
    .selectFrom('snapshot_artifacts')
    .selectAll()
    .where('organization', '=', options.organization)
    .where('snapshot', '=', options.snapshot)
    .orderBy('position')
    .execute();
}

export interface ListReportsOptions {
  readonly read: Reader;
  readonly organization: string;
  /** Project id, or null for all. */
  readonly project: string | null;
  readonly type: string | null;
  readonly branch: string | null;
  readonly limit: number;
  readonly after: string | null;
}

/** Newest made first. */
export async function listReports({
  read,
  organization,
  project,
  type,
  branch,
  limit,
  after,
}: ListReportsOptions): Promise<readonly ReportRow[]> {
  let query = read.selectFrom('reports').selectAll().where('organization', '=', organization).orderBy('id', 'desc').limit(limit);
  if (project !== null) query = query.where('project', '=', project);
  if (type !== null) query = query.where('type', '=', type);
  if (branch !== null) query = query.where('branch', '=', branch);
  if (after !== null) query = query.where('id', '<', after);
  return query.execute();
}
