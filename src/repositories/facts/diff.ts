import type { FactsSource } from './facts.ts';

/** Two commits or trees, by id or whole ref. What changed from the first to the second, no merge base looked for. */
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
  /** At most `diffFilesMax`. */
  readonly files: readonly DiffFile[];
  readonly areFilesCut: boolean;
}

/** The newest common ancestor, or null where they share none (or one is not there). */
export function mergeBase(options: FactsSource & { readonly a: string; readonly b: string }): Promise<string | null> {
  return Promise.reject(new Error(`${options.a}: to be written`));
}

/** Whether all of `ancestor` is in `descendant` already. */
export function isAncestor(options: FactsSource & { readonly ancestor: string; readonly descendant: string }): Promise<boolean> {
  return Promise.reject(new Error(`${options.ancestor}: to be written`));
}

/** Lines and files that changed; renames off. */
export function diffStat(options: DiffOptions): Promise<DiffStat> {
  return Promise.reject(new Error(`${options.from}: to be written`));
}

/** A unified diff as `git apply` takes it, binary files as binary patches; its first bytes where it is longer than `bytesMax`. */
export function diffText(
  options: DiffOptions & { readonly bytesMax: number },
): Promise<{ readonly text: Buffer; readonly isCut: boolean }> {
  return Promise.reject(new Error(`${options.from}: to be written`));
}

/** The commits of `from..to` as mails that `git am` takes, oldest first, merges left out. */
export function patchText(
  options: DiffOptions & { readonly bytesMax: number },
): Promise<{ readonly text: Buffer; readonly isCut: boolean }> {
  return Promise.reject(new Error(`${options.from}: to be written`));
}
