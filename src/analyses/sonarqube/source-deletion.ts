import type { DeletionStep } from '../../organizations/deletion.ts';

/** What goes when an organization goes. A project takes no source with it: sources are the organization's. */
export const sourceDeletionSteps: readonly DeletionStep[] = [
  {
    name: 'source marks',
    async run({ tx, organization, project, limit }) {
      if (project !== null) return 0;
      const rows = await tx
        .selectFrom('source_marks')
        .select(['source', 'project', 'branch'])
        .where('organization', '=', organization)
        .limit(limit)
        .execute();
      for (const { source, project: key, branch } of rows) {
        const mark = tx.deleteFrom('source_marks').where('organization', '=', organization).where('source', '=', source);
        await mark.where('project', '=', key).where('branch', '=', branch).execute();
      }
      return rows.length;
    },
  },
  {
    name: 'sources',
    async run({ tx, organization, project, limit }) {
      if (project !== null) return 0;
      const rows = await tx.selectFrom('sources').select('id').where('organization', '=', organization).limit(limit).execute();
      if (rows.length === 0) return 0;
      const ids = rows.map((row) => row.id);
      await tx.deleteFrom('sources').where('organization', '=', organization).where('id', 'in', ids).execute();
      return rows.length;
    },
  },
];
