import { lookTimeoutMs, diffFilesMax, pathBytesMax } from './limits.ts';
import type { FactsSource } from './facts.ts';
import { look, pieces } from './look.ts';
import { areRevisions } from './revisions.ts';

/** Two commits, by id or whole ref. What changed from the first to the second, no merge base looked for. */
export interface DiffOptions extends FactsSource {
  readonly from: string;
  readonly to: string;
}

export interface DiffFile {
  readonly path: string;
  readonly status: 'added' | 'removed' | 'modified';
  /** Null: binary. */
  readonly additions: number | null;
  readonly deletions: number | null;
}

export interface DiffStat {
  readonly additions: number;
  readonly deletions: number;
  readonly changedFiles: number;
  /** At most `diffFilesMax`, in the order of their paths as git sorts them. */
  readonly files: readonly DiffFile[];
  readonly areFilesCut: boolean;
}

export interface DiffText {
  readonly text: Buffer;
  readonly isCut: boolean;
}

/** The newest common ancestor, or null where they share none (or one is not there). */
export async function mergeBase({
  git,
  repository,
  a,
  b,
}: FactsSource & { readonly a: string; readonly b: string }): Promise<string | null> {
  if (!areRevisions([a, b])) return null;
  const { status, stdout } = await git.run({ repository, args: ['merge-base', a, b], okStatus: [0, 1, 128], timeoutMs: lookTimeoutMs });
  const id = stdout.toString('latin1', 0, 40);
  return status === 0 && /^[0-9a-f]{40}$/.test(id) ? id : null;
}

/** Whether all of `ancestor` is in `descendant` already. False where one of them is not there. */
export async function isAncestor(options: FactsSource & { readonly ancestor: string; readonly descendant: string }): Promise<boolean> {
  const { git, repository, ancestor, descendant } = options;
  if (!areRevisions([ancestor, descendant])) return false;
  const args = ['merge-base', '--is-ancestor', ancestor, descendant];
  const { status } = await git.run({ repository, args, okStatus: [0, 1, 128], timeoutMs: lookTimeoutMs });
  return status === 0;
}

/** What every difference is made with: no renames, no program or filter of anyone's, submodules by their ids. */
const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none', '--no-color'];

/** Lines and files that changed. Where one of the two is not there, nothing has. */
export async function diffStat({ from, to, ...source }: DiffOptions): Promise<DiffStat> {
  const stat = { additions: 0, deletions: 0, changedFiles: 0 };
  const files = new Map<string, DiffFile>();
  if (!areRevisions([from, to])) return { ...stat, files: [], areFilesCut: false };
  const args = ['diff-tree', '-r', '-z', '--raw', '--numstat', ...plain, '--end-of-options', from, to];
  const { takeStatus, takeLines } = fileTaker(stat, files);
  let status: DiffFile['status'] | null = null;
  const take = (piece: Buffer): boolean => {
    const text = piece.toString('latin1');
    if (status !== null) {
      takeStatus(text, status);
      status = null;
    } else if (text.startsWith(':')) status = statusOf(text);
    else takeLines(text);
    return true;
  };
  await look({ git: source.git, repository: source.repository, args }, pieces({ at: 0, bytesMax: pathBytesMax + 50, take }));
  return { ...stat, files: [...files.values()], areFilesCut: stat.changedFiles > files.size };
}

/** `:100644 100644 <id> <id> M` */
function statusOf(raw: string): DiffFile['status'] {
  const letter = raw.at(-1);
  return letter === 'A' ? 'added' : letter === 'D' ? 'removed' : 'modified';
}

/** First come all files with their letters, then all again with their lines: `12<tab>3<tab>path`, `-` for binary ones. */
function fileTaker(stat: { additions: number; deletions: number; changedFiles: number }, files: Map<string, DiffFile>) {
  return {
    takeStatus(bytes: string, status: DiffFile['status']): void {
      stat.changedFiles += 1;
      const path = Buffer.from(bytes, 'latin1').toString('utf8');
      if (files.size < diffFilesMax) files.set(bytes, { path, status, additions: null, deletions: null });
    },
    takeLines(text: string): void {
      const match = /^(\d+|-)\t(\d+|-)\t([^]*)$/.exec(text);
      if (match === null) return;
      const [, added, deleted, bytes = ''] = match;
      const isBinary = added === '-';
      if (!isBinary) stat.additions += Number(added);
      if (!isBinary) stat.deletions += Number(deleted);
      const file = files.get(bytes);
      if (file !== undefined && !isBinary) files.set(bytes, { ...file, additions: Number(added), deletions: Number(deleted) });
    },
  };
}

/** A unified diff as `git apply` takes it, binary files as binary patches; its first bytes where it is longer than `bytesMax`. */
export async function diffText({ from, to, bytesMax, ...source }: DiffOptions & { readonly bytesMax: number }): Promise<DiffText> {
  if (!areRevisions([from, to])) return { text: Buffer.alloc(0), isCut: false };
  const args = ['diff-tree', '-r', '-p', '--binary', '--full-index', ...plain, '--end-of-options', from, to];
  return firstBytes({ source, args, bytesMax });
}

/** The commits of `from..to` as mails that `git am` takes, oldest first, merges left out. */
export async function patchText({ from, to, bytesMax, ...source }: DiffOptions & { readonly bytesMax: number }): Promise<DiffText> {
  if (!areRevisions([from, to])) return { text: Buffer.alloc(0), isCut: false };
  const args = ['format-patch', '--stdout', '--no-signature', '--binary', '--full-index', ...plain, '--end-of-options', `${from}..${to}`];
  return firstBytes({ source, args, bytesMax });
}

async function firstBytes(options: {
  readonly source: FactsSource;
  readonly args: readonly string[];
  readonly bytesMax: number;
}): Promise<DiffText> {
  const { source, args, bytesMax } = options;
  const chunks: Buffer[] = [];
  let bytes = 0;
  const end = await look({ git: source.git, repository: source.repository, args }, (chunk) => {
    const kept = chunk.subarray(0, bytesMax - bytes);
    bytes += kept.length;
    chunks.push(kept);
    return kept.length === chunk.length;
  });
  return { text: Buffer.concat(chunks), isCut: end === 'enough' };
}
