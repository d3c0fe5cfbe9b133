import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Actor } from '../organizations/audit.ts';
import { recordAudit } from '../organizations/audit.ts';
import type { DeletionStep } from '../organizations/deletion.ts';
import type { Tx } from '../storage/database/database.ts';
import type { ReportRow } from './store.ts';

/** Snapshots that one unit takes, each with its handful of files. */
const snapshotsOfUnitMax = 50;

/** Files and snapshots of reports, what points first. */
const snapshots: DeletionStep = {
  name: 'snapshots',
  async run({ tx, organization, project, limit }) {
    let query = tx
      .selectFrom('snapshots')
      .select('snapshots.id')
      .where('snapshots.organization', '=', organization)
      .limit(snapshotsOfUnitMax);
    if (project !== null) query = query.innerJoin('reports', 'reports.id', 'snapshots.report').where('reports.project', '=', project);
    const ids = (await query.execute()).map((row) => row.id);
    await deleteSnapshots({ tx, organization, ids });
    return ids.length === snapshotsOfUnitMax ? limit : ids.length;
  },
};

async function deleteSnapshots({
  tx,
  organization,
  ids,
}: {
  readonly tx: Tx;
  readonly organization: string;
  readonly ids: readonly string[];
}): Promise<void> {
  if (ids.length === 0) return;
  await tx.deleteFrom('snapshot_artifacts').where('organization', '=', organization).where('snapshot', 'in', ids).execute();
  await tx.deleteFrom('snapshots').where('organization', '=', organization).where('id', 'in', ids).execute();
}

function rowsById(table: 'reports' | 'analyses'): DeletionStep {
  return {
    name: table,
    async run({ tx, organization, project, limit }) {
      let query = tx.selectFrom(table).select('id').where('organization', '=', organization).limit(limit);
      if (project !== null) query = query.where('project', '=', project);
      const ids = (await query.execute()).map((row) => row.id);
      if (ids.length > 0) await tx.deleteFrom(table).where('organization', '=', organization).where('id', 'in', ids).execute();
      return ids.length;
    },
  };
}

const findings: DeletionStep = {
  name: 'findings',
  async run({ tx, organization, project, limit }) {
    let query = tx
      .selectFrom('findings')
      .select(['project', 'branch', 'fingerprint'])
      .where('organization', '=', organization)
      .limit(limit);
    if (project !== null) query = query.where('project', '=', project);
    const rows = await query.execute();
    const [first] = rows;
    if (first === undefined) return 0;
    // The rows of one branch at a time: its key is the index they lie in.
    const same = rows.filter((row) => row.project === first.project && row.branch === first.branch).map((row) => row.fingerprint);
    await tx
      .deleteFrom('findings')
      .where('organization', '=', organization)
      .where('project', '=', first.project)
      .where('branch', '=', first.branch)
      .where('fingerprint', 'in', same)
      .execute();
    return rows.length === limit || same.length < rows.length ? limit : same.length;
  },
};

/** What goes when a project or an organization goes: reports with all their snapshots, analyses, findings. Files are swept afterwards. */
export const reportDeletionSteps: readonly DeletionStep[] = [snapshots, rowsById('reports'), findings, rowsById('analyses')];

export interface DeleteReportOptions {
  readonly tx: Tx;
  readonly report: ReportRow;
  readonly projectKey: string;
  readonly actor: Actor;
  readonly action: 'report.deleted' | 'report.expired';
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Deletes one report with its snapshots, and leaves the trace. A report that is sent again afterwards is a new one, with a new id. */
export async function deleteReport({ tx, report, projectKey, actor, action, ids, clock }: DeleteReportOptions): Promise<void> {
  const { organization } = report;
  const rows = await tx
    .selectFrom('snapshots')
    .select('id')
    .where('organization', '=', organization)
    .where('report', '=', report.id)
    .execute();
  await deleteSnapshots({ tx, organization, ids: rows.map((row) => row.id) });
  await tx.deleteFrom('reports').where('organization', '=', organization).where('id', '=', report.id).execute();
  const details = {
    id: report.id,
    project: projectKey,
    branch: report.branch,
    version: report.version,
    type: report.type,
    edition: report.edition,
  };
  await recordAudit({ tx, organization, actor, action, subject: `${projectKey} ${report.version}`, details, ids, clock });
}
