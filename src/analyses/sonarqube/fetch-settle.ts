import type { Clock } from '../../clock.ts';
import type { GateFacts } from '../../events/event.ts';
import type { OnRecorded } from '../../events/record.ts';
import { recordEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import { readOrganization } from '../../organizations/store.ts';
import type { Project } from '../../projects/project.ts';
import { holdProject } from '../../projects/store.ts';
import type { StoredObject } from '../../storage/artifacts/store.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { parseTimestamp } from '../../timestamps.ts';
import type { Analysis, Claim } from '../store.ts';
import { removeClaimed, settleFetched } from '../store.ts';
import { completedFacts } from './completed.ts';
import { FetchLost } from './fetch-verdict.ts';
import type { Fetched } from './fetch/fetch.ts';

export interface SettleFetchDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly publicUrl: () => string;
  readonly onRecorded: OnRecorded;
}

export interface FetchResult {
  readonly claim: Claim;
  readonly fetched: Fetched;
  /** In the artefact store by now. */
  readonly body: StoredObject;
  readonly project: Project;
}

/** `removed`: the analysis is there already, under the name that a webhook gave it. */
export interface FetchSettled {
  readonly kind: 'done' | 'removed';
  /** An event was recorded. */
  readonly recorded: boolean;
}

/**
 * The one unit that makes a fetched analysis ready for its reports. One that no webhook told of says now what the webhook would have said; one
 * that turns out to be another that is there goes, so that each analysis is made once whichever way it came. Fails with `FetchLost`.
 */
export async function settleFetch(deps: SettleFetchDeps, { claim, fetched, body, project }: FetchResult): Promise<FetchSettled> {
  const { database, clock, ids, onRecorded } = deps;
  const { organization, id } = claim.analysis;
  // What told of it knew when it was: an edit of issues comes later than the analysis that was edited.
  const time = claim.analysis.date_given === null ? parseTimestamp(fetched.dateText) : null;
  const revision = fetched.revision ?? claim.analysis.revision;
  const publicUrl = deps.publicUrl();
  return database.write(async (tx) => {
    // Held until the end of the unit, so that a deletion at the same time either sees what is added here or is over before.
    if (!(await holdProject({ tx, organization, project: project.id }))) throw new FetchLost();
    // Its webhook may have come meanwhile.
    const meanwhile = await tx
      .selectFrom('analyses')
      .select(['payload', 'source_task', 'gate', 'properties'])
      .where('organization', '=', organization)
      .where('id', '=', id)
      .executeTakeFirst();
    if (meanwhile === undefined) throw new FetchLost();
    const analysis = { ...claim.analysis, ...meanwhile };
    const told = analysis.gate === null ? fetched.gate : (JSON.parse(analysis.gate) as GateFacts);
    const isCaughtUp = analysis.payload === null;
    if (isCaughtUp && (await hasTwin(tx, analysis, fetched.analysis))) {
      if (!(await removeClaimed({ tx, claim }))) throw new FetchLost();
      return { kind: 'removed', recorded: false };
    }
    const done = await settleFetched(
      { tx, claim },
      {
        body,
        version: fetched.version,
        revision,
        date: time,
        gate: told === null ? null : JSON.stringify(told),
        sourceAnalysis: fetched.analysis ?? analysis.source_analysis,
      },
    );
    if (!done) throw new FetchLost();
    if (!isCaughtUp) return { kind: 'done', recorded: false };
    const tenant = await readOrganization({ read: tx, organization });
    if (tenant === null) throw new FetchLost();
    const date = time?.text ?? analysis.date_text;
    const facts = completedFacts({ analysis, project, slug: tenant.slug, publicUrl, date, revision, gate: told });
    await recordEvent({ tx, organization, kind: 'analysis.completed', project: project.id, facts, ids, clock, onRecorded });
    return { kind: 'done', recorded: true };
  });
}

/**
 * Whether another row is this very analysis: where the source does not tell tasks, one that was caught up may have come by its webhook too, and
 * is known by its key over there, or by the second of its analysis on its branch.
 */
async function hasTwin(tx: Tx, analysis: Analysis, key: string | null): Promise<boolean> {
  // One whose task is known cannot come twice: the key of its row says so.
  if (analysis.source_task !== null) return false;
  const twin = await tx
    .selectFrom('analyses')
    .select('id')
    .where('organization', '=', analysis.organization)
    .where('project', '=', analysis.project)
    .where('branch', '=', analysis.branch)
    .where('source', '=', analysis.source)
    .where('source_task', 'is not', null)
    .where('id', '!=', analysis.id)
    .where((where) => where.or([where('date', '=', analysis.date), ...(key === null ? [] : [where('source_analysis', '=', key)])]))
    .limit(1)
    .executeTakeFirst();
  return twin !== undefined;
}
