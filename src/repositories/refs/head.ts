import { zeroId } from '../../events/git-facts.ts';
import type { Git } from '../git/git.ts';
import type { Repository } from '../repository.ts';
import { readRefs } from './ref-values.ts';
import type { RefCommand } from './refs.ts';

const branches = 'refs/heads/';
/** Which of several first branches becomes the default one, before the first of them does. */
const preferred = ['main', 'master'];

/**
 * The branch that becomes the default one by these moves: the first branches of a repository whose default branch is none of them, since a clone of
 * it would have nothing checked out. Null: it stays.
 */
export async function newDefaultBranch(options: {
  readonly git: Git;
  readonly repository: Repository;
  readonly moved: readonly RefCommand[];
}): Promise<string | null> {
  const { git, repository, moved } = options;
  const created = moved.filter(({ ref, before, after }) => ref.startsWith(branches) && before === zeroId && after !== zeroId);
  if (created.length === 0) return null;
  const own = branches + repository.defaultBranch;
  const values = await readRefs(git.directory(repository.id), [own]);
  if (values.get(own) !== zeroId) return null;
  const listed = await git.run({ repository: repository.id, args: ['for-each-ref', '--format=%(refname)', branches] });
  const there = listed.stdout.toString('utf8').split('\n');
  const ours = new Set(created.map(({ ref }) => ref));
  if (there.some((ref) => ref !== '' && !ours.has(ref))) return null;
  const names = created.map(({ ref }) => ref.slice(branches.length));
  return preferred.find((name) => names.includes(name)) ?? names[0] ?? null;
}

/** Makes HEAD point to that branch, which is what a clone checks out. */
export async function setHead(options: { readonly git: Git; readonly repository: string; readonly branch: string }): Promise<void> {
  await options.git.run({ repository: options.repository, args: ['symbolic-ref', 'HEAD', branches + options.branch] });
}
