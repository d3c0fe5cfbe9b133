import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { timestampText } from '../../clock.ts';
import type { Reader } from '../../storage/database/database.ts';
import { readReplay } from '../../webhooks/delivery/replay.ts';
import type { Check, Item } from './check.ts';
import { countedMax, countText, itemsShownMax, ok, warning } from './check.ts';

/** A lease that ended so long ago should have been taken back: a running server does so every two seconds. */
export const leaseGraceMs = 10_000;
/** An event that has waited longer for its deliveries has nobody who makes them. */
export const fanOutMsMax = 60_000;
/** A replay that was begun longer ago should have moved. */
export const replayMsMin = 60_000;
/** A running server brings every replay on within a second. */
const replayLookMs = 3_000;

export interface EngineOptions {
  readonly read: Reader;
  /** By the clock that deliveries fall due by. */
  readonly now: number;
  /** A server answers. */
  readonly isServing: boolean;
}

const startServer = 'No server answers: start it, and it goes on with them.';

/** Deliveries that are leased past their lease, by the node that holds them. */
export async function checkLeases({ read, now, isServing }: EngineOptions): Promise<Check> {
  const { rows } = await sql<{ due: number; lease_token: string | null }>`
    select due, lease_token from deliveries where state = 'leased' and due < ${now - leaseGraceMs} limit ${sql.lit(countedMax)}`.execute(
    read,
  );
  if (rows.length === 0) return ok('leases', 'none has ended untouched');
  const nodes = new Map<string, { count: number; since: number }>();
  for (const { due, lease_token } of rows) {
    const node = lease_token?.split(':')[0] ?? '';
    const known = nodes.get(node) ?? { count: 0, since: due };
    nodes.set(node, { count: known.count + 1, since: Math.min(known.since, due) });
  }
  const items = [...nodes].map(([node, { count, since }]): Item => {
    const text = timestampText(since);
    return { says: `node ${node}: ${countText(count)}, the first since ${text}`, node, deliveries: count, since: text };
  });
  const says = `${countText(rows.length)} deliveries are leased past their lease`;
  const remedy = isServing ? 'A running server takes them back every two seconds: its log says what holds it up.' : startServer;
  return warning('leases', says, remedy, items.slice(0, itemsShownMax));
}

/** Events whose deliveries nobody makes. `now` by the wall clock, as events are dated. */
export async function checkEvents({ read, now, isServing }: EngineOptions): Promise<Check> {
  const { rows } = await sql<{ n: number; oldest: number | null }>`
    select count(*) as n, min(created) as oldest from (
      select created from events where fanned_out = 0 and created < ${now - fanOutMsMax} limit ${sql.lit(countedMax)}
    ) as waiting`.execute(read);
  const { n = 0, oldest = null } = rows[0] ?? {};
  if (n === 0 || oldest === null) return ok('events', 'none waits for its deliveries');
  const says = `${countText(n)} wait for their deliveries to be made, the first since ${timestampText(oldest)}`;
  return warning('events', says, isServing ? 'A running server makes them within a second: its log says what holds it up.' : startServer);
}

/** Replays that do not move: their webhook is off or fails, or nobody brings them on, which takes a second look to see. */
export async function checkReplays({
  read,
  now,
  isServing,
  lookAgainMs = replayLookMs,
}: EngineOptions & { readonly lookAgainMs?: number }): Promise<Check> {
  const rows = await runningReplays(read, now - replayMsMin);
  if (rows.length === 0) return ok('replays', 'none stands still');
  const reasons = new Map<string, string>();
  for (const row of rows) {
    if (row.active === 0) reasons.set(row.id, 'its webhook is off');
    else if (row.failing_since !== null) reasons.set(row.id, 'its webhook fails');
  }
  if (reasons.size < rows.length) {
    await sleep(lookAgainMs);
    const later = new Map((await runningReplays(read, now - replayMsMin)).map((row) => [row.id, row]));
    for (const row of rows) {
      if (!reasons.has(row.id) && (await standsStill(read, row, later.get(row.id)))) reasons.set(row.id, 'nobody brings it on');
    }
  }
  const still = rows.filter((row) => reasons.has(row.id));
  if (still.length === 0) return ok('replays', `${countText(rows.length)} running`);
  const items = still.slice(0, itemsShownMax).map((row): Item => {
    const reason = reasons.get(row.id) ?? '';
    const since = timestampText(row.created);
    const { id: replay, webhook, slug: organization, events, deliveries } = row;
    const says = `${replay} to ${row.name ?? ''} (${webhook}) of ${organization}: ${reason}; begun ${since}, ${events} events looked at`;
    return { says, replay, webhook, organization, since, reason, events, deliveries };
  });
  const remedy = isServing
    ? 'Make the webhook work and switch it on, or cancel the replay: DELETE /v1/replays/{id}. Where nobody brings one on, the log says why.'
    : startServer;
  return warning('replays', `${countText(still.length)} of ${countText(rows.length)} that run do not move`, remedy, items);
}

type RunningReplay = Awaited<ReturnType<typeof runningReplays>>[number];

function runningReplays(read: Reader, before: number) {
  return read
    .selectFrom('replays')
    .innerJoin('organizations', 'organizations.id', 'replays.organization')
    .leftJoin('webhooks', 'webhooks.id', 'replays.webhook')
    .leftJoin('webhook_states', 'webhook_states.webhook', 'replays.webhook')
    .select(['replays.id', 'replays.organization', 'replays.webhook', 'replays.created', 'replays.after_event'])
    .select([
      'replays.events',
      'replays.deliveries',
      'webhooks.name',
      'webhooks.active',
      'webhook_states.failing_since',
      'organizations.slug',
    ])
    .where(sql<boolean>`replays.state = 'running'`)
    .where('replays.created', '<', before)
    .orderBy('replays.id')
    .limit(countedMax)
    .execute();
}

/** Nothing was looked at in between, and it does not wait for its deliveries to be sent. */
async function standsStill(read: Reader, before: RunningReplay, after: RunningReplay | undefined): Promise<boolean> {
  if (after === undefined || after.after_event !== before.after_event) return false;
  const { id: replay, organization } = before;
  return (await readReplay({ read, organization, onlyProject: null, replay })).waitsFor === null;
}
