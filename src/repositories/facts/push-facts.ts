import type { PersonFacts, PushFacts, RepositoryFacts } from '../../events/git-facts.ts';
import type { Git } from '../git/git.ts';
import type { Logins, MovedRef } from './facts.ts';

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

export interface PushesOptions extends PushContext {
  /** In git's order. */
  readonly moved: readonly (MovedRef & { readonly push: string })[];
  /** Commands of other pushes that are not settled yet. */
  readonly moving?: readonly MovedRef[];
}

/**
 * What one moved ref brought (contract 2.1), read from the repository as it is now: the same as often as it is asked. Commits and objects that are odd
 * are shown as well as they can be and never fail it; it fails where git cannot be run (`git_missing`, `git_busy`, `git_timeout`).
 */
export async function pushFacts(options: PushOptions): Promise<PushFacts> {
  const [facts] = await factsOfPushes({ ...options, moved: [options] });
  if (facts === undefined) throw new Error('one moved ref makes one push');
  return facts;
}

/**
 * The same for all refs of one push, in their order, and cheaper. A new branch counts what the branches before it in the same push have brought as
 * there already: a commit is listed by the first of them.
 */
export function factsOfPushes({ moved }: PushesOptions): Promise<readonly PushFacts[]> {
  return Promise.reject(new Error(`facts of ${moved.length} pushes: to be written`));
}
