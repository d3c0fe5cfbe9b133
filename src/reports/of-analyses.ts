import type { AnalysisReport } from '../analyses/schema.ts';
import type { Analysis } from '../analyses/store.ts';
import type { Reader } from '../storage/database/database.ts';
import { readReports } from './store.ts';

/** The reports that analyses came to, as they stand now, by analysis id. What was deleted since is left out. */
export async function reportsOfAnalyses(
  read: Reader,
  organization: string,
  analyses: readonly Analysis[],
): Promise<ReadonlyMap<string, readonly AnalysisReport[]>> {
  const wanted = new Map(
    analyses.map((analysis) => [analysis.id, analysis.reports === null ? [] : (JSON.parse(analysis.reports) as string[])]),
  );
  const rows = await readReports({ read, organization, ids: [...new Set([...wanted.values()].flat())] });
  const byId = new Map(rows.map((row) => [row.id, row]));
  const shown = (id: string): AnalysisReport[] => {
    const row = byId.get(id);
    if (row === undefined) return [];
    return [{ id, reportType: row.type, reportVersion: row.edition, vulnerabilitiesCount: row.count, securityRating: row.rating }];
  };
  return new Map([...wanted].map(([analysis, ids]) => [analysis, ids.flatMap(shown)]));
}
