import type { RepositoryFacts } from '../../events/git-facts.ts';
import type { Reader, Tx } from '../../storage/database/tx.ts';
import type { Git } from '../git/git.ts';

/** What is taken of a repository's row. Times are milliseconds since 1970. */
export interface KnownRepository {
  readonly id: string;
  readonly number: number;
  readonly organization: string;
  readonly name: string;
  readonly description: string;
  readonly project: { readonly key: string } | null;
  readonly defaultBranch: string;
  readonly archived: boolean;
  /** On disk, as last counted. */
  readonly bytes: number;
  readonly created: number;
  readonly updated: number;
}

export interface RepositoryFactsOptions {
  readonly read: Reader | Tx;
  readonly git: Git;
  readonly repository: KnownRepository;
}

/** A repository as events show it: its row, its organization, how many pull requests are open, and what its refs say. Runs no process where it can. */
export function repositoryFacts({ repository }: RepositoryFactsOptions): Promise<RepositoryFacts> {
  return Promise.reject(new Error(`facts of ${repository.id}: to be written`));
}

/** How many branches and tags a repository has. */
export function countRefs(options: {
  readonly git: Git;
  readonly repository: string;
}): Promise<{ readonly branches: number; readonly tags: number }> {
  return Promise.reject(new Error(`refs of ${options.repository}: to be written`));
}
