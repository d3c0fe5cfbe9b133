import type { CommitFacts } from '../../events/git-facts.ts';
import type { FactsSource, Logins } from './facts.ts';

export interface ListCommitsOptions extends FactsSource {
  /** Ids or whole refs where the walk starts. One that is not there is left out. */
  readonly include: readonly string[];
  /** Ids or whole refs whose commits are left out. */
  readonly exclude?: readonly string[];
  /** At most so many, newest first. */
  readonly limit: number;
  /** So many are left out first. */
  readonly skip?: number;
  /** Follow the first parents alone. */
  readonly firstParents?: boolean;
  /** False: added, removed and modified are empty, which is cheaper. True unless told otherwise. */
  readonly withPaths?: boolean;
  readonly logins?: Logins;
}

/** Commits newest first (git's order), and whether there are more. */
export function listCommits(options: ListCommitsOptions): Promise<{ readonly commits: readonly CommitFacts[]; readonly hasMore: boolean }> {
  return Promise.reject(new Error(`commits of ${options.repository}: to be written`));
}

/** The commit that a whole ref or an id comes to, a tag's object looked through; null where there is none. */
export function commitOf(options: FactsSource & { readonly revision: string; readonly logins?: Logins }): Promise<CommitFacts | null> {
  return Promise.reject(new Error(`${options.revision}: to be written`));
}

/** How many commits are in `include` and not in `exclude`. */
export function countCommits(
  options: FactsSource & { readonly include: readonly string[]; readonly exclude?: readonly string[] },
): Promise<number> {
  return Promise.reject(new Error(`commits of ${options.repository}: to be written`));
}
