import { zeroId } from '../../events/git-facts.ts';
import type { Commit } from './commit.ts';
import type { CommitReader } from './commit-reader.ts';
import type { FactsSource, MovedRef } from './facts.ts';
import type { Heads } from './heads.ts';
import { walk } from './walk.ts';

/** What is new by a branch that moved. */
export interface News {
  /** Ids, newest first, as many as are wanted. */
  readonly ids: readonly string[];
  readonly total: number;
  /** The old tip is not in the new history. */
  readonly isForced: boolean;
}

export interface NewsOptions {
  readonly source: FactsSource;
  readonly reader: CommitReader;
  readonly heads: Heads;
  /** Ids that are answered. */
  readonly limit: number;
}

/** So many commits in a row are found without git. */
const nearRowMax = 20;

const noNews: News = { ids: [], total: 0, isForced: false };

/** Whether commits of a ref are looked for at all. */
export function isBranch(ref: string): boolean {
  return ref.startsWith('refs/heads/');
}

/**
 * What a moved ref brought. A branch that was there: all from its old tip (`before..after`), be it in another branch or not. A new one: what no other
 * branch has. Tags, notes and deletions bring nothing.
 */
export async function newsOf(options: NewsOptions, moved: MovedRef): Promise<News> {
  const { source, reader, heads, limit } = options;
  const { ref, before, after } = moved;
  if (!isBranch(ref)) return { ...noNews, isForced: before !== zeroId && after !== zeroId };
  if (after === zeroId) return noNews;
  if (before === zeroId) return newsOfNewBranch(source, moved, await heads(), limit);
  const row = await rowFrom(reader, before, after);
  if (row !== null) return { ids: row.slice(0, limit), total: row.length, isForced: false };
  const { ids, total, left } = await walk({
    ...source,
    revisions: [`${before}...${after}`],
    limit,
    args: ['--left-right'],
  });
  if (total > 0 || left > 0) return { ids, total, isForced: left > 0 };
  // The old tip is not there any more, so it is in no history.
  return { ...(await newsOfNewBranch(source, moved, await heads(), limit)), isForced: true };
}

async function newsOfNewBranch(
  source: FactsSource,
  { ref, after }: MovedRef,
  heads: ReadonlyMap<string, string>,
  limit: number,
): Promise<News> {
  const others = new Set([...heads].flatMap(([name, tip]) => (name === ref ? [] : [tip])));
  if (others.has(after)) return noNews;
  const { ids, total } = await walk({ ...source, revisions: [after, ...[...others].map((tip) => `^${tip}`)], limit });
  return { ids, total, isForced: false };
}

/** The ordinary push: a few commits, one after the other, in files of their own. Null: git must be asked. */
async function rowFrom(reader: CommitReader, before: string, after: string): Promise<readonly string[] | null> {
  const row: string[] = [];
  for (let id = after; id !== before; ) {
    const commit: Commit | null = row.length < nearRowMax ? await reader.near(id) : null;
    const [parent, ...more] = commit?.parents ?? [];
    if (parent === undefined || more.length > 0) return null;
    row.push(id);
    id = parent;
  }
  return row;
}
