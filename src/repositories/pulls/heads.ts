import type { FactsSource } from '../facts/facts.ts';

export interface KeptHead {
  /** `refs/pull/<number>/head`. */
  readonly ref: string;
  readonly sha: string;
}

/**
 * Keeps heads of pull requests: what was asked to be merged stays there when its branch is moved or deleted, and can be fetched. Nothing is told of
 * these refs. One that cannot be written is written when somebody looks at the pull request.
 */
export async function keepHeads({ git, repository, heads }: FactsSource & { readonly heads: readonly KeptHead[] }): Promise<void> {
  if (heads.length === 0) return;
  const input = heads.map(({ ref, sha }) => `update ${ref} ${sha}\n`).join('');
  try {
    await git.run({ repository, args: ['update-ref', '--stdin'], input });
  } catch {
    // Locked by another, or the disk is full: a push whose refs have moved is settled all the same.
  }
}
