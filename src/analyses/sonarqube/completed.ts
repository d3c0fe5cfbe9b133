import type { AnalysisCompletedFacts, GateFacts } from '../../events/event.ts';
import type { Analysis } from '../store.ts';

export interface CompletedOptions {
  /** As it stands from now on. */
  readonly analysis: Pick<Analysis, 'id' | 'branch' | 'branch_type' | 'branch_is_main' | 'source_task' | 'properties'>;
  readonly project: { readonly key: string; readonly name: string };
  /** The organization's slug. */
  readonly slug: string;
  readonly publicUrl: string;
  /** RFC 3339. */
  readonly date: string;
  readonly revision: string | null;
  readonly gate: GateFacts | null;
}

/** What an analysis says of itself that no webhook told of: composed from what was fetched, in the words of the webhook that was missed. */
export function completedFacts({ analysis, project, slug, publicUrl, date, revision, gate }: CompletedOptions): AnalysisCompletedFacts {
  return {
    organization: slug,
    analysis: analysis.id,
    origin: 'sonarqube',
    serverUrl: publicUrl,
    // Where the token may not see tasks: our own id, which `api/ce/task` answers for too. With none at all receivers take it for an edit of issues
    // (contract 1.1), or refuse it (contract 8).
    task: analysis.source_task ?? analysis.id,
    status: 'SUCCESS',
    analysedAt: date,
    changedAt: date,
    revision,
    project,
    branch: {
      name: analysis.branch === '' ? null : analysis.branch,
      type: analysis.branch_type === 'PULL_REQUEST' ? 'PULL_REQUEST' : 'BRANCH',
      isMain: analysis.branch_is_main === 1,
    },
    gate,
    properties: JSON.parse(analysis.properties) as Record<string, string>,
    relayed: null,
  };
}
