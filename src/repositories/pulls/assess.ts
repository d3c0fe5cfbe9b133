import { setTimeout as sleep } from 'node:timers/promises';
import { GatepostError } from '../../errors.ts';
import { zeroId } from '../../events/git-facts.ts';
import { countCommits } from '../facts/commits.ts';
import { diffStat, mergeBase } from '../facts/diff.ts';
import type { FactsSource } from '../facts/facts.ts';
import { readRefs } from '../refs/ref-values.ts';
import type { Mergeability, PullCounts } from './pull.ts';
import { tipsText } from './pull.ts';

/** How long git may work to find out whether two tips can be merged; after that it is not known until one of them moves. */
export const assessMs = 10_000;
/** How long a merge itself may take git. */
export const mergeMs = 60_000;
/** Paths in conflict that are named. */
export const conflictPathsMax = 100;
/** What git may print of them. */
const conflictBytesMax = 16 * 2 ** 20;

/** Commits that refs point to now; what is not there is left out. */
export async function tipsOf(source: FactsSource & { readonly refs: readonly string[] }): Promise<ReadonlyMap<string, string>> {
  const { git, repository, refs } = source;
  const values = await readRefs(git.directory(repository), [...new Set(refs)]);
  return new Map([...values].filter(([, id]) => id !== zeroId));
}

export interface MergeTree {
  /** Of the result; where there are conflicts, with their marks. */
  readonly tree: string;
  readonly isClean: boolean;
  /** In conflict; at most `conflictPathsMax`. */
  readonly conflicts: readonly string[];
}

/** Merges two commits that have one in common, without a work tree. */
export async function mergeTree(
  options: FactsSource & { readonly ours: string; readonly theirs: string; readonly timeoutMs: number },
): Promise<MergeTree> {
  const { git, repository, ours, theirs, timeoutMs } = options;
  const { status, stdout } = await git.run({
    repository,
    args: ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', ours, theirs],
    okStatus: [0, 1],
    bytesMax: conflictBytesMax,
    timeoutMs,
  });
  const [tree = '', ...paths] = stdout.toString('utf8').split('\0');
  const conflicts = [...new Set(paths.filter((path) => path !== ''))].slice(0, conflictPathsMax);
  return { tree, isClean: status === 0, conflicts };
}

/** What is known of bringing `head` into `base`. */
export interface Assessment {
  readonly mergeability: Mergeability;
  /** The tips it is of; null: it was not found out, and is to be asked again. */
  readonly mergeabilityOf: string | null;
  readonly mergeBase: string;
  readonly counts: PullCounts;
}

export const noCounts: PullCounts = { commits: 0, additions: 0, deletions: 0, changedFiles: 0 };

/** Looks at two tips: fails only where git cannot be run. What takes too long is `unknown` for these tips. */
export async function assess(options: FactsSource & { readonly base: string; readonly head: string }): Promise<Assessment> {
  const { base, head, ...source } = options;
  const mergeabilityOf = tipsText(base, head);
  const common = await mergeBase({ ...source, a: base, b: head });
  // Contract 2.3: where there is no merge base, the base's tip stands for it.
  if (common === null) return { mergeability: 'unrelated', mergeabilityOf, mergeBase: base, counts: noCounts };
  if (common === head) return { mergeability: 'nothing_to_merge', mergeabilityOf, mergeBase: common, counts: noCounts };
  const commits = await countCommits({ ...source, include: [head], exclude: [base] });
  const stat = await orNull(diffStat({ ...source, from: common, to: head }));
  const counts: PullCounts = {
    commits,
    additions: stat?.additions ?? 0,
    deletions: stat?.deletions ?? 0,
    changedFiles: stat?.changedFiles ?? 0,
  };
  if (common === base) return { mergeability: 'clean', mergeabilityOf, mergeBase: common, counts };
  const merged = await orNull(mergeTree({ ...source, ours: base, theirs: head, timeoutMs: assessMs }));
  const mergeability = merged === null ? 'unknown' : merged.isClean ? 'clean' : 'conflicts';
  return { mergeability, mergeabilityOf, mergeBase: common, counts };
}

/**
 * The same where an event must be told in any case, and soon: what git cannot say within `withinMs` is asked again when somebody looks. Nothing is
 * asked where no time is left.
 */
export async function assessInTime(
  options: FactsSource & { readonly base: string; readonly head: string; readonly mergeBase: string; readonly withinMs: number },
): Promise<Assessment> {
  const { mergeBase, withinMs, ...asked } = options;
  const unknown: Assessment = { mergeability: 'unknown', mergeabilityOf: null, mergeBase, counts: noCounts };
  if (withinMs <= 0) return unknown;
  const late = new AbortController();
  const patience = sleep(withinMs, unknown, { signal: late.signal }).catch(() => unknown);
  try {
    return await Promise.race([assess(asked).catch(() => unknown), patience]);
  } finally {
    late.abort();
  }
}

/** What this one pair of commits is too large or too odd for; that git is missing or busy is thrown on. */
async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof GatepostError && ['git_timeout', 'git_output_too_large', 'git_failed'].includes(error.code)) return null;
    throw error;
  }
}
