import type { CommitFacts } from '../../events/git-facts.ts';
import type { Commit } from './commit.ts';
import { factsOfCommits, withLogins } from './commit-facts.ts';
import { createCommitReader } from './commit-reader.ts';
import type { FactsSource, Logins } from './facts.ts';
import { noLogins } from './facts.ts';
import { lookTimeoutMs } from './limits.ts';
import { areRevisions } from './revisions.ts';
import { walk } from './walk.ts';

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
export async function listCommits(
  options: ListCommitsOptions,
): Promise<{ readonly commits: readonly CommitFacts[]; readonly hasMore: boolean }> {
  const { git, repository, include, exclude = [], limit, skip = 0, firstParents = false, withPaths = true, logins = noLogins } = options;
  const source = { git, repository };
  const args = [`--max-count=${limit + 1}`, `--skip=${skip}`, ...(firstParents ? ['--first-parent'] : [])];
  const { ids } = await walk({ ...source, revisions: revisionsOf(include, exclude), limit: limit + 1, args });
  const reader = createCommitReader(source);
  const shown = ids.slice(0, limit);
  const read = await reader.commits(shown);
  const facts = await factsOfCommits({ source, reader, commits: inOrder(shown, read), withPaths });
  const fill = await withLogins(facts, logins);
  return { commits: facts.map(fill), hasMore: ids.length > limit };
}

/** The commit that a whole ref or an id comes to, a tag's object looked through; null where there is none. */
export async function commitOf(
  options: FactsSource & { readonly revision: string; readonly logins?: Logins },
): Promise<CommitFacts | null> {
  const { git, repository, revision, logins = noLogins } = options;
  if (!areRevisions([revision])) return null;
  const source = { git, repository };
  const reader = createCommitReader(source);
  const commit = (await reader.peeled([revision])).get(revision);
  if (commit === undefined) return null;
  const facts = await factsOfCommits({ source, reader, commits: [commit] });
  const fill = await withLogins(facts, logins);
  return facts.map(fill)[0] ?? null;
}

/** How many commits are in `include` and not in `exclude`. */
export async function countCommits(
  options: FactsSource & { readonly include: readonly string[]; readonly exclude?: readonly string[] },
): Promise<number> {
  const { git, repository, include, exclude = [] } = options;
  const input = `${revisionsOf(include, exclude).join('\n')}\n`;
  const args = ['rev-list', '--count', '--ignore-missing', '--stdin'];
  const { stdout } = await git.run({ repository, args, input, timeoutMs: lookTimeoutMs });
  return Number(stdout.toString('latin1').trim());
}

function revisionsOf(include: readonly string[], exclude: readonly string[]): readonly string[] {
  return [
    ...include.filter((revision) => areRevisions([revision])),
    ...exclude.filter((revision) => areRevisions([revision])).map((revision) => `^${revision}`),
  ];
}

/** Those that were found, in the order of their ids. */
export function inOrder(ids: readonly string[], found: ReadonlyMap<string, Commit>): readonly Commit[] {
  return ids.flatMap((id) => found.get(id) ?? []);
}
