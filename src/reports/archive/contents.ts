import type { ListedReport } from '../../events/event.ts';
import type { Reader } from '../../storage/database/database.ts';

/** A file of the artefact store that belongs into an archive. */
export interface StoredFile {
  readonly name: string;
  readonly mediaType: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** A report as an archive holds it: its newest snapshot. */
export interface ArchivedReport {
  readonly listed: ListedReport;
  readonly projectId: string;
  readonly projectKey: string;
  readonly branch: string | null;
  readonly versionKey: string;
  readonly date: number;
  readonly revision: string | null;
  readonly snapshot: string;
  /** Null for a ready-made one. */
  readonly analysis: string | null;
  readonly files: readonly StoredFile[];
}

/** What a scanner wrote, in the archive once however many reports were made of it. */
export interface ArchivedScan {
  readonly analysis: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface ArchiveContents {
  /** By project, newest version first; the same for the same set of reports, whatever their order in the request. */
  readonly reports: readonly ArchivedReport[];
  readonly scans: ReadonlyMap<string, ArchivedScan>;
  /** Ids asked for that are not there, ascending. */
  readonly missing: readonly string[];
}

export interface ReadContentsOptions {
  readonly read: Reader;
  readonly organization: string;
  readonly ids: readonly string[];
  /** Narrows it to one project, by its id; null: all. */
  readonly project: string | null;
}

/** Reads what the archive of these reports holds. Of snapshots, which never change, so that a report that comes again meanwhile does no harm. */
export async function readContents(options: ReadContentsOptions): Promise<ArchiveContents> {
  const rows = await readReportRows(options);
  const files = await readFiles(
    options,
    rows.map((row) => row.snapshot),
  );
  const reports = rows.map((row) => ({
    listed: JSON.parse(row.listed) as ListedReport,
    projectId: row.project,
    projectKey: row.project_key,
    branch: row.branch === '' ? null : row.branch,
    versionKey: row.version_key,
    date: row.date,
    revision: row.revision,
    snapshot: row.snapshot,
    analysis: row.analysis,
    files: files.get(row.snapshot) ?? [],
  }));
  const found = new Set(reports.map((report) => report.listed.id));
  return {
    reports: reports.toSorted(byPlace),
    scans: await readScans(options, reports),
    missing: options.ids.filter((id) => !found.has(id)).toSorted(),
  };
}

function readReportRows({ read, organization, ids, project }: ReadContentsOptions) {
  let query = read
    .selectFrom('reports')
    .innerJoin('snapshots', 'snapshots.id', 'reports.snapshot')
    .innerJoin('projects', 'projects.id', 'reports.project')
    .select([
      'reports.listed',
      'reports.project',
      'reports.branch',
      'reports.version_key',
      'reports.snapshot',
      'projects.key as project_key',
    ])
    .select(['snapshots.date', 'snapshots.revision', 'snapshots.analysis'])
    .where('reports.organization', '=', organization)
    .where('reports.id', 'in', [...ids]);
  if (project !== null) query = query.where('reports.project', '=', project);
  return query.execute();
}

async function readFiles({ read, organization }: ReadContentsOptions, snapshots: readonly string[]): Promise<Map<string, StoredFile[]>> {
  const files = new Map<string, StoredFile[]>();
  if (snapshots.length === 0) return files;
  const rows = await read
    .selectFrom('snapshot_artifacts')
    .select(['snapshot', 'name', 'media_type', 'sha256', 'bytes'])
    .where('organization', '=', organization)
    .where('snapshot', 'in', [...snapshots])
    .orderBy('snapshot')
    .orderBy('position')
    .orderBy('name')
    .execute();
  for (const { snapshot, name, media_type, sha256, bytes } of rows) {
    const list = files.get(snapshot) ?? [];
    list.push({ name, mediaType: media_type, sha256, bytes });
    files.set(snapshot, list);
  }
  return files;
}

async function readScans(
  { read, organization }: ReadContentsOptions,
  reports: readonly ArchivedReport[],
): Promise<Map<string, ArchivedScan>> {
  const ids = [...new Set(reports.flatMap(({ analysis }) => (analysis === null ? [] : [analysis])))];
  if (ids.length === 0) return new Map();
  const rows = await read
    .selectFrom('analyses')
    .select(['id', 'body_sha256', 'body_bytes'])
    .where('organization', '=', organization)
    .where('id', 'in', ids)
    .execute();
  return new Map(rows.map((row) => [row.id, { analysis: row.id, sha256: row.body_sha256, bytes: row.body_bytes }]));
}

function byPlace(a: ArchivedReport, b: ArchivedReport): number {
  return (
    compare(a.listed.projectName, b.listed.projectName) ||
    compare(a.projectId, b.projectId) ||
    compare(b.versionKey, a.versionKey) ||
    compare(a.listed.projectVersion, b.listed.projectVersion) ||
    compare(a.listed.reportType, b.listed.reportType) ||
    b.listed.reportVersion - a.listed.reportVersion ||
    compare(a.listed.id, b.listed.id)
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
