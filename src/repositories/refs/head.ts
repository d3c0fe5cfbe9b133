import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zeroId } from '../../events/git-facts.ts';
import type { Git } from '../git/git.ts';
import type { Repository } from '../repository.ts';
import { readRefs } from './ref-values.ts';
import type { RefCommand } from './refs.ts';

const branches = 'refs/heads/';
/** Which of several first branches becomes the default one, before the first of them does. */
const preferred = ['main', 'master'];

export interface Heads {
  /**
   * The branch that these moves make the default one: a first one that was pushed, where the default branch is not there, since a clone would have
   * nothing checked out. HEAD points to it then. Null: it stays as it is.
   */
  follow(options: { readonly repository: Repository; readonly moved: readonly RefCommand[] }): Promise<string | null>;
}

export function createHeads(git: Git): Heads {
  // One after the other: of two first pushes at once, the second sees what became of the first.
  let last: Promise<unknown> = Promise.resolve();
  return {
    async follow({ repository, moved }) {
      const created = moved.filter(({ ref, before, after }) => ref.startsWith(branches) && before === zeroId && after !== zeroId);
      const directory = git.directory(repository.id);
      if (created.length === 0 || (await isThere(directory, branches + repository.defaultBranch))) return null;
      const names = created.map(({ ref }) => ref.slice(branches.length));
      const next = last.then(() => setWhereMissing({ git, repository: repository.id, names }));
      last = next.catch(() => undefined);
      return next;
    },
  };
}

async function setWhereMissing(options: {
  readonly git: Git;
  readonly repository: string;
  readonly names: readonly string[];
}): Promise<string | null> {
  const { git, repository, names } = options;
  const directory = git.directory(repository);
  const head = (await readFile(join(directory, 'HEAD'), 'utf8')).replace(/^ref: /, '').trimEnd();
  if (head.startsWith(branches) && (await isThere(directory, head))) return head.slice(branches.length);
  const name = preferred.find((one) => names.includes(one)) ?? names[0] ?? null;
  if (name !== null) await setHead({ git, repository, branch: name });
  return name;
}

/** Makes HEAD point to that branch, which is what a clone checks out. */
export async function setHead(options: { readonly git: Git; readonly repository: string; readonly branch: string }): Promise<void> {
  await options.git.run({ repository: options.repository, args: ['symbolic-ref', 'HEAD', branches + options.branch] });
}

async function isThere(directory: string, ref: string): Promise<boolean> {
  return (await readRefs(directory, [ref])).get(ref) !== zeroId;
}
