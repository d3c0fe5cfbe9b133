import type { AnalysisFacts } from '../finding.ts';

/** What a reader of the report should know about the scanner's file. */
export type NoticeCode =
  /** A run without `results`: nothing was scanned there. */
  | 'run_without_results'
  /** An invocation says of itself that it did not succeed. */
  | 'scan_not_successful'
  /** Errors that the tool met while it ran. */
  | 'tool_reported_errors'
  /** A driver without a name. */
  | 'tool_unnamed'
  /** A property that names files elsewhere, which are never fetched. */
  | 'external_properties_not_read'
  /** Results and rules that stand outside the run, which are not read. */
  | 'inline_external_properties_not_read'
  /** A list or object of the log that is something else: it is passed over. */
  | 'part_not_read'
  /** A property that stands twice in one object: the last one counts. */
  | 'duplicate_key'
  /** Entries with bytes that are no UTF-8, shown as U+FFFD. */
  | 'invalid_utf8'
  /** Artifacts beyond what is kept: results that name them by index alone have no place. */
  | 'artifacts_left_out'
  /** Results whose rule is not among those the tool lists. */
  | 'rule_not_found'
  /** Results whose rule index leads to a rule of another id; the index counts. */
  | 'rule_index_mismatch'
  /** Results that name more CWEs than a finding keeps. */
  | 'cwes_cut';

export interface Notices {
  /** Counts one more; the first pointer stays. */
  add(code: NoticeCode, pointer?: string, count?: number): void;
  clear(): void;
  list(): AnalysisFacts['notices'];
}

export function createNotices(): Notices {
  const all = new Map<NoticeCode, { code: NoticeCode; pointer?: string; count: number }>();
  return {
    add(code, pointer, count = 1) {
      const known = all.get(code);
      if (known !== undefined) known.count += count;
      else all.set(code, { code, ...(pointer === undefined ? {} : { pointer }), count });
    },
    clear: () => all.clear(),
    list: () => [...all.values()],
  };
}
