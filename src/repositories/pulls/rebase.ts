import type { Clock } from '../../clock.ts';
import { conflict, GatepostError } from '../../errors.ts';
import type { FactsSource } from '../facts/facts.ts';
import { mergeTree, mergeMs } from './assess.ts';
import type { Identity, RawCommit } from './commits.ts';
import { cleanTree, readCommits, writeAnew, writeCommit } from './commits.ts';

/** Commits that one rebase replays: each costs git three processes. */
export const rebaseCommitsMax = 250;
/** git's name for a tree without anything in it. */
const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export interface RebaseOptions extends FactsSource {
  /** Tips. */
  readonly base: string;
  readonly head: string;
  readonly committer: Identity;
  readonly clock: Clock;
}

/**
 * Replays the commits of `base..head` on the base, oldest first, and answers the new tip: author, author's date and message of each are kept, the
 * committer is who rebases. Merges are left out, and so is what the base has already, as `git rebase` does; a head that begins at the base's tip
 * and has no merges stays as it is. Fails with `merge_conflict` (paths, commit), `too_many_commits`, `git_timeout` (503) where it takes longer than `mergeMs`, and `rebase_loses_merge` where leaving the
 * merges out would change the outcome.
 */
export async function rebase(options: RebaseOptions): Promise<string> {
  const { git, repository, base, head } = options;
  const { stdout } = await git.run({
    repository,
    args: ['rev-list', '--reverse', '--topo-order', `--max-count=${rebaseCommitsMax + 1}`, head, `^${base}`, '--'],
  });
  const ids = stdout.toString('latin1').split('\n').filter(Boolean);
  if (ids.length > rebaseCommitsMax) {
    throw conflict('too_many_commits', `A rebase replays at most ${rebaseCommitsMax} commits; merge or squash it.`, {
      max: rebaseCommitsMax,
    });
  }
  const commits = await readCommits({ git, repository, ids });
  const linear = commits.filter((commit) => commit.parents.length < 2);
  const hasMerges = linear.length < commits.length;
  if (!hasMerges && commits[0]?.parents[0] === base) return head;
  const tip = await replayAll(options, linear);
  if (hasMerges) await requireSameOutcome(options, tip);
  return tip;
}

async function replayAll(options: RebaseOptions, commits: readonly RawCommit[]): Promise<string> {
  const { git, repository, base, committer, clock } = options;
  const until = clock.now() + mergeMs;
  const trees = await treesOf(options, [base, ...commits.flatMap(({ parents }) => parents)]);
  let tip = base;
  let tree = trees.get(base) ?? emptyTree;
  for (const commit of commits) {
    if (clock.now() > until)
      throw new GatepostError('unavailable', 'git_timeout', `The rebase did not end within ${mergeMs / 1000} seconds.`);
    const [parent] = commit.parents;
    const parentTree = parent === undefined ? emptyTree : (trees.get(parent) ?? emptyTree);
    const replayed = await replay(options, { commit, parentTree, tree });
    // What the base has already leaves nothing of the commit; one that never changed anything is kept.
    if (replayed === tree && commit.tree !== parentTree) continue;
    tree = replayed;
    tip = await writeAnew({ git, repository, of: commit, tree, parents: [tip], committer });
  }
  return tip;
}

interface Step {
  readonly commit: RawCommit;
  readonly parentTree: string;
  /** That it is replayed on. */
  readonly tree: string;
}

/**
 * The tree after one more commit: a merge of it with what is there so far, whose base is the commit's parent. git before 2.40 takes no base from
 * us; it finds the one we mean where what is there so far is dressed as a commit whose parent is that base. No ref ever leads to such a commit.
 */
async function replay(options: RebaseOptions, { commit, parentTree, tree }: Step): Promise<string> {
  const { git, repository, committer } = options;
  if (parentTree === tree) return commit.tree;
  const dressed = (of: string, parents: readonly string[]): Promise<string> =>
    writeCommit({ git, repository, tree: of, parents, message: '', author: committer, committer });
  const [parent] = commit.parents;
  const start = parent ?? (await dressed(emptyTree, []));
  const ours = await dressed(tree, [start]);
  const theirs = parent === undefined ? await dressed(commit.tree, [start]) : commit.id;
  return cleanTree({ git, repository, ours, theirs, commit: commit.id });
}

async function treesOf({ git, repository }: FactsSource, commits: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const asked = [...new Set(commits)];
  const input = `${asked.map((id) => `${id}^{tree}`).join('\n')}\n`;
  const { stdout } = await git.run({ repository, args: ['cat-file', '--batch-check=%(objectname)'], input });
  const trees = stdout.toString('latin1').split('\n');
  return new Map(asked.map((id, index) => [id, trees[index] ?? emptyTree]));
}

/** A merge may hold what no other commit does: how its conflicts were solved. */
async function requireSameOutcome(options: RebaseOptions, tip: string): Promise<void> {
  const { git, repository, base, head } = options;
  const merged = await mergeTree({ git, repository, ours: base, theirs: head, timeoutMs: mergeMs });
  const trees = await treesOf({ git, repository }, [tip]);
  if (merged.isClean && merged.tree === trees.get(tip)) return;
  throw conflict('rebase_loses_merge', 'The head has merges whose outcome a rebase would lose; merge or squash it.');
}
