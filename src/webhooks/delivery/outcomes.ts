import type { OutcomeRow } from './unit-rows.ts';

/** What the outcomes of one unit say about a webhook, in the order they came. */
export interface Outcomes {
  readonly webhook: string;
  /** One of them worked: failures before it are over. */
  worked: boolean;
  /** Failures since then. */
  failures: number;
  firstFailure: number | null;
  lastFailure: number | null;
  lastSuccess: number | null;
  status: number | null;
  error: string | null;
  slow: boolean;
  restingUntil: number | null;
  gone: boolean;
  at: number;
}

/** One for each webhook that something new is known of. Pure. */
export function outcomesOf(rows: readonly OutcomeRow[]): readonly Outcomes[] {
  const all = new Map<string, Outcomes>();
  for (const row of rows) {
    if (row.quiet) continue;
    let each = all.get(row.webhook);
    if (each === undefined) all.set(row.webhook, (each = blank(row.webhook)));
    if (row.worked) Object.assign(each, { worked: true, failures: 0, firstFailure: null, lastSuccess: row.now });
    else {
      each.failures += 1;
      each.firstFailure ??= row.now;
      each.lastFailure = row.now;
    }
    Object.assign(each, { status: row.status, error: row.error, slow: row.slow, restingUntil: row.restingUntil, at: row.at });
    each.gone ||= row.gone;
  }
  return [...all.values()];
}

function blank(webhook: string): Outcomes {
  return {
    webhook,
    worked: false,
    failures: 0,
    firstFailure: null,
    lastFailure: null,
    lastSuccess: null,
    status: null,
    error: null,
    slow: false,
    restingUntil: null,
    gone: false,
    at: 0,
  };
}
