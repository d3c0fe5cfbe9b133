import { zeroId } from '../../events/git-facts.ts';
import { GatepostError } from '../../errors.ts';
import type { MovedRefs, MoveListener, RefCommand, SettlingUnit } from '../refs/refs.ts';
import type { Assessment } from './assess.ts';
import { assessInTime, assessMs, noCounts, tipsOf } from './assess.ts';
import type { Writing } from './become.ts';
import { becomeClosed, becomeMerged, becomeOpened, becomeSynchronized } from './become.ts';
import type { PullsDeps } from './deps.ts';
import { sceneOf, scopeOf } from './deps.ts';
import { keepHeads } from './heads.ts';
import type { NewOne } from './from-push.ts';
import { newOnes } from './from-push.ts';
import { bringerOf, broughtBy } from './merged-by-push.ts';
import type { Pull } from './pull.ts';
import { headRefOf } from './pull.ts';
import type { MergePurpose } from './purpose.ts';
import { mergeOf, plannedOf } from './purpose.ts';
import { holdPull, openPullsOf } from './store.ts';

/** What a push makes of one pull request. */
interface Outcome {
  readonly id: string;
  readonly synchronized: { readonly headSha: string; readonly baseSha: string | null; readonly assessment: Assessment } | null;
  readonly merged: { readonly sha: string; readonly isOurs: boolean } | null;
  readonly closes: 'head' | 'base' | null;
}

/** The moved refs, by what they are to pull requests. */
interface Moves {
  /** By short name. */
  readonly branches: ReadonlyMap<string, RefCommand>;
  /** Of refs/pull/<number>/head, by number. */
  readonly pulls: ReadonlyMap<number, RefCommand>;
}

/**
 * What moved refs make of pull requests: a push to the head synchronizes, one that brings the head into the base merges, a deletion of either closes;
 * our own merges end here, also after a crash; refs/for and push options open. `prepare` may run again for the same move: all it does to the
 * repository is to keep heads at refs/pull/<number>/head.
 */
export function createMoveListener(deps: PullsDeps): MoveListener {
  return {
    async prepare(moved) {
      const moves = movesOf(moved.moved);
      const ours = mergeOf(moved.purpose);
      const scope = { read: deps.database.read, ...scopeOf(moved.repository) };
      const open = await openPullsOf({ ...scope, branches: [...moves.branches.keys()], numbers: [...moves.pulls.keys()] });
      const outcomes = await outcomesOf(deps, { moved, moves, open, ours });
      const news = await newOnes(deps, { moved, planned: plannedOf(moved.purpose), open });
      const isTold = outcomes.length > 0 || news.length > 0;
      const scene = isTold ? await sceneOf({ ...deps, publicUrl: () => moved.serverUrl }, moved) : null;
      return async (unit) => {
        await moveBases(unit, { moved, moves, open });
        if (scene === null) return;
        const writing: Writing = { ...unit, scene, now: deps.clock.now() };
        await write(writing, { news, outcomes });
      };
    },
  };
}

function movesOf(moved: readonly RefCommand[]): Moves {
  const branches = new Map<string, RefCommand>();
  const pulls = new Map<number, RefCommand>();
  for (const command of moved) {
    if (command.ref.startsWith('refs/heads/')) branches.set(command.ref.slice('refs/heads/'.length), command);
    const [, number] = /^refs\/pull\/([1-9]\d{0,9})\/head$/.exec(command.ref) ?? [];
    if (number !== undefined) pulls.set(Number(number), command);
  }
  return { branches, pulls };
}

interface Looked {
  readonly moved: MovedRefs;
  readonly moves: Moves;
  readonly open: readonly Pull[];
  readonly ours: MergePurpose | null;
}

async function outcomesOf(deps: PullsDeps, looked: Looked): Promise<readonly Outcome[]> {
  const { moved, moves, open } = looked;
  const { git } = deps;
  const source = { git, repository: moved.repository.id };
  const heads = new Map(open.map((pull) => [pull.id, newHeadOf(pull, moves)] as const));
  await keepHeads({ ...source, heads: open.flatMap((pull) => keptOf(pull, heads.get(pull.id))) });
  const merged = await mergedOf(deps, looked);
  const tips = await tipsOf({ ...source, refs: open.map((pull) => `refs/heads/${pull.base}`) });
  const until = deps.clock.now() + assessMs;
  const outcomes: Outcome[] = [];
  for (const pull of open) {
    const head = heads.get(pull.id);
    const baseSha = tips.get(`refs/heads/${pull.base}`) ?? null;
    const isMoved = head !== undefined && head !== zeroId && head !== pull.headSha;
    const outcome: Outcome = {
      id: pull.id,
      synchronized: isMoved
        ? { headSha: head, baseSha, assessment: await assessmentOf(deps, { ...source, pull, head, baseSha, until }) }
        : null,
      merged: merged.get(pull.id) ?? null,
      closes: head === zeroId ? 'head' : moves.branches.get(pull.base)?.after === zeroId ? 'base' : null,
    };
    if (outcome.synchronized !== null || outcome.merged !== null || outcome.closes !== null) outcomes.push(outcome);
  }
  const [closedBefore] = [...merged].filter(([id]) => !open.some((pull) => pull.id === id));
  // It was closed while we merged it: the base has it, so it is merged.
  if (closedBefore !== undefined) outcomes.push({ id: closedBefore[0], synchronized: null, merged: closedBefore[1], closes: null });
  return outcomes;
}

/** Where its head is now; zeros: gone; undefined: it did not move. */
function newHeadOf(pull: Pull, moves: Moves): string | undefined {
  return pull.head === null ? moves.pulls.get(pull.number)?.after : moves.branches.get(pull.head)?.after;
}

function keptOf(pull: Pull, head: string | undefined) {
  return head === undefined || head === zeroId || pull.head === null ? [] : [{ ref: headRefOf(pull), sha: head }];
}

async function assessmentOf(
  deps: PullsDeps,
  of: { readonly repository: string; readonly pull: Pull; readonly head: string; readonly baseSha: string | null; readonly until: number },
): Promise<Assessment> {
  const { repository, pull, head, baseSha, until } = of;
  const { mergeBase } = pull;
  if (baseSha === null) return { mergeability: 'base_gone', mergeabilityOf: null, mergeBase, counts: noCounts };
  return assessInTime({ git: deps.git, repository, base: baseSha, head, mergeBase, withinMs: until - deps.clock.now() });
}

/** By id: our own merge, and what a push brought into its base. */
async function mergedOf(deps: PullsDeps, { moved, moves, open, ours }: Looked): Promise<Map<string, NonNullable<Outcome['merged']>>> {
  const source = { git: deps.git, repository: moved.repository.id };
  const merged = new Map<string, NonNullable<Outcome['merged']>>();
  for (const [branch, base] of moves.branches) {
    if (base.before === zeroId || base.after === zeroId) continue;
    const pulls = open.filter((pull) => pull.base === branch && pull.id !== ours?.pull);
    if (pulls.length === 0) continue;
    for (const pull of await orNone(broughtBy({ ...source, pulls, base }))) {
      const head = newHeadOf(pull, moves) ?? pull.headSha;
      const sha = await bringerOf({ ...source, head: head === zeroId ? pull.headSha : head, base }).catch(() => base.after);
      merged.set(pull.id, { sha, isOurs: false });
    }
  }
  const first = moved.moved.find(({ ref, after }) => ref.startsWith('refs/heads/') && after !== zeroId);
  if (ours !== null && first !== undefined) merged.set(ours.pull, { sha: first.after, isOurs: true });
  return merged;
}

/** What git cannot say of odd objects is left out; that it cannot be run now is thrown on: the move is then settled later. */
async function orNone(pulls: Promise<readonly Pull[]>): Promise<readonly Pull[]> {
  try {
    return await pulls;
  } catch (error) {
    if (error instanceof GatepostError && error.code === 'git_failed') return [];
    throw error;
  }
}

/** Rows of open pull requests say where their base is, and rows of all of them that their branch is gone. */
async function moveBases({ tx }: SettlingUnit, { moved, moves, open }: Omit<Looked, 'ours'>): Promise<void> {
  const { organization, id } = moved.repository;
  for (const [branch, { after }] of moves.branches) {
    if (after === zeroId) {
      const gone = tx.updateTable('pulls').set({ head_gone: 1 }).where('organization', '=', organization);
      await gone.where('repository', '=', id).where('head', '=', branch).execute();
      continue;
    }
    // Most pushes go to no pull request's base; one that is opened meanwhile has looked at the base itself.
    if (!open.some((pull) => pull.base === branch)) continue;
    const moves = tx.updateTable('pulls').set({ base_sha: after }).where('organization', '=', organization);
    await moves.where('repository', '=', id).where('state', '=', 'open').where('base', '=', branch).execute();
  }
}

/** News first: they hold the repository's row, as everyone does before a pull request's. */
async function write(writing: Writing, { news, outcomes }: { readonly news: readonly NewOne[]; readonly outcomes: readonly Outcome[] }) {
  for (const one of news) await openIfFree(writing, one);
  for (const outcome of outcomes) {
    const { tx, scene } = writing;
    let pull = await holdPull({ tx, ...scopeOf(scene.repository), id: outcome.id });
    if (pull === null) continue;
    const { synchronized, merged } = outcome;
    if (synchronized !== null && pull.state === 'open' && pull.headSha !== synchronized.headSha)
      pull = await becomeSynchronized(writing, { pull, ...synchronized });
    if (merged !== null && (pull.state === 'open' || (merged.isOurs && pull.state === 'closed'))) {
      pull = await becomeMerged(writing, { pull, sha: merged.sha });
    }
    if (outcome.closes !== null && pull.state === 'open') await becomeClosed(writing, pull);
  }
}

/** What somebody else opened meanwhile for the same head and base is there: that is no reason to keep the push from being settled. */
async function openIfFree(writing: Writing, { id, pull }: NewOne): Promise<void> {
  try {
    await becomeOpened(writing, { id, pull });
  } catch (error) {
    if (!(error instanceof GatepostError && error.kind === 'conflict')) throw error;
  }
}
