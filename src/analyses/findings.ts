import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Reader, Tx } from '../storage/database/database.ts';
import type { FindingsTable } from '../storage/database/schema.ts';
import type { Analysis } from './store.ts';

/** What a branch knows of its findings: a row each, by fingerprint, kept over analyses. It tells new from fixed. */

export const knownPageMax = 1000;
/** Rows of one unit of work: a few milliseconds of the writer. */
export const findingsOfUnitMax = 500;

export type KnownRow = Selectable<FindingsTable>;

interface Branch {
  readonly read: Reader;
  readonly organization: string;
  readonly project: string;
  readonly branch: string;
}

/** All rows of a branch, page by page in the order of their fingerprints, so that half a million of them never stand in memory. */
export async function* knownFindings({ read, organization, project, branch }: Branch): AsyncGenerator<KnownRow> {
  let after = '';
  for (;;) {
    const page = await read
      .selectFrom('findings')
      .selectAll()
      .where('organization', '=', organization)
      .where('project', '=', project)
      .where('branch', '=', branch)
      .where('fingerprint', '>', after)
      .orderBy('fingerprint')
      .limit(knownPageMax)
      .execute();
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < knownPageMax) return;
    after = last.fingerprint;
  }
}

/** A finding that an analysis has seen. */
export interface SeenFinding {
  readonly fingerprint: string;
  readonly rule: string;
  readonly severity: string;
  readonly cwes: readonly number[];
  readonly owasp: readonly { readonly edition: number; readonly id: string }[];
  readonly path: string;
  readonly state: 'open' | 'review' | 'suppressed';
}

interface Upsert {
  readonly tx: Tx;
  readonly analysis: Analysis;
  readonly seen: readonly SeenFinding[];
}

/**
 * Writes down what an analysis has seen. A second run over the same analysis changes nothing: when a finding was first seen, and which analysis
 * brought it back, stay as the first run said.
 */
export async function recordSeen({ tx, analysis, seen }: Upsert): Promise<void> {
  if (seen.length === 0) return;
  await tx
    .insertInto('findings')
    .values(
      seen.map((finding) => ({
        organization: analysis.organization,
        project: analysis.project,
        branch: analysis.branch,
        fingerprint: finding.fingerprint,
        rule: finding.rule,
        severity: finding.severity,
        cwes: JSON.stringify(finding.cwes),
        owasp: JSON.stringify(finding.owasp),
        path: finding.path,
        state: finding.state,
        first_seen: analysis.date,
        first_seen_analysis: analysis.id,
        last_seen: analysis.date,
        last_seen_analysis: analysis.id,
        state_analysis: analysis.id,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['project', 'branch', 'fingerprint']).doUpdateSet({
        rule: (set) => set.ref('excluded.rule'),
        severity: (set) => set.ref('excluded.severity'),
        cwes: (set) => set.ref('excluded.cwes'),
        owasp: (set) => set.ref('excluded.owasp'),
        path: (set) => set.ref('excluded.path'),
        state: (set) => set.ref('excluded.state'),
        last_seen: (set) => set.ref('excluded.last_seen'),
        last_seen_analysis: (set) => set.ref('excluded.last_seen_analysis'),
        state_analysis: sql<string>`case when findings.state = 'fixed' then excluded.state_analysis else findings.state_analysis end`,
      }),
    )
    .execute();
}

/** Marks as fixed what was there before this analysis and is gone in it. */
export async function recordFixed({
  tx,
  analysis,
  fingerprints,
}: {
  readonly tx: Tx;
  readonly analysis: Analysis;
  readonly fingerprints: readonly string[];
}): Promise<void> {
  if (fingerprints.length === 0) return;
  await tx
    .updateTable('findings')
    .set({ state: 'fixed', state_analysis: analysis.id })
    .where('organization', '=', analysis.organization)
    .where('project', '=', analysis.project)
    .where('branch', '=', analysis.branch)
    .where('fingerprint', 'in', fingerprints)
    .where('state', '!=', 'fixed')
    .execute();
}
