import { sql } from 'kysely';
import type { Tx } from '../../storage/database/database.ts';
import { sentOf } from './body.ts';
import { outcomesOf } from './outcomes.ts';
import { pack, unpack } from './packed.ts';
import { rateAllows, rateAt } from './rate.ts';
import type { BodyText, Claimed, ClaimedRow, ClaimRow, OutcomeRow, ReturnedRow, TurnInput, TurnOutput } from './unit-rows.ts';
import { heldMs, lanes, latin1 } from './unit-rows.ts';

// Rows are locked in the order of their ids wherever several are changed, so that two nodes never wait for each other in a ring.

export async function turnOnPostgres(tx: Tx, input: TurnInput): Promise<TurnOutput> {
  const states = await settle(tx, unpack(input.outcomes));
  await giveBack(tx, input.returned);
  return { states, ...(await claim(tx, input)) };
}

async function settle(tx: Tx, rows: readonly OutcomeRow[]): Promise<readonly (string | null)[]> {
  if (rows.length === 0) return [];
  const { rows: updated } = await sql<{ readonly id: string; readonly state: string }>`
    update deliveries d set state = case when again = 1 then 'pending' else g.state end,
      lane = case when again = 1 then ${lanes.asked}::bigint else g.lane end, due = case when again = 1 then g.now else g.due end,
      settled = case when again = 1 or g.state = 'pending' then null else g.ended end, again = 0, lease_token = null,
      attempts = g.number, last_status = g.status, last_error = g.error
    from unnest(${texts(rows, 'delivery')}, ${texts(rows, 'token')}, ${texts(rows, 'state')}, ${numbers(rows, 'lane')}, ${numbers(rows, 'due')},
      ${numbers(rows, 'now')}, ${rows.map((row) => row.at + row.durationMs)}::bigint[], ${numbers(rows, 'number')}, ${numbers(rows, 'status')},
      ${texts(rows, 'error')}) as g (id, token, state, lane, due, now, ended, number, status, error)
    where d.id = g.id and d.state = 'leased' and d.lease_token = g.token
    returning d.id, d.state`.execute(tx);
  const states = new Map(updated.map((row) => [row.id, row.state]));
  const counted = rows.filter((row) => states.has(row.delivery));
  if (counted.length > 0) {
    await insertAttempts(tx, counted);
    await standings(tx, counted);
  }
  return rows.map((row) => states.get(row.delivery) ?? null);
}

type TextName = 'delivery' | 'token' | 'state' | 'error' | 'attempt' | 'organization' | 'request' | 'answerHeaders' | 'answerBody';
type NumberName = 'lane' | 'due' | 'now' | 'number' | 'status' | 'at' | 'durationMs';
const texts = (rows: readonly OutcomeRow[], name: TextName) => sql`${rows.map((row) => row[name])}::text[]`;
const numbers = (rows: readonly OutcomeRow[], name: NumberName) => sql`${rows.map((row) => row[name])}::bigint[]`;

async function insertAttempts(tx: Tx, rows: readonly OutcomeRow[]): Promise<void> {
  await sql`
    insert into attempts (id, organization, delivery, number, at, duration_ms, request, status, response_headers, response_body, error)
    select * from unnest(${texts(rows, 'attempt')}, ${texts(rows, 'organization')}, ${texts(rows, 'delivery')}, ${numbers(rows, 'number')},
      ${numbers(rows, 'at')}, ${numbers(rows, 'durationMs')}, ${texts(rows, 'request')}, ${numbers(rows, 'status')},
      ${texts(rows, 'answerHeaders')}, ${texts(rows, 'answerBody')}, ${texts(rows, 'error')})`.execute(tx);
}

/** How the webhooks stand after these outcomes. */
async function standings(tx: Tx, rows: readonly OutcomeRow[]): Promise<void> {
  const webhooks = outcomesOf(rows).toSorted((one, other) => (one.webhook < other.webhook ? -1 : 1));
  if (webhooks.length === 0) return;
  const integers = (name: 'failures' | 'firstFailure' | 'lastFailure' | 'lastSuccess' | 'status' | 'restingUntil') =>
    sql`${webhooks.map((each) => each[name])}::bigint[]`;
  const flags = (name: 'worked' | 'slow' | 'gone') => sql`${webhooks.map((each) => each[name])}::boolean[]`;
  await sql`
    with given as materialized (
      select * from unnest(${webhooks.map((each) => each.webhook)}::text[], ${flags('worked')}, ${integers('failures')}, ${integers('firstFailure')},
        ${integers('lastFailure')}, ${integers('lastSuccess')}, ${integers('status')}, ${webhooks.map((each) => each.error)}::text[], ${flags('slow')},
        ${integers('restingUntil')}, ${flags('gone')})
        as g (webhook, worked, failures, first_failure, last_failure, last_success, status, error, slow, resting_until, gone)
    ), locked as materialized (
      select s.webhook from webhook_states s join given g on g.webhook = s.webhook order by s.webhook for update of s
    )
    update webhook_states s set
      failures = case when g.worked then 0 else s.failures end + g.failures,
      failing_since = case when g.failures > 0 then coalesce(case when g.worked then null else s.failing_since end, g.first_failure) end,
      warned = case when g.worked then null else s.warned end,
      last_failure = coalesce(g.last_failure, s.last_failure), last_success = coalesce(g.last_success, s.last_success),
      last_status = g.status, last_error = g.error, slow = g.slow::int, resting_until = g.resting_until,
      announce = case when g.gone and (select active from webhooks w where w.id = g.webhook) = 1 then 'disabled' else s.announce end
    from given g join locked l on l.webhook = g.webhook
    where s.webhook = g.webhook`.execute(tx);
  for (const { webhook, at } of webhooks.filter((each) => each.gone)) await switchOff(tx, webhook, at);
}

async function switchOff(tx: Tx, webhook: string, at: number): Promise<void> {
  await sql`update webhooks set active = 0, off_since = ${at}, off_reason = 'gone', revision = revision + 1
    where id = ${webhook} and active = 1`.execute(tx);
  await sql`delete from subscriptions where webhook = ${webhook}`.execute(tx);
}

async function giveBack(tx: Tx, rows: readonly ReturnedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    update deliveries d set state = 'pending', lane = g.lane, due = g.due, lease_token = null
    from unnest(${rows.map((row) => row.delivery)}::text[], ${rows.map((row) => row.token)}::text[], ${rows.map((row) => row.lane)}::bigint[],
      ${rows.map((row) => row.due)}::bigint[]) as g (id, token, lane, due)
    where d.id = g.id and d.state = 'leased' and d.lease_token = g.token`.execute(tx);
}

interface WebhookRow {
  readonly id: string;
  readonly active: number;
  readonly revision: number;
  readonly dialect: string;
  readonly ordered: number;
  readonly rate_count: number | null;
  readonly rate_period_ms: number | null;
}

interface LeasedRow {
  readonly delivery: string;
  readonly webhook: string;
  readonly lane: number;
  readonly event: string;
  readonly kind: string;
  readonly attempts: number;
  readonly created: number;
  readonly retry_until: number;
}

type Claiming = Pick<TurnOutput, 'claimed' | 'bodies'>;

async function claim(tx: Tx, input: TurnInput): Promise<Claiming> {
  if (input.claims.length === 0) return { claimed: [], bodies: [] };
  const webhooks = await webhooksOf(tx, input.claims);
  const active = input.claims.filter((asked) => webhooks.get(asked.webhook)?.active === 1);
  const limited = (asked: ClaimRow) => webhooks.get(asked.webhook)?.ordered === 1 || webhooks.get(asked.webhook)?.rate_count !== null;
  const leased = await lease(
    tx,
    input,
    active.filter((asked) => !limited(asked)),
  );
  const waits = new Map<ClaimRow, number>();
  for (const asked of active.filter(limited)) {
    const webhook = webhooks.get(asked.webhook);
    if (webhook === undefined) continue;
    const { rows, next } = await leaseLimited(tx, input, { asked, webhook });
    leased.push(...rows);
    if (next !== null) waits.set(asked, next);
  }
  const { bodies, indexOf } = await bodiesOf(tx, leased, webhooks);
  const next = await nextOf(tx, active, leased);
  const claimed = input.claims.map((asked): Claimed => {
    const { webhook: id, lane } = asked;
    const webhook = webhooks.get(id);
    if (webhook?.active !== 1) return { webhook: id, lane, active: false, revision: 0, rows: pack([]), next: null };
    const rows = leased.filter((row) => row.webhook === id && row.lane === lane).map((row) => claimedRow(row, indexOf(row)));
    const soon = rows.length >= asked.limit ? input.now : (next.get(`${id} ${lane}`) ?? null);
    return { webhook: id, lane, active: true, revision: webhook.revision, rows: pack(rows), next: waits.get(asked) ?? soon };
  });
  return { claimed, bodies };
}

function claimedRow(row: LeasedRow, body: number): ClaimedRow {
  const { delivery, event, kind, attempts, created, retry_until } = row;
  return { delivery, event, kind, attempts, created, retryUntil: retry_until, body };
}

async function webhooksOf(tx: Tx, claims: readonly ClaimRow[]): Promise<ReadonlyMap<string, WebhookRow>> {
  const ids = [...new Set(claims.map((asked) => asked.webhook))];
  const { rows } = await sql<WebhookRow>`
    select id, active, revision, dialect, ordered, rate_count, rate_period_ms from webhooks where id = any(${ids}::text[])`.execute(tx);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Skips what another node is taking at this moment. */
async function lease(tx: Tx, { now, leaseUntil, token }: TurnInput, claims: readonly ClaimRow[]): Promise<LeasedRow[]> {
  if (claims.length === 0) return [];
  const { rows } = await sql<LeasedRow>`
    with ready as materialized (
      select r.id, a.lane from unnest(${claims.map((each) => each.webhook)}::text[], ${claims.map((each) => each.lane)}::bigint[],
        ${claims.map((each) => each.limit)}::bigint[]) as a (webhook, lane, count)
      cross join lateral (
        select d.id from deliveries d where d.webhook = a.webhook and d.state = 'pending' and d.lane = a.lane
          and (a.lane <> ${lanes.retry} or d.due <= ${now}) order by d.due, d.id limit a.count for update skip locked
      ) as r
    )
    update deliveries d set state = 'leased', due = ${leaseUntil}, lease_token = ${token} from ready where d.id = ready.id
    returning d.id as delivery, d.webhook, ready.lane, d.event, d.kind, d.attempts, d.created, d.retry_until`.execute(tx);
  return [...rows];
}

/** Strict order and rate limits hold over all nodes: whoever claims holds the webhook's state meanwhile, and who finds it held comes again. */
async function leaseLimited(
  tx: Tx,
  input: TurnInput,
  { asked, webhook }: { readonly asked: ClaimRow; readonly webhook: WebhookRow },
): Promise<{ readonly rows: readonly LeasedRow[]; readonly next: number | null }> {
  const held = await sql<{ readonly rate_at: number }>`
    select rate_at from webhook_states where webhook = ${asked.webhook} for update skip locked`.execute(tx);
  const at = held.rows[0]?.rate_at;
  const soon = { rows: [], next: input.now + heldMs };
  if (at === undefined) return soon;
  if (webhook.ordered === 1) {
    const leased = await sql`select 1 from deliveries where webhook = ${asked.webhook} and state = 'leased' limit 1`.execute(tx);
    if (leased.rows.length > 0) return soon;
  }
  const wanted = webhook.ordered === 1 ? 1 : asked.limit;
  if (webhook.rate_count === null) return { rows: await lease(tx, input, [{ ...asked, limit: wanted }]), next: null };
  const rate = { count: webhook.rate_count, periodMs: webhook.rate_period_ms ?? 0, at: rateAt.read(at), now: input.now };
  const { count, next } = rateAllows({ ...rate, wanted });
  const rows = count === 0 ? [] : await lease(tx, input, [{ ...asked, limit: count }]);
  const after = rateAllows({ ...rate, wanted: rows.length }).at;
  if (rows.length > 0) await sql`update webhook_states set rate_at = ${rateAt.kept(after)} where webhook = ${asked.webhook}`.execute(tx);
  return { rows, next: count < wanted ? next : null };
}

/** The next due of each lane that is asked for and was not filled. */
async function nextOf(tx: Tx, claims: readonly ClaimRow[], leased: readonly LeasedRow[]): Promise<ReadonlyMap<string, number>> {
  const unfilled = claims.filter(
    (asked) => leased.filter((row) => row.webhook === asked.webhook && row.lane === asked.lane).length < asked.limit,
  );
  if (unfilled.length === 0) return new Map();
  const { rows } = await sql<{ readonly webhook: string; readonly lane: number; readonly due: number | null }>`
    select a.webhook, a.lane, (select d.due from deliveries d where d.webhook = a.webhook and d.state = 'pending' and d.lane = a.lane
      order by d.due, d.id limit 1) as due
    from unnest(${unfilled.map((each) => each.webhook)}::text[], ${unfilled.map((each) => each.lane)}::bigint[]) as a (webhook, lane)`.execute(
    tx,
  );
  return new Map(rows.flatMap((row) => (row.due === null ? [] : [[`${row.webhook} ${row.lane}`, row.due]])));
}

interface BodyRow {
  readonly event: string;
  readonly dialect: string;
  readonly content_type: string;
  readonly body: Buffer;
  readonly facts: string | null;
}

/** Each body once, however many deliveries it goes with. */
async function bodiesOf(tx: Tx, leased: readonly LeasedRow[], webhooks: ReadonlyMap<string, WebhookRow>) {
  const bodies: BodyText[] = [];
  const index = new Map<string, number>();
  const keyOf = (row: LeasedRow) => `${row.event} ${webhooks.get(row.webhook)?.dialect ?? ''}`;
  if (leased.length > 0) {
    const { rows } = await sql<BodyRow>`
      select b.event, b.dialect, b.content_type, b.body, case when length(b.body) = 0 then e.facts end as facts
      from event_bodies b join events e on e.id = b.event
      where b.event = any(${[...new Set(leased.map((row) => row.event))]}::text[])`.execute(tx);
    for (const row of rows) {
      index.set(`${row.event} ${row.dialect}`, bodies.length);
      bodies.push({ dialect: row.dialect, contentType: row.content_type, body: latin1.text(sentOf(row.body, () => row.facts ?? '')) });
    }
  }
  // A body goes after its deliveries, so one that is missing says that the event was deleted meanwhile.
  return { bodies, indexOf: (row: LeasedRow) => index.get(keyOf(row)) ?? -1 };
}
