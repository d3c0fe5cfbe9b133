import type { CommitFacts, PersonFacts, PushFacts, RepositoryFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import type { Git } from '../git/git.ts';
import type { Budget } from './budget.ts';
import { createBudgets } from './budget.ts';
import type { Commit } from './commit.ts';
import { factsOfCommits, withLogins } from './commit-facts.ts';
import type { CommitReader } from './commit-reader.ts';
import { createCommitReader } from './commit-reader.ts';
import { inOrder } from './commits.ts';
import type { FactsSource, Logins, MovedRef } from './facts.ts';
import type { Heads } from './heads.ts';
import { createHeads } from './heads.ts';
import type { News } from './news.ts';
import { isBranch, newsOf } from './news.ts';

/** Who pushed where. */
export interface PushContext {
  readonly git: Git;
  readonly repository: RepositoryFacts;
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
  readonly pusher: PersonFacts;
  readonly logins: Logins;
}

export interface PushOptions extends PushContext, MovedRef {
  /** Id of the push's row. */
  readonly push: string;
  /** Refs that are moving, or moved, at the same time: they count with their `before`, so that a commit pushed to two branches at once is new to both rather than to none. */
  readonly moving?: readonly MovedRef[];
}

export type MovedPush = MovedRef & { readonly push: string };

export interface PushesOptions extends PushContext {
  /** In git's order. */
  readonly moved: readonly MovedPush[];
  /** Commands of other pushes that are not settled yet. */
  readonly moving?: readonly MovedRef[];
}

/**
 * What one moved ref brought (contract 2.1), read from the repository as it is now: the same as often as it is asked. Commits and objects that are odd
 * are shown as well as they can be and never fail it; it fails where git cannot be run (`git_missing`, `git_busy`, `git_timeout`).
 */
export async function pushFacts(options: PushOptions): Promise<PushFacts> {
  const [facts] = await factsOfPushes({ ...options, moved: [options] });
  if (facts === undefined) throw new Error('One moved ref makes one push.');
  return facts;
}

/**
 * The same for all refs of one push, in their order, and cheaper. A new branch counts what the branches before it in the same push have brought as
 * there already: a commit is listed by the first of them.
 */
export async function factsOfPushes(options: PushesOptions): Promise<readonly PushFacts[]> {
  const { git, repository, moved, moving = [], logins } = options;
  const source = { git, repository: repository.id };
  const reader = createCommitReader(source);
  const { heads, moved: hasMoved } = createHeads(source, [...moving, ...moved]);
  const tips = await reader.peeled(moved.flatMap(({ after }) => (after === zeroId ? [] : [after])));
  const pushes: Known[] = [];
  const budgets = createBudgets();
  for (const move of moved) {
    const known = await budgets.spend((budget) => lookAt({ source, reader, heads, tips, move, budget }));
    hasMoved(move);
    pushes.push(known);
  }
  const fill = await withLogins(
    pushes.flatMap(({ commits, head }) => (head === null ? commits : [...commits, head])),
    logins,
  );
  return pushes.map((push) => factsOf(options, push, fill));
}

interface Known {
  readonly move: MovedPush;
  readonly news: News;
  readonly commits: readonly CommitFacts[];
  readonly head: CommitFacts | null;
}

interface Look {
  readonly source: FactsSource;
  readonly reader: CommitReader;
  readonly heads: Heads;
  readonly tips: ReadonlyMap<string, Commit>;
  readonly move: MovedPush;
  readonly budget: Budget;
}

async function lookAt({ source, reader, heads, tips, move, budget }: Look): Promise<Known> {
  const news = await newsOf({ source, reader, heads, limit: budget.commits }, move);
  const found = await reader.commits(news.ids);
  const commits = await factsOfCommits({ source, reader, commits: inOrder(news.ids, found), budget });
  const tip = tips.get(move.after);
  // The tip of a branch is the first of its new commits, but for one that was set back, or made where another is.
  if (tip === undefined || commits[0]?.id === tip.id) return { move, news, commits, head: commits[0] ?? null };
  const [head = null] = await factsOfCommits({ source, reader, commits: [tip], budget: { ...budget } });
  return { move, news, commits, head };
}

function factsOf(context: PushContext, { move, news, commits, head }: Known, fill: (commit: CommitFacts) => CommitFacts): PushFacts {
  const { repository, serverUrl, pusher } = context;
  const filled = commits.map(fill);
  const isNewBranch = move.before === zeroId && isBranch(move.ref);
  return {
    organization: repository.owner.slug,
    serverUrl,
    push: move.push,
    ref: move.ref,
    before: move.before,
    after: move.after,
    isForced: news.isForced,
    commits: filled,
    total: news.total,
    head: head === null ? null : head === commits[0] ? (filled[0] ?? null) : fill(head),
    compareBase: isNewBranch ? (commits.at(-1)?.parents[0] ?? null) : null,
    repository,
    pusher,
  };
}
