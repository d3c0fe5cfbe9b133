import { pathBytesMax } from './limits.ts';
import type { StoredObject } from './objects.ts';

/** Names and paths are bytes, one character each (latin1), so that they sort as git sorts them. */
interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'tree' | 'submodule';
  /** Kind, executable or not, and id: equal where git sees no change. */
  readonly mark: string;
  readonly id: string;
}

type Entries = ReadonlyMap<string, Entry>;

export interface Paths {
  readonly added: string[];
  readonly removed: string[];
  readonly modified: string[];
}

/** Reads an object, or answers null where only git can. */
export type ReadObject = (id: string) => Promise<StoredObject | null>;

/** More than these, and git does it in one process. */
const treesMax = 200;
const treeBytesMax = 1024 * 1024;
const pathsMax = 300;
const depthMax = 50;

const nothing: Entries = new Map();

/**
 * What changed from one tree to the other, as `git diff-tree -r --no-renames` says it; null where that takes more than a small push does, or an object
 * is not there to be read. `from` is null for a first commit: all is added.
 */
export async function changedPaths(read: ReadObject, from: string | null, to: string): Promise<Paths | null> {
  const paths: Paths = { added: [], removed: [], modified: [] };
  const budget = { trees: treesMax, bytes: treeBytesMax };
  const isWhole = from === to || (await compare({ read, paths, budget }, from, to, '', 0));
  return isWhole ? paths : null;
}

interface Walk {
  readonly read: ReadObject;
  readonly paths: Paths;
  readonly budget: { trees: number; bytes: number };
}

async function compare(walk: Walk, from: string | null, to: string | null, prefix: string, depth: number): Promise<boolean> {
  const [before, after] = await Promise.all([entriesOf(walk, from), entriesOf(walk, to)]);
  if (before === null || after === null || depth > depthMax) return false;
  for (const [name, entry] of after) {
    const old = before.get(name);
    if (old?.mark !== entry.mark && !(await takeChange(walk, old, entry, prefix + name, depth))) return false;
  }
  for (const [name, old] of before) {
    if (!after.has(name) && !(await takeChange(walk, old, undefined, prefix + name, depth))) return false;
  }
  return walk.paths.added.length + walk.paths.removed.length + walk.paths.modified.length <= pathsMax;
}

/** A directory in the place of a file is one removed and what is in it added, and the other way round. */
async function takeChange(
  { paths, ...rest }: Walk,
  old: Entry | undefined,
  entry: Entry | undefined,
  path: string,
  depth: number,
): Promise<boolean> {
  if (path.length > pathBytesMax) return false;
  const [oldFile, file] = [old !== undefined && old.kind !== 'tree', entry !== undefined && entry.kind !== 'tree'];
  if (oldFile && file) paths.modified.push(path);
  else if (oldFile) paths.removed.push(path);
  else if (file) paths.added.push(path);
  const [oldTree, tree] = [old?.kind === 'tree' ? old.id : null, entry?.kind === 'tree' ? entry.id : null];
  if ((oldTree ?? tree) === null || oldTree === tree) return true;
  return compare({ paths, ...rest }, oldTree, tree, `${path}/`, depth + 1);
}

async function entriesOf({ read, budget }: Walk, id: string | null): Promise<Entries | null> {
  if (id === null) return nothing;
  budget.trees -= 1;
  if (budget.trees < 0) return null;
  const object = await read(id);
  if (object?.type !== 'tree') return null;
  budget.bytes -= object.body.length;
  return budget.bytes < 0 ? null : readTree(object.body);
}

/** Null: not what git writes. */
export function readTree(body: Buffer): Entries | null {
  const entries = new Map<string, Entry>();
  let start = 0;
  while (start < body.length) {
    const gap = body.indexOf(0x20, start);
    const nul = gap === -1 ? -1 : body.indexOf(0, gap);
    if (nul === -1 || nul + 21 > body.length) return null;
    const name = body.toString('latin1', gap + 1, nul);
    const mode = Number.parseInt(body.toString('latin1', start, gap), 8);
    const id = body.toString('hex', nul + 1, nul + 21);
    if (Number.isNaN(mode) || name === '' || entries.has(name)) return null;
    entries.set(name, { name, id, ...kindOf(mode, id) });
    start = nul + 21;
  }
  return entries;
}

/** Of a file's mode git sees whether its owner may run it, and no more. */
function kindOf(mode: number, id: string): Pick<Entry, 'kind' | 'mark'> {
  const type = mode & 0o170000;
  if (type === 0o040000) return { kind: 'tree', mark: `tree ${id}` };
  if (type === 0o100000) return { kind: 'file', mark: `${(mode & 0o100) === 0 ? 'file' : 'program'} ${id}` };
  if (type === 0o120000) return { kind: 'file', mark: `link ${id}` };
  return { kind: 'submodule', mark: `submodule ${id}` };
}
