import type { ListedReport } from '../events/event.ts';
import type { Database } from '../storage/database/database.ts';

/** Rows of one unit of work. */
const renamedOfUnitMax = 500;

/**
 * The list shows each report with its project's name, kept in the row so that a page is read and not computed: a new name is written into all
 * of them, in units of bounded size. Cut off by a crash, those left show the old name until their next analysis.
 */
export async function renameListed(
  database: Database,
  scope: { readonly organization: string; readonly project: string; readonly name: string },
): Promise<void> {
  let after = '';
  for (;;) {
    const rows = await database.write(async (tx) => {
      const page = await tx
        .selectFrom('reports')
        .select(['id', 'listed'])
        .where('organization', '=', scope.organization)
        .where('project', '=', scope.project)
        .where('id', '>', after)
        .orderBy('id')
        .limit(renamedOfUnitMax)
        .execute();
      for (const row of page) {
        const listed: ListedReport = { ...(JSON.parse(row.listed) as ListedReport), projectName: scope.name };
        await tx
          .updateTable('reports')
          .set({ listed: JSON.stringify(listed) })
          .where('organization', '=', scope.organization)
          .where('id', '=', row.id)
          .execute();
      }
      return page;
    });
    const last = rows.at(-1);
    if (last === undefined || rows.length < renamedOfUnitMax) return;
    after = last.id;
  }
}
