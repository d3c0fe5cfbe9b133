import { pathsOfCommitMax, pathsOfPushMax } from '../../events/git-facts.ts';
import type { Budget } from './budget.ts';
import type { Commit } from './commit.ts';
import type { CommitReader } from './commit-reader.ts';
import type { FactsSource } from './facts.ts';
import { pathBytesMax, pathBytesOfPushMax } from './limits.ts';
import { look, pieces } from './look.ts';
import { pathText } from './text.ts';
import type { Paths } from './tree.ts';
import { changedPaths } from './tree.ts';

/** What a commit changed against its first parent, as its facts show it: sorted, whole or cut. */
export interface CommitPaths {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly modified: readonly string[];
  readonly arePathsCut: boolean;
}

export interface PathsOptions {
  readonly source: FactsSource;
  readonly reader: CommitReader;
  readonly commits: readonly Commit[];
  readonly budget: Budget;
}

/** So many commits are looked at without git; of more, git is quicker. */
const nearCommitsMax = 20;

/**
 * What commits changed, by their ids: renames off, a first commit against nothing, a merge against its first parent. At most `pathsOfCommitMax` of one, and
 * of all what the budget has, in the order given; of one that does not fit, and of those after it, none. Small commits are read without git, all others in one process.
 */
export async function pathsOfCommits({ source, reader, commits, budget }: PathsOptions): Promise<ReadonlyMap<string, CommitPaths>> {
  const raw = new Map<string, RawPaths>();
  const far: Commit[] = [];
  for (const [index, commit] of commits.entries()) {
    const paths = index < nearCommitsMax ? await nearPaths(reader, commit) : null;
    if (paths === null) far.push(commit);
    else raw.set(commit.id, { ...paths, isCut: false });
  }
  if (far.length > 0) await farPaths(source, far, raw);
  return withinBudget(commits, raw, budget);
}

interface RawPaths extends Paths {
  isCut: boolean;
}

async function nearPaths(reader: CommitReader, { tree, parents }: Commit): Promise<Paths | null> {
  const parent = parents[0] === undefined ? null : await reader.near(parents[0]);
  if (parent === null && parents.length > 0) return null;
  return changedPaths(reader.object, parent?.tree ?? null, tree);
}

/** `<commit> <parent>` a line: git answers the commit's id, then a letter and a path for each that changed. */
async function farPaths(source: FactsSource, commits: readonly Commit[], raw: Map<string, RawPaths>): Promise<void> {
  const input = commits.map(({ id, parents }) => `${[id, ...parents.slice(0, 1)].join(' ')}\n`).join('');
  const args = ['diff-tree', '--stdin', '-r', '-z', '--root', '--no-renames', '--ignore-submodules=none', '--name-status'];
  const seen: Seen = { raw, last: null, paths: 0, pathBytes: 0, read: 0 };
  const end = await look({ ...source, args, input }, pieces({ at: 0, bytesMax: pathBytesMax, take: taker(seen) }));
  if (end === 'ended') return;
  // Those git did not come to, as there were too many paths or an object was not there; one that changed nothing is not named by git at all.
  const reached = commits.findIndex(({ id }) => id === seen.last?.id);
  for (const { id } of commits.slice(reached + 1)) raw.set(id, { ...noPaths(), isCut: true });
  if (end === 'failed' && seen.last !== null) seen.last.paths.isCut = true;
}

interface Seen {
  readonly raw: Map<string, RawPaths>;
  last: { readonly id: string; readonly paths: RawPaths } | null;
  /** Of those that are listed. */
  paths: number;
  pathBytes: number;
  /** All. */
  read: number;
}

/** More than these are not read for one look. */
const pathsReadMax = 2_000_000;

function taker(seen: Seen): (piece: Buffer, whole: boolean) => boolean {
  let status: string | null = null;
  return (piece, whole) => {
    if (status !== null) {
      takePath(seen, status, whole ? piece.toString('latin1') : null);
      status = null;
    } else if (piece.length === 40) {
      // Nothing more could be shown; what was read by now is whole.
      if (seen.paths > pathsOfPushMax || seen.pathBytes > pathBytesOfPushMax) return false;
      seen.last = { id: piece.toString('latin1'), paths: noPaths() };
      seen.raw.set(seen.last.id, seen.last.paths);
    } else status = piece.toString('latin1');
    return seen.read <= pathsReadMax;
  };
}

const noPaths = (): RawPaths => ({ added: [], removed: [], modified: [], isCut: false });

function takePath(seen: Seen, status: string, path: string | null): void {
  const paths = seen.last?.paths;
  if (paths === undefined) return;
  seen.read += 1;
  if (path === null || countOf(paths) >= pathsOfCommitMax) {
    paths.isCut = true;
    return;
  }
  seen.paths += 1;
  seen.pathBytes += path.length;
  const list = status === 'A' ? paths.added : status === 'D' ? paths.removed : paths.modified;
  list.push(path);
}

const countOf = ({ added, removed, modified }: Paths): number => added.length + removed.length + modified.length;
const bytesOf = (paths: readonly string[]): number => paths.reduce((bytes, path) => bytes + path.length, 0);

/** Once a commit does not fit, those after it have none either: what is shown is the same, however much of it was read. */
function withinBudget(commits: readonly Commit[], raw: ReadonlyMap<string, RawPaths>, budget: Budget): ReadonlyMap<string, CommitPaths> {
  const shown = new Map<string, CommitPaths>();
  let isSpent = false;
  for (const { id } of commits) {
    const paths = raw.get(id) ?? noPaths();
    const { added, removed, modified } = paths;
    const [count, bytes] = [countOf(paths), bytesOf(added) + bytesOf(removed) + bytesOf(modified)];
    isSpent ||= count > budget.paths || bytes > budget.pathBytes;
    if (!isSpent) {
      budget.paths -= count;
      budget.pathBytes -= bytes;
    }
    const list = (some: readonly string[]): readonly string[] => (isSpent ? [] : [...some].sort().map(pathText));
    const isCut = paths.isCut || (isSpent && count > 0);
    shown.set(id, { added: list(added), removed: list(removed), modified: list(modified), arePathsCut: isCut });
  }
  return shown;
}
