import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';
import { timestampText } from '../../clock.ts';
import type { Reader } from '../../storage/database/database.ts';
import { lanes } from '../../webhooks/delivery/unit-rows.ts';
import type { Check, Item } from './check.ts';
import { countedMax, countText, itemsShownMax, ok, warning } from './check.ts';

/** What should have been sent so long ago is overdue. */
export const overdueMsMin = 60_000;

export interface WebhooksOptions {
  readonly read: Reader;
  /** By the clock that deliveries fall due by. */
  readonly now: number;
  /** A server answers. */
  readonly isServing: boolean;
}

const waits: RawBuilder<boolean> = sql<boolean>`exists (select 1 from deliveries d where d.webhook = webhooks.id and d.state = 'pending')`;

/** Webhooks that fail, rest, or are off, with what waits for them. One that was switched off by hand and that nothing waits for is at rest. */
export async function checkWebhooks({ read, now }: WebhooksOptions): Promise<Check> {
  const rows = await read
    .selectFrom('webhooks')
    .innerJoin('webhook_states', 'webhook_states.webhook', 'webhooks.id')
    .innerJoin('organizations', 'organizations.id', 'webhooks.organization')
    .select(['webhooks.id', 'webhooks.name', 'webhooks.active', 'webhooks.off_since', 'webhooks.off_reason', 'organizations.slug'])
    .select(['webhook_states.failures', 'webhook_states.failing_since', 'webhook_states.resting_until', 'webhook_states.slow'])
    .select(['webhook_states.last_status', 'webhook_states.last_error'])
    .where(
      sql<boolean>`(webhooks.active = 1 and webhook_states.failing_since is not null
        or webhooks.active = 0 and (webhooks.off_reason in ('gone', 'failing') or ${waits}))`,
    )
    .orderBy('webhooks.active', 'desc')
    .orderBy(sql`coalesce(webhook_states.failing_since, webhooks.off_since)`)
    .orderBy('webhooks.id')
    .limit(countedMax)
    .execute();
  if (rows.length === 0) return ok('webhooks', 'none fails');
  const items: Item[] = [];
  for (const row of rows.slice(0, itemsShownMax)) items.push(itemOf(row, { now, waiting: await countWaiting(read, row.id) }));
  const failing = rows.filter((row) => row.active === 1).length;
  const says = `${countText(failing)} failing, ${countText(rows.length - failing)} off`;
  const remedy =
    'GET /v1/deliveries?webhook=… shows each attempt and what the receiver answered. A failing one is tried again by itself, at once after a resend or a ' +
    'test; one that is off waits for PATCH {"active":true}, and what happened meanwhile for a replay.';
  return warning('webhooks', says, remedy, items);
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly active: number;
  readonly off_since: number | null;
  readonly off_reason: string | null;
  readonly failures: number;
  readonly failing_since: number | null;
  readonly resting_until: number | null;
  readonly slow: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
}

const offReasons: Readonly<Record<string, string>> = {
  by_hand: 'switched off by hand',
  gone: 'it answered 410',
  failing: 'it failed for too long',
};

function itemOf(row: Row, { now, waiting }: { readonly now: number; readonly waiting: number }): Item {
  const isOff = row.active === 0;
  const since = isOff ? row.off_since : row.failing_since;
  const rests = !isOff && row.resting_until !== null && row.resting_until > now ? row.resting_until : null;
  const reason = isOff
    ? (row.off_reason ?? 'by_hand')
    : (row.last_error ?? (row.last_status === null ? null : `status ${row.last_status}`));
  const why = isOff
    ? (offReasons[reason ?? ''] ?? reason)
    : `${row.failures} failures, the last: ${reason}${row.slow === 1 ? ', in the slow lane' : ''}`;
  const parts = [
    `${row.name} (${row.id}) of ${row.slug}: ${isOff ? 'off' : 'failing'}`,
    since === null ? '' : ` since ${timestampText(since)}`,
    ` (${why})`,
    rests === null ? '' : `, rests until ${timestampText(rests)}`,
    `, ${countText(waiting)} waiting`,
  ];
  return {
    says: parts.join(''),
    webhook: row.id,
    name: row.name,
    organization: row.slug,
    standing: isOff ? 'off' : 'failing',
    since: since === null ? null : timestampText(since),
    reason,
    restingUntil: rests === null ? null : timestampText(rests),
    waiting,
  };
}

async function countWaiting(read: Reader, webhook: string): Promise<number> {
  const counted = await sql<{ n: number }>`
    select count(*) as n from (select 1 from deliveries where webhook = ${webhook} and state = 'pending' limit ${sql.lit(countedMax)}) as counted
  `.execute(read);
  return counted.rows[0]?.n ?? 0;
}

interface Overdue {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly ordered: number;
  readonly rate_count: number | null;
  readonly rate_period_ms: number | null;
  readonly slow: number;
  readonly oldest: number;
}

/** Deliveries that should have been sent by now though their webhook works: not those of a replay, whose time is nothing but their order. */
export async function checkOverdue({ read, now, isServing }: WebhooksOptions): Promise<Check> {
  const name = 'deliveries';
  const before = now - overdueMsMin;
  // The first of each lane is the beginning of a range in an index: this costs by webhooks, never by how much waits.
  const first = sql`coalesce((select min(d.due) from deliveries d where d.webhook = w.id and d.state = 'pending' and d.lane = `;
  const none = sql.lit(Number.MAX_SAFE_INTEGER);
  const oldest = ([lanes.asked, lanes.first, lanes.retry] as const).map((lane) => sql`${first}${sql.lit(lane)}), ${none})`);
  const { rows } = await sql<Overdue>`
    select * from (
      select each.*, case when asked <= first and asked <= retry then asked when first <= retry then first else retry end as oldest from (
        select w.id, w.name, o.slug, w.ordered, w.rate_count, w.rate_period_ms, s.slow,
          ${oldest[0]} as asked, ${oldest[1]} as first, ${oldest[2]} as retry
        from webhooks w join webhook_states s on s.webhook = w.id join organizations o on o.id = w.organization
        where w.active = 1 and s.failing_since is null
      ) as each
    ) as found where oldest < ${before} order by oldest limit ${sql.lit(countedMax)}`.execute(read);
  if (rows.length === 0) return ok(name, 'none is overdue');
  const items: Item[] = [];
  for (const row of rows.slice(0, itemsShownMax)) items.push(overdueItem(row, await countWaiting(read, row.id)));
  const says = `overdue for ${countText(rows.length)} webhooks that work, the first since ${timestampText(rows[0]?.oldest ?? now)}`;
  const remedy = isServing
    ? 'Where a rate limit or strict order holds them, that is what was asked for. Otherwise there is more than this server sends: see the alerts in ' +
      'docs/operating.md, GATEPOST_IN_FLIGHT_OF_ALL and GATEPOST_SLOW_LANE, or add a node.'
    : 'No server answers: start it, and it sends them.';
  return warning(name, says, remedy, items);
}

function overdueItem(row: Overdue, waiting: number): Item {
  const reasons = [
    ...(row.ordered === 1 ? ['in strict order'] : []),
    ...(row.rate_count === null ? [] : [`at most ${row.rate_count} in ${(row.rate_period_ms ?? 0) / 1_000} s`]),
    ...(row.slow === 1 ? ['in the slow lane'] : []),
  ];
  const since = timestampText(row.oldest);
  const why = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`;
  return {
    says: `${row.name} (${row.id}) of ${row.slug}: overdue since ${since}${why}, ${countText(waiting)} waiting`,
    webhook: row.id,
    name: row.name,
    organization: row.slug,
    since,
    reason: reasons.join(', ') || null,
    waiting,
  };
}
