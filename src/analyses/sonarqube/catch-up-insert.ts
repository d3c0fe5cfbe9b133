import type { Clock } from '../../clock.ts';
import type { Identifiers } from '../../identifiers.ts';
import { findOrCreateProject } from '../../projects/store.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { parseTimestamp } from '../../timestamps.ts';
import { aheadMsMax } from '../analysis.ts';
import type { ListedAnalysis, ListedBranch, ListedProject } from './catch-up-list.ts';
import { shownName } from './intake.ts';
import type { Source } from './source.ts';

/** Rows of one unit of work. */
export const analysesOfUnitMax = 100;

export interface MissedOptions {
  readonly database: Database;
  readonly ids: Identifiers;
  readonly clock: Clock;
  readonly source: Source;
  readonly project: ListedProject;
  readonly branch: ListedBranch;
  /** Oldest first. */
  readonly analyses: readonly ListedAnalysis[];
  /** Task by the key of its analysis. */
  readonly tasks: ReadonlyMap<string, string>;
  /** Nothing up to the newest of them is missing once they are here. */
  readonly marks: boolean;
}

/**
 * Brings in the analyses of a branch that are not here yet, in units of bounded size, each with the mark up to which nothing is missing. Answers
 * how many were new. Whoever else brings one in at the same time: the key of its row says that it is one.
 */
export async function bringIn(options: MissedOptions): Promise<number> {
  const { database, analyses } = options;
  let brought = 0;
  for (let start = 0; start < analyses.length; start += analysesOfUnitMax) {
    const some = analyses.slice(start, start + analysesOfUnitMax);
    brought += await database.write((tx) => bringInSome(tx, options, some));
  }
  return brought;
}

async function bringInSome(tx: Tx, options: MissedOptions, some: readonly ListedAnalysis[]): Promise<number> {
  const { source, project: there, ids, clock } = options;
  const { organization } = source;
  const name = shownName(there);
  const project = await findOrCreateProject({ tx, organization, key: there.key, name, onlyProject: null, actor: 'system', ids, clock });
  let brought = 0;
  for (const analysis of some) if (await bringInOne(tx, options, { analysis, project: project.id })) brought += 1;
  const newest = some.at(-1);
  if (newest !== undefined && options.marks) await markAt(tx, options, newest);
  return brought;
}

interface One {
  readonly analysis: ListedAnalysis;
  readonly project: string;
}

async function bringInOne(tx: Tx, options: MissedOptions, { analysis, project }: One): Promise<boolean> {
  const { source, branch, tasks, ids, clock } = options;
  const now = clock.now();
  const time = parseTimestamp(analysis.date);
  const given = time === null || time.ms > now + aheadMsMax ? null : time;
  const task = tasks.get(analysis.key) ?? null;
  if (await isHere(tx, options, { analysis, project, task, date: given?.ms ?? null })) return false;
  const inserted = await tx
    .insertInto('analyses')
    .values({
      id: ids.next(),
      organization: source.organization,
      project,
      branch: branch.name,
      branch_type: 'BRANCH',
      branch_is_main: branch.isMain ? 1 : 0,
      version: '',
      revision: analysis.revision,
      date_given: given?.text ?? null,
      date_text: given?.text ?? analysis.date,
      date: given?.ms ?? now,
      properties: '{}',
      body_sha256: '',
      body_bytes: 0,
      kind: 'sonarqube',
      stage: 'fetch',
      source: source.id,
      source_key: task === null ? `analysis:${analysis.key}` : `task:${task}`,
      source_task: task,
      source_analysis: analysis.key,
      status: 'pending',
      created: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

/**
 * Whether it is here, whichever way it came: by its key over there, or its task. Where tasks are not to be seen, one that a webhook brought is
 * known by the second of its analysis on its branch.
 */
async function isHere(
  tx: Tx,
  { source, branch }: MissedOptions,
  { analysis, project, task, date }: One & { readonly task: string | null; readonly date: number | null },
): Promise<boolean> {
  const found = await tx
    .selectFrom('analyses')
    .select('id')
    .where('organization', '=', source.organization)
    .where('project', '=', project)
    .where('source', '=', source.id)
    .where((where) =>
      where.or([
        where.and([where('source_analysis', '=', analysis.key), where('source_key', 'not like', 'edit:%')]),
        ...(task === null ? [] : [where('source_task', '=', task)]),
        ...(task !== null || date === null
          ? []
          : [where.and([where('source_task', 'is not', null), where('branch', '=', branch.name), where('date', '=', date)])]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** Says that nothing of the branch is missing up to this analysis. */
export async function markAt(
  tx: Tx,
  { source, project, branch }: Pick<MissedOptions, 'source' | 'project' | 'branch'>,
  newest: ListedAnalysis,
): Promise<void> {
  const mark = { analysis: newest.key, date: parseTimestamp(newest.date)?.ms ?? 0 };
  await tx
    .insertInto('source_marks')
    .values({ source: source.id, organization: source.organization, project: project.key, branch: branch.name, ...mark })
    .onConflict((conflict) => conflict.columns(['source', 'project', 'branch']).doUpdateSet(mark))
    .execute();
}
