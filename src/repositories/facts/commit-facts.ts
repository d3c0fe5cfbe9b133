import type { CommitFacts } from '../../events/git-facts.ts';
import type { Budget } from './budget.ts';
import { budgetOfOne } from './budget.ts';
import type { Commit } from './commit.ts';
import type { CommitReader } from './commit-reader.ts';
import type { FactsSource, Logins } from './facts.ts';
import { messageOfRestBytesMax } from './limits.ts';
import type { CommitPaths } from './paths.ts';
import { pathsOfCommits } from './paths.ts';
import { cutBytes } from './text.ts';

export interface CommitFactsOptions {
  readonly source: FactsSource;
  readonly reader: CommitReader;
  /** Newest first. */
  readonly commits: readonly Commit[];
  readonly withPaths?: boolean;
  /** What one push may show, unless told otherwise. */
  readonly budget?: Budget;
}

const notLooked: CommitPaths = { added: [], removed: [], modified: [], arePathsCut: false };

/** Commits as facts, in their order, within the budget; their logins are empty until `withLogins`. */
export async function factsOfCommits({
  source,
  reader,
  commits,
  withPaths = true,
  budget = budgetOfOne(),
}: CommitFactsOptions): Promise<readonly CommitFacts[]> {
  const paths = withPaths ? await pathsOfCommits({ source, reader, commits, budget }) : new Map<string, CommitPaths>();
  budget.commits -= commits.length;
  return commits.map(({ author, committer, message, ...commit }) => ({
    ...commit,
    message: withinBudget(message, budget),
    author: { ...author, login: '' },
    committer: { ...committer, login: '' },
    ...(paths.get(commit.id) ?? notLooked),
  }));
}

function withinBudget(message: string, budget: Budget): string {
  const bytes = Buffer.byteLength(message);
  if (bytes > budget.messageBytes && bytes > messageOfRestBytesMax) {
    return `${cutBytes(Buffer.from(message), messageOfRestBytesMax, (part) => part.toString('utf8'))}\n`;
  }
  budget.messageBytes = Math.max(0, budget.messageBytes - bytes);
  return message;
}

/** Asks for the logins of all these commits' mail addresses at once; answers what puts them in. */
export async function withLogins(commits: readonly CommitFacts[], logins: Logins): Promise<(commit: CommitFacts) => CommitFacts> {
  const emails = new Set(commits.flatMap(({ author, committer }) => [author.email, committer.email]));
  emails.delete('');
  if (emails.size === 0) return (commit) => commit;
  const known = await logins([...emails]);
  const loginOf = (email: string): string => known.get(email) ?? known.get(email.toLowerCase()) ?? '';
  return (commit) => ({
    ...commit,
    author: { ...commit.author, login: loginOf(commit.author.email) },
    committer: { ...commit.committer, login: loginOf(commit.committer.email) },
  });
}
