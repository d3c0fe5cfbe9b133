import type { Database } from '../src/storage/database/database.ts';
import { parseVersion } from '../src/reports/version.ts';

// Rows of reports as they would lie there, for the tests of what reads them.

export const acme = '0190f3a1-0000-4000-8000-00000000000a';

export function idOf(number: number): string {
  return `0198aaaa-0000-7000-8000-${String(number).padStart(12, '0')}`;
}

export async function insertOrganization(
  database: Database,
  id: string = acme,
  options: { readonly readsNeedToken?: boolean } = {},
): Promise<void> {
  await database.write((tx) =>
    tx
      .insertInto('organizations')
      .values({
        id,
        slug: `slug-${id.slice(-4)}`,
        name: 'Acme',
        language: 'en',
        reads_need_token: options.readsNeedToken ? 1 : 0,
        standards: null,
        created: 0,
      })
      .execute(),
  );
}

export interface GivenReport {
  readonly number: number;
  readonly organization?: string;
  readonly version?: string;
  readonly date?: number;
  readonly projectKey?: string;
  readonly type?: string;
  readonly edition?: number;
  readonly branch?: string;
  readonly rating?: string | null;
}

/** Ids of projects made from their keys: `insertReports` makes the projects that are new to it. */
export function projectId(organization: string, key: string): string {
  return `${organization.slice(0, 24)}${Buffer.from(key).toString('hex').padStart(12, '0').slice(-12)}`;
}

export function listedOf(given: GivenReport): string {
  const date = `${new Date(given.date ?? 0).toISOString().slice(0, -1)}+00:00`;
  return JSON.stringify({
    projectName: `Project ${given.projectKey ?? 'shop'}`,
    id: idOf(given.number),
    reportType: given.type ?? 'CWE Top 25',
    reportVersion: given.edition ?? 2024,
    projectVersion: given.version ?? '1.0',
    date,
    uploadDate: date,
    vulnerabilitiesCount: 0,
    securityRating: given.rating === undefined ? 'A' : given.rating,
  });
}

/** Inserts reports, their snapshots and their projects. The numbers make the ids. */
export async function insertReports(database: Database, reports: readonly GivenReport[]): Promise<void> {
  for (let at = 0; at < reports.length; at += 500) {
    const some = reports.slice(at, at + 500);
    const projects = new Map(some.map((given) => [projectOf(given).id, projectOf(given)]));
    await database.write(async (tx) => {
      await tx
        .insertInto('projects')
        .values([...projects.values()])
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await tx.insertInto('reports').values(some.map(reportRow)).execute();
      await tx.insertInto('snapshots').values(some.map(snapshotRow)).execute();
    });
  }
}

function projectOf({ organization = acme, projectKey = 'shop' }: GivenReport) {
  return {
    id: projectId(organization, projectKey),
    organization,
    key: projectKey,
    name: `Project ${projectKey}`,
    retention_versions: null,
    retention_days: null,
    created: 0,
  };
}

function reportRow(given: GivenReport) {
  const version = parseVersion(given.version ?? '1.0');
  const date = given.date ?? 0;
  return {
    id: idOf(given.number),
    organization: given.organization ?? acme,
    project: projectOf(given).id,
    branch: given.branch ?? '',
    version: given.version ?? '1.0',
    // Unique per number: these tests want many reports of one version.
    version_normal: `${version.normal}#${given.number}`,
    version_key: version.key,
    type: given.type ?? 'CWE Top 25',
    edition: given.edition ?? 2024,
    date_text: `${new Date(date).toISOString().slice(0, -1)}+00:00`,
    date,
    upload_date: date,
    count: 0,
    rating: given.rating === undefined ? 'A' : given.rating,
    snapshot: snapshotId(given.number),
    listed: listedOf(given),
    created: 0,
  };
}

export function snapshotId(number: number): string {
  return `0198bbbb-0000-7000-8000-${String(number).padStart(12, '0')}`;
}

function snapshotRow(given: GivenReport) {
  const date = given.date ?? 0;
  return {
    id: snapshotId(given.number),
    organization: given.organization ?? acme,
    report: idOf(given.number),
    analysis: null,
    date_text: `${new Date(date).toISOString().slice(0, -1)}+00:00`,
    date,
    revision: null,
    count: 0,
    rating: given.rating === undefined ? 'A' : given.rating,
    categories: '{}',
    content_sha256: '',
    made: date,
  };
}
