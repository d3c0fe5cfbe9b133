import type { Clock } from '../../clock.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { parseTimestamp } from '../../timestamps.ts';
import { bringIn, markAt } from './catch-up-insert.ts';
import type { EndedTask, ListedAnalysis, ListedBranch, ListedProject } from './catch-up-list.ts';
import { listAnalyses, listBranches, listEndedTasks, listTasks, pageMax } from './catch-up-list.ts';
import type { SonarqubeClient } from './client/client.ts';
import type { Intake } from './intake.ts';
import type { OpenSource } from './source.ts';
import type { SourceLog } from './states.ts';

// What one project has that is not here.

/** The two clocks may disagree by this much, and what came in meanwhile is known again by its key. */
export const overlapMs = 3_600_000;
/** Where tasks are not to be seen, an analysis is left to its webhook for so long. */
export const leftToWebhookMs = 60_000;
/**
 * A branch that nobody has looked at yet, at a source that was looked at before, gives what is dated so long before that look: its analyses may have
 * waited in a queue, or be dated by hand.
 */
export const newBranchMs = 86_400_000;
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

export interface Look {
  readonly deps: CatchUpDeps;
  readonly source: OpenSource;
  readonly client: SonarqubeClient;
  readonly signal: AbortSignal;
}

/** The tasks that ended since the last look and whose analyses are not here; null where the token may not see them, or nobody has looked yet. */
export async function endedSince({ deps, source, client, signal }: Look): Promise<readonly EndedTask[] | null> {
  // The first look brings in the newest of each branch and no more.
  if (source.caughtUp === null) return null;
  const ended = await listEndedTasks({ client, signal, since: source.caughtUp - overlapMs });
  if (ended === null) return null;
  const here = new Set<string | null>();
  for (let start = 0; start < ended.length; start += pageMax) {
    const rows = await deps.database.read
      .selectFrom('analyses')
      .select('source_task')
      .where('organization', '=', source.organization)
      .where('source', '=', source.id)
      .where(
        'source_task',
        'in',
        ended.slice(start, start + pageMax).map(({ id }) => id),
      )
      .execute();
    for (const row of rows) here.add(row.source_task);
  }
  return ended.filter(({ id }) => !here.has(id));
}

interface Since {
  readonly brought: number;
  readonly left: number;
}

export interface ProjectOptions {
  readonly project: ListedProject;
  readonly hasBranches: boolean;
  /** Of all projects; null: not known. */
  readonly ended: readonly EndedTask[] | null;
}

/** What a project has since the last look, branch by branch. One where nothing is new is asked for its branches and for nothing else. */
export async function projectSince(look: Look, { project, hasBranches, ended }: ProjectOptions): Promise<Since> {
  const { client, signal } = look;
  const marks = await readMarks(look, project.key);
  const ofProject = (ended ?? []).filter((task) => task.project === project.key);
  let tasks: ReadonlyMap<string, string> = new Map(ofProject.map(({ id, analysis }) => [analysis, id]));
  let listed = false;
  let [brought, left] = [0, 0];
  for (const branch of await listBranches({ client, signal, project: project.key, hasBranches })) {
    if (branch.analysed === null) continue;
    const mark = marks.get(branch.name) ?? null;
    const wanted = ofProject.filter((task) => task.branch === branch.name || (branch.isMain && task.branch === null));
    const isStill = ended !== null && mark !== null && wanted.length === 0 && (parseTimestamp(branch.analysed)?.ms ?? 0) <= mark.date;
    if (isStill) continue;
    const missed = await missedOf(look, { project, branch, mark });
    if (!listed && missed.some(({ key }) => !tasks.has(key))) {
      tasks = new Map([...tasks, ...(await listTasks({ client, signal, project: project.key }))]);
      listed = true;
    }
    const analyses = withoutYoung(missed.toReversed(), { tasks, now: look.deps.clock.now() });
    left += missed.length - analyses.length;
    const to = { ...look.deps, source: look.source, project, branch, tasks };
    if (analyses.length > 0) brought += await bringIn({ ...to, analyses, marks: true });
    const backdated = await backdatedOf(look, { project, branch, missed, wanted });
    if (backdated.length > 0) brought += await bringIn({ ...to, analyses: backdated, marks: false });
  }
  return { brought, left };
}

interface Backdated {
  readonly project: ListedProject;
  readonly branch: ListedBranch;
  readonly missed: readonly ListedAnalysis[];
  readonly wanted: readonly EndedTask[];
}

/** Oldest first: analyses that were made since the last look and are dated before what it saw, as `sonar.projectDate` may say. */
async function backdatedOf({ client, signal }: Look, { project, branch, missed, wanted }: Backdated): Promise<readonly ListedAnalysis[]> {
  const keys = new Set(wanted.map(({ analysis }) => analysis));
  for (const { key } of missed) keys.delete(key);
  if (keys.size === 0) return [];
  const listed = await listAnalyses({ client, signal, project: project.key, branch, from: null, max: analysesOfBranchMax });
  return listed.filter(({ key }) => keys.has(key)).toReversed();
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

/** Newest first. At the first look of all its newest ones alone, and later all since what is known to be here. */
async function missedOf(
  look: Look,
  { project, branch, mark }: { readonly project: ListedProject; readonly branch: ListedBranch; readonly mark: Mark | null },
): Promise<readonly ListedAnalysis[]> {
  const { deps, source, client, signal } = look;
  const of = { client, signal, project: project.key, branch };
  if (mark !== null) {
    const listed = await listAnalyses({ ...of, from: mark.date, max: analysesOfBranchMax });
    return listed.filter((analysis) => analysis.key !== mark.analysis);
  }
  const { caughtUp } = source;
  if (caughtUp !== null) {
    const listed = await listAnalyses({ ...of, from: null, max: pageMax });
    // Whatever its date, the newest may have come to be since.
    const isSince = ({ date }: ListedAnalysis): boolean => (parseTimestamp(date)?.ms ?? 0) >= caughtUp - newBranchMs;
    return listed.filter((analysis, at) => at < Math.max(1, deps.first) || isSince(analysis));
  }
  const listed = await listAnalyses({ ...of, from: null, max: Math.max(1, deps.first) });
  const newest = listed[0];
  if (deps.first > 0 || newest === undefined) return listed;
  // Nothing is wanted of what was there before; the next look goes on from here.
  await deps.database.write((tx) => markAt(tx, { source, project, branch }, newest));
  return [];
}
