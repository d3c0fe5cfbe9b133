import type { Clock } from '../../clock.ts';
import { GatepostError } from '../../errors.ts';
import type { Identifiers } from '../../identifiers.ts';
import { readOrganization } from '../../organizations/store.ts';
import type { Database } from '../../storage/database/database.ts';
import { parseTimestamp } from '../../timestamps.ts';
import { objectIn, textIn } from './answers.ts';
import { bringIn } from './catch-up-insert.ts';
import type { ListedAnalysis, ListedBranch, ListedDelivery, ListedProject } from './catch-up-list.ts';
import { knowsBranches, listAnalyses, listBranches, listFailedDeliveries, listProjects, listTasks } from './catch-up-list.ts';
import type { SonarqubeClient } from './client/client.ts';
import { isFault } from './client/client.ts';
import type { Intake } from './intake.ts';
import { readPayload } from './payload.ts';
import { probe } from './probe.ts';
import type { OpenSource } from './source.ts';
import { ingestPath, takesProject } from './source.ts';
import type { SourceLog } from './states.ts';
import { findWebhook } from './webhook-there.ts';

/** The two clocks may disagree by this much, and what came in meanwhile is known again by its key. */
export const overlapMs = 3_600_000;
/** Where tasks are not to be seen, an analysis is left to its webhook for so long. */
export const leftToWebhookMs = 60_000;
/** One look brings in no more of one branch; the next one goes on. */
export const analysesOfBranchMax = 5_000;

export interface CatchUpDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: SourceLog;
  readonly intake: Intake;
  /** The base of links to this server. */
  readonly publicUrl: () => string;
  /** How many of the newest analyses of a branch the first look brings in. */
  readonly first: number;
}

export interface CaughtUp {
  /** Analyses that no webhook had brought. */
  readonly analyses: number;
  /** Analyses that are left to their webhooks for now. */
  readonly left: number;
  /** Webhooks that had failed over there and were taken in now. */
  readonly deliveries: number;
  readonly projects: number;
  /** Projects that could not be looked at: the token may not see them, they went meanwhile, or what the server says of them cannot be read. */
  readonly skipped: number;
}

interface Look {
  readonly deps: CatchUpDeps;
  readonly source: OpenSource;
  readonly client: SonarqubeClient;
  readonly signal: AbortSignal;
}

/**
 * Brings in what a source's webhooks did not: first the webhooks that failed, exactly as they were sent; then the analyses since the last known
 * one of each branch. Each is made once, whichever way it came. Fails with what is wrong with the source.
 */
export async function catchUp(deps: CatchUpDeps, look: Omit<Look, 'deps'>): Promise<CaughtUp> {
  const whole: Look = { ...look, deps };
  await probe(look.client, { signal: look.signal });
  const deliveries = await takeFailed(whole);
  const counts = { analyses: 0, left: 0, projects: 0, skipped: 0 };
  let hasBranches: boolean | null = null;
  for await (const project of listProjects(look)) {
    if (!takesProject(look.source.settings, project.key)) continue;
    counts.projects += 1;
    try {
      hasBranches ??= await knowsBranches({ ...look, project: project.key });
      const { brought, left } = await projectSince(whole, project, hasBranches);
      counts.analyses += brought;
      counts.left += left;
    } catch (error) {
      if (!isFault(error, 'source_forbidden', 'source_not_found', 'source_refused', 'source_answer_invalid')) throw error;
      counts.skipped += 1;
    }
  }
  return { ...counts, deliveries };
}

/** Webhooks that failed since the last look, by the server's own log of them: their very bytes. */
async function takeFailed(look: Look): Promise<number> {
  const { source, client, signal } = look;
  const ingestUrl = look.deps.publicUrl() + ingestPath(source.id);
  const webhook = source.webhook ?? (await findWebhook(client, { source, ingestUrl, signal })).key;
  if (webhook === null) return 0;
  const since = (source.caughtUp ?? source.created) - overlapMs;
  const failed = await listFailedDeliveries({ client, signal, webhook, since });
  let taken = 0;
  for (const delivery of failed ?? []) if (await takeOne(look, delivery)) taken += 1;
  return taken;
}

async function takeOne({ deps, source, client, signal }: Look, delivery: ListedDelivery): Promise<boolean> {
  const { database, clock, log, intake } = deps;
  const { organization } = source;
  if (delivery.project !== null && !takesProject(source.settings, delivery.project)) return false;
  if (delivery.task !== null && (await isKnown(deps, source, delivery.task))) return false;
  try {
    const answer = objectIn(await client.get('api/webhooks/delivery', { deliveryId: delivery.id }, { signal }));
    const text = textIn(objectIn(answer['delivery']), 'payload');
    if (text === null) return false;
    const bytes = Buffer.from(text, 'utf8');
    const payload = readPayload(bytes);
    const tenant = await readOrganization({ read: database.read, organization });
    if (tenant === null || !takesProject(source.settings, payload.project.key)) return false;
    const arrived = { organization, slug: tenant.slug, source: source.id, payload, bytes, publicUrl: deps.publicUrl() };
    return (await intake.take(arrived)).isNew;
  } catch (error) {
    const isOfThisOne = error instanceof GatepostError && (isFault(error, 'source_not_found', 'source_forbidden') || isUnreadable(error));
    if (!isOfThisOne) throw error;
    log.warn({ source: source.id, delivery: delivery.id, code: error.code, at: clock.now() }, 'source.delivery.unreadable');
    return false;
  }
}

function isUnreadable({ code }: GatepostError): boolean {
  return ['not_utf8', 'not_json', 'invalid_payload', 'invalid_project_key'].includes(code);
}

async function isKnown({ database }: CatchUpDeps, source: OpenSource, task: string): Promise<boolean> {
  const row = await database.read
    .selectFrom('analyses')
    .select('id')
    .where('organization', '=', source.organization)
    .where('source', '=', source.id)
    .where('source_key', '=', `task:${task}`)
    .executeTakeFirst();
  return row !== undefined;
}

interface Since {
  readonly brought: number;
  readonly left: number;
}

/** What a project has since the last look, branch by branch. */
async function projectSince(look: Look, project: ListedProject, hasBranches: boolean): Promise<Since> {
  const { client, signal } = look;
  const marks = await readMarks(look, project.key);
  let tasks: ReadonlyMap<string, string> | null = null;
  let [brought, left] = [0, 0];
  for (const branch of await listBranches({ client, signal, project: project.key, hasBranches })) {
    if (branch.analysed === null) continue;
    const mark = marks.get(branch.name) ?? null;
    const missed = await missedOf(look, { project, branch, mark });
    if (missed.length === 0) continue;
    tasks ??= await listTasks({ client, signal, project: project.key });
    const analyses = withoutYoung(missed.toReversed(), { tasks, now: look.deps.clock.now() });
    left += missed.length - analyses.length;
    if (analyses.length > 0) brought += await bringIn({ ...look.deps, source: look.source, project, branch, analyses, tasks });
  }
  return { brought, left };
}

/**
 * Oldest first, up to the first one whose task is not known and whose webhook may be on its way: taken in before it, the analysis would be told of
 * without what its webhook says. Those behind it are left as well, since what is marked as looked at has no gaps.
 */
function withoutYoung(
  analyses: readonly ListedAnalysis[],
  { tasks, now }: { readonly tasks: ReadonlyMap<string, string>; readonly now: number },
): readonly ListedAnalysis[] {
  const first = analyses.findIndex(({ key, date }) => {
    const time = parseTimestamp(date);
    return !tasks.has(key) && time !== null && Math.abs(now - time.ms) < leftToWebhookMs;
  });
  return first === -1 ? analyses : analyses.slice(0, first);
}

interface Mark {
  readonly analysis: string;
  readonly date: number;
}

async function readMarks({ deps, source }: Look, project: string): Promise<ReadonlyMap<string, Mark>> {
  const rows = await deps.database.read
    .selectFrom('source_marks')
    .select(['branch', 'analysis', 'date'])
    .where('organization', '=', source.organization)
    .where('source', '=', source.id)
    .where('project', '=', project)
    .execute();
  return new Map(rows.map(({ branch, analysis, date }) => [branch, { analysis, date }]));
}

/** Newest first. A branch that was never looked at gives its newest ones alone, unless it came to be after the last look. */
async function missedOf(
  { deps, source, client, signal }: Look,
  { project, branch, mark }: { readonly project: ListedProject; readonly branch: ListedBranch; readonly mark: Mark | null },
) {
  const of = { client, signal, project: project.key, branch };
  if (mark === null && source.caughtUp === null) return deps.first === 0 ? [] : listAnalyses({ ...of, from: null, max: deps.first });
  const from = mark?.date ?? (source.caughtUp ?? 0) - overlapMs;
  const listed = await listAnalyses({ ...of, from, max: analysesOfBranchMax });
  return listed.filter((analysis) => analysis.key !== mark?.analysis);
}
