import type { Database } from '../storage/database/database.ts';
import type { Git } from './git/git.ts';
import { listRepositories } from './store.ts';

/** Repositories of one project that are asked. */
const askedMax = 20;
/** Tags of one commit that are looked at. */
const tagsMax = 100;
const askMs = 10_000;

export interface TagOfOptions {
  readonly database: Database;
  readonly git: Git;
  readonly organization: string;
  /** Project id. */
  readonly project: string;
  readonly revision: string;
}

/**
 * The tag that names this commit in a repository of the project: of several the one with the highest version in its name. Null where there is none,
 * where no repository of the project is on this node, and where git cannot be asked: whoever asks has another way to a version.
 */
export async function tagOf({ database, git, organization, project, revision }: TagOfOptions): Promise<string | null> {
  if (!/^[0-9a-f]{40}$/.test(revision) || git.problem !== null) return null;
  const found = await listRepositories({ read: database.read, organization, project, limit: askedMax, after: null });
  for (const { id: repository, node } of found) {
    if (node !== database.node) continue;
    const args = [
      'for-each-ref',
      `--points-at=${revision}`,
      '--sort=-version:refname',
      `--count=${tagsMax}`,
      '--format=%(refname:lstrip=2)',
    ];
    // A commit that is not there is no error of ours: git ends with 128 or 129.
    const asked = git.run({ repository, args: [...args, 'refs/tags/'], okStatus: [0, 128, 129], timeoutMs: askMs });
    const answer = await asked.catch(() => null);
    const names = answer?.status === 0 ? answer.stdout.toString('utf8').split('\n') : [];
    const tag = names.find((name) => /\d/.test(name)) ?? names.find((name) => name !== '');
    if (tag !== undefined) return tag;
  }
  return null;
}
