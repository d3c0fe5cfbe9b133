import type { Git } from '../src/repositories/git/git.ts';
import type { Database } from '../src/storage/database/database.ts';

/** A database whose writes can be made to fail: before they reach it, or with their answer lost. */
export interface Faulty {
  readonly through: (database: Database) => Database;
  /** `before`: nothing is written. `after`: it is written, and said not to be. */
  fail(next: readonly ('before' | 'after' | 'not')[]): void;
  /** All fail until `mend`. */
  break(): void;
  mend(): void;
}

export function faultyDatabase(): Faulty {
  let next: readonly ('before' | 'after' | 'not')[] = [];
  let isBroken = false;
  const lost = (): Error => new Error('The database is gone.');
  return {
    through: (database) => ({
      ...database,
      async write(unit) {
        const [fault = 'not', ...rest] = next;
        next = rest;
        if (isBroken || fault === 'before') throw lost();
        const answer = await database.write(unit);
        if (fault === 'after') throw lost();
        return answer;
      },
    }),
    fail(faults) {
      next = faults;
    },
    break() {
      isBroken = true;
    },
    mend() {
      isBroken = false;
    },
  };
}

/** Commits without a work tree, in the server's own repository: an id each. */
export async function makeCommits(git: Git, repository: string, texts: readonly string[]): Promise<readonly string[]> {
  const who = {
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.org',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.org',
  };
  const run = async (args: readonly string[]): Promise<string> =>
    (await git.run({ repository, args, environment: who })).stdout.toString().trim();
  const tree = await run(['mktree']);
  const made: string[] = [];
  for (const text of texts) {
    const parent = made.at(-1);
    made.push(await run(['commit-tree', tree, '-m', text, ...(parent === undefined ? [] : ['-p', parent])]));
  }
  return made;
}
