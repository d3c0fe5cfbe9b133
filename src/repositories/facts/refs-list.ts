import type { FactsSource } from './facts.ts';

export interface ListedRef {
  /** Whole: `refs/heads/main`. */
  readonly ref: string;
  /** What it points to: of an annotated tag the tag object. */
  readonly id: string;
  readonly type: 'commit' | 'tag' | 'tree' | 'blob';
  /** What it comes to, tags looked through. */
  readonly target: { readonly id: string; readonly type: 'commit' | 'tree' | 'blob' | 'tag' };
  /** Milliseconds since 1970: of a commit its committer's date, of an annotated tag its own; null where there is none. */
  readonly date: number | null;
  /** First line of the commit's or the tag's message. */
  readonly subject: string;
}

export interface ListRefsOptions extends FactsSource {
  /** `refs/heads/` or `refs/tags/`. */
  readonly prefix: string;
  readonly limit: number;
  /** Only those whose whole name sorts after it (by bytes). */
  readonly after?: string;
}

/** Refs in the order of their names. */
export function listRefs(options: ListRefsOptions): Promise<{ readonly refs: readonly ListedRef[]; readonly hasMore: boolean }> {
  return Promise.reject(new Error(`${options.prefix}: to be written`));
}

/** The id a whole ref points to (no tag looked through), or null. */
export function refTip(options: FactsSource & { readonly ref: string }): Promise<string | null> {
  return Promise.reject(new Error(`${options.ref}: to be written`));
}
