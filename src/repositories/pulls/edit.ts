import type { Updateable } from 'kysely';
import { conflict } from '../../errors.ts';
import type { PullRequestFacts } from '../../events/git-facts.ts';
import type { PullsTable } from '../../storage/database/schema-repositories.ts';
import { checkedBranchName } from '../repository.ts';
import { requireHere, requireNotArchived } from '../store.ts';
import type { Assessment } from './assess.ts';
import { assess } from './assess.ts';
import type { Writing } from './become.ts';
import { assessed, becomeClosed, tell } from './become.ts';
import type { Doing, PullsDeps } from './deps.ts';
import { recorder, sceneOf, scopeOf } from './deps.ts';
import { keepHeads } from './heads.ts';
import { requireSomething, requireTwoBranches, unknownBranch } from './open.ts';
import type { Pull } from './pull.ts';
import { alreadyMerged, bodyCharactersMax, cannotMerge, checkedText, checkedTitle, headRefOf } from './pull.ts';
import { caughtUp, readTips } from './refresh.ts';
import { changePull, holdPull, requireNoOther, requireRoom, unknownPull } from './store.ts';

export interface PullChange {
  readonly title?: string | undefined;
  readonly body?: string | undefined;
  /** The branch it goes to. */
  readonly base?: string | undefined;
  readonly state?: 'open' | 'closed' | undefined;
}

export interface EditPullOptions extends Doing {
  readonly pull: Pull;
  readonly change: PullChange;
}

/** What git says of the two sides as they will be; null: it need not be asked. */
interface Looked {
  readonly base: string;
  readonly baseSha: string;
  readonly headSha: string;
  readonly assessment: Assessment;
}

/**
 * Changes what is named and nothing else, in one unit: `edited` with what was before, one for title, body and base each and in this order, then `closed` or `reopened`. What is as it is told to be is
 * no change. Fails with `repository_archived`, `pull_request_merged` (its state or base), `pull_request_closed` (its base), `same_branch`,
 * `unknown_branch`, `base_gone`, `head_gone`, `nothing_to_merge`, `unrelated_histories`, `pull_request_exists`, `too_many_pull_requests` (all 409), and as `openPull` does.
 */
export async function editPull(deps: PullsDeps, options: EditPullOptions): Promise<Pull> {
  const { repository, actor, pull } = options;
  const { database } = deps;
  requireHere(repository, database);
  requireNotArchived(repository);
  const change = checkedChange(options.change);
  const looked = await look(deps, { ...options, change });
  const scene = await sceneOf(deps, options);
  const changed = await database.write(async (tx) => {
    const held = await holdPull({ tx, ...scopeOf(repository), id: pull.id, withRepository: looked !== null });
    if (held === null) throw unknownPull();
    requirePossible(held, change);
    const writing = { tx, record: recorder(deps, tx), scene, now: deps.clock.now() };
    const edited = await writeEdit(writing, { pull: held, change, looked });
    return writeState(writing, { pull: edited, change, looked });
  });
  deps.recorded?.();
  return looked === null ? changed : caughtUp(deps, { repository, actor, pull: changed });
}

function checkedChange({ title, body, base, state }: PullChange): PullChange {
  return {
    title: title === undefined ? undefined : checkedTitle(title),
    body: body === undefined ? undefined : checkedText(body, bodyCharactersMax),
    base: base === undefined ? undefined : checkedBranchName(base, 'base'),
    state,
  };
}

/** Held against the row as it is in the unit, too: it may be merged meanwhile. */
function requirePossible(pull: Pull, { base, state }: PullChange): void {
  const movesBase = base !== undefined && base !== pull.base;
  if (pull.state === 'merged' && (movesBase || state !== undefined)) throw alreadyMerged();
  if (movesBase && pull.state === 'closed' && state !== 'open')
    throw conflict('pull_request_closed', 'The pull request is closed: open it again to change its base.');
  if (movesBase) requireTwoBranches(pull.head, base);
}

async function look(deps: PullsDeps, { repository, pull, change }: EditPullOptions): Promise<Looked | null> {
  requirePossible(pull, change);
  const base = change.base ?? pull.base;
  const reopens = change.state === 'open' && pull.state === 'closed';
  if (base === pull.base && !reopens) return null;
  const tips = await readTips(deps, repository, { ...pull, base });
  if (tips.base === null) throw base === pull.base ? cannotMerge('base_gone') : unknownBranch('base');
  if (tips.head === null) throw cannotMerge('head_gone');
  const source = { git: deps.git, repository: repository.id };
  const assessment = await assess({ ...source, base: tips.base, head: tips.head });
  requireSomething(assessment);
  if (pull.head !== null) await keepHeads({ ...source, heads: [{ ref: headRefOf(pull), sha: tips.head }] });
  return { base, baseSha: tips.base, headSha: tips.head, assessment };
}

interface Step {
  readonly pull: Pull;
  readonly change: PullChange;
  readonly looked: Looked | null;
}

async function writeEdit(writing: Writing, { pull, change, looked }: Step): Promise<Pull> {
  const { tx, scene, now } = writing;
  const { title = pull.title, body = pull.body, base = pull.base } = change;
  const moved = looked === null ? {} : { base_sha: looked.baseSha, ...assessed(looked.assessment) };
  const edits: readonly Edit[] = [
    ...(title === pull.title ? [] : [{ columns: { title }, changes: { title: { from: pull.title } } }]),
    ...(body === pull.body ? [] : [{ columns: { body }, changes: { body: { from: pull.body } } }]),
    ...(base === pull.base ? [] : [{ columns: { base, ...moved }, changes: { base: { from: pull.base, sha: pull.baseSha } } }]),
  ];
  const scope = { tx, ...scopeOf(scene.repository) };
  if (base !== pull.base && pull.state === 'open') await requireNoOther({ ...scope, pull: { ...pull, base } });
  let edited = pull;
  for (const { columns, changes } of edits) {
    edited = await changePull({ ...scope, id: pull.id, change: { ...columns, updated: now } });
    await tell(writing, { pull: edited, pullAction: 'edited', changes });
  }
  return edited;
}

/** One thing that an edit changes: contract 2.2 has one of them in each event. */
interface Edit {
  readonly columns: Updateable<PullsTable>;
  readonly changes: PullRequestFacts['changes'];
}

async function writeState(writing: Writing, { pull, change: { state }, looked }: Step): Promise<Pull> {
  if (state === 'closed' && pull.state === 'open') return becomeClosed(writing, pull);
  if (state !== 'open' || pull.state !== 'closed' || looked === null) return pull;
  const { tx, scene, now } = writing;
  const scope = { tx, ...scopeOf(scene.repository) };
  await requireNoOther({ ...scope, pull });
  await requireRoom(scope);
  const { baseSha, headSha, assessment } = looked;
  const columns = {
    state: 'open',
    closed: null,
    head_gone: 0,
    head_sha: headSha,
    base_sha: baseSha,
    ...assessed(assessment),
    updated: now,
  };
  const reopened = await changePull({ ...scope, id: pull.id, change: columns });
  await tell(writing, { pull: reopened, pullAction: 'reopened' });
  return reopened;
}
