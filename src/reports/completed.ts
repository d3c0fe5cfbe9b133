import type { Analysis } from '../analyses/store.ts';
import type { AnalysisCompletedFacts, GateFacts } from '../events/event.ts';
import { recordEvent } from '../events/record.ts';
import { readOrganization } from '../organizations/store.ts';
import { readProject } from '../projects/store.ts';
import type { Tx } from '../storage/database/database.ts';
import type { RecordDeps } from './record.ts';

export interface CompletedOptions extends RecordDeps {
  readonly tx: Tx;
  readonly analysis: Analysis;
  readonly status: 'SUCCESS' | 'FAILED';
  /** The commit as the scanner's file says, where the caller did not. */
  readonly revision?: string | null;
  readonly gate: GateFacts | null;
  /** The public base URL, without a slash at its end. */
  readonly serverUrl: string;
}

/** Names that a main branch has by custom. */
const mainBranches: ReadonlySet<string> = new Set(['', 'main', 'master']);

/**
 * Records that an analysis of ours has come to its end, in the caller's unit of work. Nothing where it came from a source: its server has said so,
 * and that was recorded as it came in. Nothing where the project is gone.
 */
export async function recordCompleted(options: CompletedOptions): Promise<void> {
  const { tx, analysis, ids, clock, onRecorded } = options;
  if (analysis.kind !== 'sarif') return;
  const { organization } = analysis;
  const tenant = await readOrganization({ read: tx, organization });
  const project = await readProject({ read: tx, organization, project: analysis.project });
  if (tenant === null || project === null) return;
  const facts = completedFacts(options, { slug: tenant.slug, project });
  await recordEvent({ tx, organization, kind: 'analysis.completed', project: project.id, facts, ids, clock, onRecorded });
}

/** Our analysis is its own task. SonarQube's `changedAt` equals `analysedAt` where a task brought it (contract, 1.1). */
function completedFacts(
  { analysis, status, revision, gate, serverUrl }: CompletedOptions,
  { slug, project }: { readonly slug: string; readonly project: AnalysisCompletedFacts['project'] },
): AnalysisCompletedFacts {
  return {
    organization: slug,
    analysis: analysis.id,
    origin: 'sarif',
    serverUrl,
    task: analysis.id,
    status,
    analysedAt: analysis.date_text,
    changedAt: analysis.date_text,
    revision: analysis.revision ?? revision ?? null,
    project: { key: project.key, name: project.name },
    branch: { name: analysis.branch === '' ? null : analysis.branch, type: 'BRANCH', isMain: mainBranches.has(analysis.branch) },
    gate,
    properties: JSON.parse(analysis.properties) as Record<string, string>,
    relayed: null,
  };
}
