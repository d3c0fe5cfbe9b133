import { pathsOfCommitMax, pathsOfPushMax } from '../../events/git-facts.ts';
import type { Budget } from './budget.ts';
import type { Commit } from './commit.ts';
import type { CommitReader } from './commit-reader.ts';
import type { FactsSource } from './facts.ts';
import { pathBytesMax } from './limits.ts';
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
 * of all what the budget has, in the order given; of one that does not fit, none. Small commits are read without git, all others in one process.
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
  const seen: Seen = { raw, last: null, paths: 0 };
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
  paths: number;
}

function taker(seen: Seen): (piece: Buffer, whole: boolean) => boolean {
  let status: string | null = null;
  return (piece, whole) => {
    if (status !== null) {
      if (seen.last !== null) takePath(seen.last.paths, status, whole ? piece.toString('latin1') : null);
      seen.paths += 1;
      status = null;
    } else if (piece.length === 40) {
      // Nothing more could be shown; what was read by now is whole.
      if (seen.paths > pathsReadMax) return false;
      seen.last = { id: piece.toString('latin1'), paths: noPaths() };
      seen.raw.set(seen.last.id, seen.last.paths);
    } else status = piece.toString('latin1');
    return seen.paths <= pathsReadOfOneMax;
  };
}

/** Beyond these, reading on would find nothing more to show. */
const pathsReadMax = pathsOfPushMax;
const pathsReadOfOneMax = 2_000_000;

const noPaths = (): RawPaths => ({ added: [], removed: [], modified: [], isCut: false });

function takePath(paths: RawPaths, status: string, path: string | null): void {
  const count = paths.added.length + paths.removed.length + paths.modified.length;
  if (path === null || count >= pathsOfCommitMax) {
    paths.isCut = true;
    return;
  }
  const list = status === 'A' ? paths.added : status === 'D' ? paths.removed : paths.modified;
  list.push(path);
}

function withinBudget(commits: readonly Commit[], raw: ReadonlyMap<string, RawPaths>, budget: Budget): ReadonlyMap<string, CommitPaths> {
  const shown = new Map<string, CommitPaths>();
  for (const { id } of commits) {
    const { added, removed, modified, isCut } = raw.get(id) ?? noPaths();
    const count = added.length + removed.length + modified.length;
    const fits = count <= budget.paths;
    if (fits) budget.paths -= count;
    const list = (paths: readonly string[]): readonly string[] => (fits ? [...paths].sort().map(pathText) : []);
    shown.set(id, { added: list(added), removed: list(removed), modified: list(modified), arePathsCut: isCut || !fits });
  }
  return shown;
}
