import type { SqliteHotUnit } from '../../storage/database/hot.ts';
import { sentOf } from './body.ts';
import { pack, unpack } from './packed.ts';
import { rateAllows, rateAt } from './rate.ts';
import type { Outcomes } from './outcomes.ts';
import { outcomesOf } from './outcomes.ts';
import type { BodyText, Claimed, ClaimedRow, ClaimRow, OutcomeRow, ReturnedRow, TurnInput, TurnOutput } from './unit-rows.ts';
import { heldMs, lanes, latin1 } from './unit-rows.ts';

// Runs in the writer's thread. Statements are prepared once and run in a loop: a statement with all rows in it gains nothing on SQLite.

type Connection = Parameters<SqliteHotUnit<unknown, unknown>>[0];

export const turn: SqliteHotUnit<TurnInput, TurnOutput> = (connection) => {
  const settle = settler(connection);
  const giveBack = connection.prepare(
    "update deliveries set state = 'pending', lane = ?, due = ?, lease_token = null where id = ? and state = 'leased' and lease_token = ?",
  );
  const returnAll = (rows: readonly ReturnedRow[]) => {
    for (const { lane, due, delivery, token } of rows) giveBack.run(lane, due, delivery, token);
  };
  const claim = claimer(connection);
  return (input) => {
    const states = settle(unpack(input.outcomes));
    returnAll(input.returned);
    const bodies: BodyText[] = [];
    const claimed = claim(input, bodies);
    return { states, claimed, bodies };
  };
};

function settler(connection: Connection): (rows: readonly OutcomeRow[]) => readonly (string | null)[] {
  // No RETURNING: it would gather its one row in a table of its own.
  const update = connection.prepare(
    `update deliveries set state = ?, lane = ?, due = ?, settled = ?, lease_token = null, attempts = ?, last_status = ?, last_error = ?
     where id = ? and state = 'leased' and lease_token = ? and again = 0`,
  );
  // Asked for again meanwhile: this end is a new beginning.
  const updateAgain = connection.prepare(
    `update deliveries set state = 'pending', lane = ${lanes.asked}, due = ?, again = 0, lease_token = null, attempts = ?, last_status = ?,
       last_error = ? where id = ? and state = 'leased' and lease_token = ?`,
  );
  const settleOne = ({ state, lane, now, due, at, durationMs, number, status, error, delivery, token }: OutcomeRow): string | null => {
    const settled = state === 'pending' ? null : at + durationMs;
    if (update.run(state, lane, due, settled, number, status, error, delivery, token).changes === 1) return state;
    return updateAgain.run(now, number, status, error, delivery, token).changes === 1 ? 'pending' : null;
  };
  const insert = connection.prepare(
    `insert into attempts (id, organization, delivery, number, at, duration_ms, request, status, response_headers, response_body, error)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const standings = stander(connection);
  return (rows) => {
    const states = rows.map((row) => {
      const state = settleOne(row);
      if (state === null) return null;
      const { attempt, organization, delivery, number, at, durationMs, request, status, answerHeaders, answerBody, error } = row;
      insert.run(attempt, organization, delivery, number, at, durationMs, request, status, answerHeaders, answerBody, error);
      return state;
    });
    standings(outcomesOf(rows.filter((_, index) => states[index] !== null)));
    return states;
  };
}

/** How the webhooks stand after these outcomes. */
function stander(connection: Connection): (webhooks: readonly Outcomes[]) => void {
  const update = connection.prepare(
    `update webhook_states set
       failures = iif(@worked, 0, failures) + @failures,
       failing_since = iif(@failures = 0, null, coalesce(iif(@worked, null, failing_since), @firstFailure)),
       warned = iif(@worked, null, warned),
       last_failure = coalesce(@lastFailure, last_failure), last_success = coalesce(@lastSuccess, last_success),
       last_status = @status, last_error = @error, slow = @slow, resting_until = @restingUntil,
       announce = iif(@gone and (select active from webhooks where id = @webhook) = 1, 'disabled', announce)
     where webhook = @webhook`,
  );
  const switchOff = connection.prepare(
    "update webhooks set active = 0, off_since = ?, off_reason = 'gone', revision = revision + 1 where id = ? and active = 1",
  );
  const unsubscribe = connection.prepare('delete from subscriptions where webhook = ?');
  return (webhooks) => {
    for (const each of webhooks) {
      update.run({ ...each, worked: Number(each.worked), slow: Number(each.slow), gone: Number(each.gone) });
      if (!each.gone) continue;
      switchOff.run(each.at, each.webhook);
      unsubscribe.run(each.webhook);
    }
  };
}

interface WebhookRow {
  readonly active: number;
  readonly revision: number;
  readonly dialect: string;
  readonly ordered: number;
  readonly rate_count: number | null;
  readonly rate_period_ms: number | null;
}

interface ReadyRow extends Omit<ClaimedRow, 'body' | 'retryUntil'> {
  readonly row: number;
  readonly due: number;
  readonly retry_until: number;
}

function claimer(connection: Connection): (input: TurnInput, bodies: BodyText[]) => readonly Claimed[] {
  const webhookOf = connection.prepare<[string], WebhookRow>(
    'select active, revision, dialect, ordered, rate_count, rate_period_ms from webhooks where id = ?',
  );
  // By this index the rows come in the order of due and id. No ORDER BY, and no limit that is bound: with either, SQLite plans the statement anew
  // each time that a value is bound, which takes ten times as long as to run it.
  const ready = connection.prepare<unknown[], ReadyRow>(
    `select rowid as row, id as delivery, event, kind, attempts, created, retry_until, due from deliveries indexed by deliveries_ready
     where webhook = ? and state = 'pending' and lane = ?`,
  );
  const lease = connection.prepare("update deliveries set state = 'leased', due = ?, lease_token = ? where rowid = ?");
  const leased = connection.prepare("select 1 from deliveries where webhook = ? and state = 'leased' limit 1");
  const nextDue = connection
    .prepare("select due from deliveries indexed by deliveries_ready where webhook = ? and state = 'pending' and lane = ? limit 1")
    .pluck();
  const body = bodyReader(connection);
  const rate = rateKeeper(connection);
  return (input, bodies) => {
    const held = new Map<string, number>();
    return input.claims.map((asked) => {
      const webhook = webhookOf.get(asked.webhook);
      if (webhook?.active !== 1) return nothing(asked);
      const limit = roomOf({ webhook, asked, now: input.now, rate, leased: () => leased.get(asked.webhook) !== undefined });
      // Only retries wait for a time; of the others the time is nothing but their order.
      const before = asked.lane === lanes.retry ? input.now : Number.MAX_SAFE_INTEGER;
      const found = limit.count === 0 ? [] : firstOf(ready.iterate(asked.webhook, asked.lane), { count: limit.count, before });
      for (const each of found) lease.run(input.leaseUntil, input.token, each.row);
      rate.take(asked.webhook, webhook, found.length, input.now);
      const rows = found.map((each) => claimedRow(each, body(each.event, webhook.dialect, bodies, held)));
      const next = limit.next ?? (found.length < limit.count ? (nextDue.get(asked.webhook, asked.lane) as number | undefined) : input.now);
      return { webhook: asked.webhook, lane: asked.lane, active: true, revision: webhook.revision, rows: pack(rows), next: next ?? null };
    });
  };
}

/** At most so many, and none that is due later; the first that is ends it, since they come in the order of their time. */
function firstOf(rows: Iterable<ReadyRow>, { count, before }: { readonly count: number; readonly before: number }): readonly ReadyRow[] {
  const first: ReadyRow[] = [];
  for (const row of rows) {
    if (row.due > before) break;
    first.push(row);
    if (first.length === count) break;
  }
  return first;
}

function claimedRow({ delivery, event, kind, attempts, created, retry_until }: ReadyRow, body: number): ClaimedRow {
  return { delivery, event, kind, attempts, created, retryUntil: retry_until, body };
}

function nothing({ webhook, lane }: ClaimRow): Claimed {
  return { webhook, lane, active: false, revision: 0, rows: pack([]), next: null };
}

type RateKeeper = ReturnType<typeof rateKeeper>;

interface Room {
  readonly count: number;
  /** When to ask again, where nothing or less was allowed; null: whenever there is something. */
  readonly next: number | null;
}

function roomOf(options: {
  readonly webhook: WebhookRow;
  readonly asked: ClaimRow;
  readonly now: number;
  readonly rate: RateKeeper;
  readonly leased: () => boolean;
}): Room {
  const { webhook, asked, now, rate } = options;
  // In strict order the next waits until the one before is settled; whoever settles it asks again.
  if (webhook.ordered === 1 && options.leased()) return { count: 0, next: now + heldMs };
  const wanted = webhook.ordered === 1 ? 1 : asked.limit;
  return rate.room(asked.webhook, webhook, wanted, now);
}

function rateKeeper(connection: Connection) {
  const read = connection.prepare('select rate_at from webhook_states where webhook = ?').pluck();
  const write = connection.prepare('update webhook_states set rate_at = ? where webhook = ?');
  const allowed = (id: string, { rate_count, rate_period_ms }: WebhookRow, wanted: number, now: number) =>
    rateAllows({
      count: rate_count ?? 0,
      periodMs: rate_period_ms ?? 0,
      at: rateAt.read((read.get(id) as number | undefined) ?? 0),
      now,
      wanted,
    });
  return {
    room(id: string, webhook: WebhookRow, wanted: number, now: number): Room {
      if (webhook.rate_count === null) return { count: wanted, next: null };
      const { count, next } = allowed(id, webhook, wanted, now);
      return { count, next: count < wanted ? next : null };
    },
    take(id: string, webhook: WebhookRow, count: number, now: number): void {
      if (webhook.rate_count === null || count === 0) return;
      write.run(rateAt.kept(allowed(id, webhook, count, now).at), id);
    },
  };
}

/** Reads each body once a turn, however many deliveries it goes with, and answers where it stands among them. */
function bodyReader(connection: Connection) {
  const read = connection.prepare<
    [string, string],
    { readonly content_type: string; readonly body: Buffer; readonly facts: string | null }
  >(
    `select content_type, body, case when length(body) = 0 then (select facts from events where id = event) end as facts from event_bodies
     where event = ? and dialect = ?`,
  );
  return (event: string, dialect: string, bodies: BodyText[], held: Map<string, number>): number => {
    const key = `${event} ${dialect}`;
    const known = held.get(key);
    if (known !== undefined) return known;
    const found = read.get(event, dialect);
    // A body goes after its deliveries, so one that is missing says that the event was deleted meanwhile.
    if (found === undefined || (found.body.length === 0 && found.facts === null)) return -1;
    const body = sentOf(found.body, () => found.facts ?? '');
    bodies.push({ dialect, contentType: found.content_type, body: latin1.text(body) });
    held.set(key, bodies.length - 1);
    return bodies.length - 1;
  };
}
