import { sql } from 'kysely';
import type { Identifiers } from '../../identifiers.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import type { Claimed } from './claim.ts';
import type { Decision } from './decide.ts';

/** Outcomes that come within this are settled in one unit: fewer commits, and few repeats after a crash. */
export const settleMs = 3;
/** Outcomes of one unit. */
export const settledOfUnitMax = 100;

export interface Outcome {
  readonly claimed: Claimed;
  readonly decision: Decision;
  /** When the attempt ended. */
  readonly now: number;
  readonly attempt: AttemptFacts;
}

/** What is kept of an attempt, ready for its row. */
export interface AttemptFacts {
  readonly at: number;
  readonly durationMs: number;
  readonly request: string;
  readonly status: number | null;
  readonly answerHeaders: string | null;
  readonly answerBody: string | null;
  readonly error: string | null;
}

export interface Settler {
  /**
   * Writes an outcome down and answers whether it counted: only if the delivery still carries the token it was claimed with. False: the lease
   * ended and another has it, or the delivery is gone; then nothing is changed and no attempt is kept.
   */
  settle(outcome: Outcome): Promise<boolean>;
}

interface Waiting {
  readonly outcome: Outcome;
  readonly resolve: (counted: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export function createSettler({ database, ids }: { readonly database: Database; readonly ids: Identifiers }): Settler {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | null = null;
  const flush = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const batch = waiting;
    waiting = [];
    database
      .write((tx) => settleAll({ tx, ids, outcomes: batch.map((each) => each.outcome) }))
      .then(
        (counted) => batch.forEach((each, index) => each.resolve(counted[index] === true)),
        (error: unknown) => batch.forEach((each) => each.reject(error)),
      );
  };
  return {
    settle: (outcome) =>
      new Promise((resolve, reject) => {
        waiting.push({ outcome, resolve, reject });
        if (waiting.length >= settledOfUnitMax) flush();
        else timer ??= setTimeout(flush, settleMs);
      }),
  };
}

interface SettleAllOptions {
  readonly tx: Tx;
  readonly ids: Identifiers;
  readonly outcomes: readonly Outcome[];
}

/** Compare-and-set for each, then the attempts of those that counted, in one unit: there is no outcome without its attempt. */
async function settleAll({ tx, ids, outcomes }: SettleAllOptions): Promise<readonly boolean[]> {
  const counted: boolean[] = [];
  for (const outcome of outcomes) counted.push(await settleOne(tx, outcome));
  const rows = outcomes.filter((_, index) => counted[index]).map((outcome) => attemptRow(outcome, ids));
  if (rows.length > 0) await tx.insertInto('attempts').values(rows).execute();
  return counted;
}

async function settleOne(tx: Tx, { claimed, decision, now, attempt }: Outcome): Promise<boolean> {
  const due = decision.state === 'pending' ? decision.due : now;
  const settled = decision.state === 'pending' ? null : now;
  const result = await tx
    .updateTable('deliveries')
    .set({
      // Asked for again meanwhile: this end is a new beginning.
      state: sql`case when again = 1 then 'pending' else cast(${decision.state} as text) end`,
      due: sql`case when again = 1 then cast(${now} as bigint) else cast(${due} as bigint) end`,
      settled: sql`case when again = 1 then null else cast(${settled} as bigint) end`,
      again: 0,
      lease_token: null,
      attempts: claimed.attempt,
      last_status: attempt.status,
      last_error: attempt.error,
    })
    .where('id', '=', claimed.delivery)
    .where('organization', '=', claimed.target.organization)
    .where('state', '=', 'leased')
    .where('lease_token', '=', claimed.leaseToken)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

function attemptRow({ claimed, attempt }: Outcome, ids: Identifiers) {
  return {
    id: ids.next(),
    organization: claimed.target.organization,
    delivery: claimed.delivery,
    number: claimed.attempt,
    at: attempt.at,
    duration_ms: attempt.durationMs,
    request: attempt.request,
    status: attempt.status,
    response_headers: attempt.answerHeaders,
    response_body: attempt.answerBody,
    error: attempt.error,
  };
}
