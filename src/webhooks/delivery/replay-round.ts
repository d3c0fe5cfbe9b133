import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import type { Identifiers } from '../../identifiers.ts';
import { firstIdAt } from '../../identifiers.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import type { DeliveryState, EventsTable, ReplaysTable, WebhooksTable } from '../../storage/database/schema.ts';
import { dialectOf } from '../dialects/all.ts';
import { refPasses } from '../ref-filter/ref-filter.ts';
import { bodyOf } from './body.ts';
import { aboutWebhook } from './event-row.ts';
import type { ReplayState } from './replay.ts';
import { eventsOfUnitMax, hasRoom, replayedWaiting } from './replay.ts';
import { lanes } from './unit-rows.ts';

/** Replays that one round brings on, a unit each. */
export const replaysOfRoundMax = 50;
/**
 * Ids are in the order of time, commits are not: the newest events of a span are looked at when whatever was being recorded as the replay began
 * has been committed, or never will be.
 */
export const lateCommitMs = 5_000;

export interface ReplaysOptions {
  readonly database: Database;
  readonly ids: Identifiers;
  readonly clock: Clock;
  /** The promise is made anew: retried for so long from now. */
  readonly retryForMs: number;
  /** These webhooks have something to send: called after the commit. */
  readonly nudge: (webhooks: readonly string[]) => void;
}

export interface Replays {
  /**
   * Brings running replays on by one unit each, and answers whether more could be done at once. Any number of nodes may do so: a unit moves the
   * replay's place by compare-and-set, and with it asks for the deliveries of the events that it passes, so none is passed twice or left out.
   */
  round(): Promise<boolean>;
}

type ReplayRow = Selectable<ReplaysTable>;
type EventRow = Selectable<EventsTable>;
type WebhookRow = Pick<Selectable<WebhooksTable>, 'id' | 'project' | 'repository' | 'ref_filter' | 'dialect' | 'events' | 'created'>;

export function createReplays(options: ReplaysOptions): Replays {
  const { database, nudge } = options;
  let after = '';
  return {
    async round() {
      const replays = await runningReplays(database, after);
      after = replays.length < replaysOfRoundMax ? '' : (replays.at(-1)?.webhook ?? '');
      let more = after !== '';
      const asked: string[] = [];
      for (const replay of replays) {
        const result = await step(options, replay);
        more ||= result.more;
        if (result.deliveries > 0) asked.push(replay.webhook);
      }
      if (asked.length > 0) nudge(asked);
      return more;
    },
  };
}

/** Those whose webhook is on or gone; the others wait. */
async function runningReplays(database: Database, after: string): Promise<readonly ReplayRow[]> {
  return database.read
    .selectFrom('replays')
    .leftJoin('webhooks', 'webhooks.id', 'replays.webhook')
    .selectAll('replays')
    .where(sql<boolean>`replays.state = 'running'`)
    .where('replays.webhook', '>', after)
    .where((row) => row.or([row('webhooks.id', 'is', null), row('webhooks.active', '=', 1)]))
    .orderBy('replays.webhook')
    .limit(replaysOfRoundMax)
    .execute();
}

interface Step {
  readonly more: boolean;
  readonly deliveries: number;
}

const waits: Step = { more: false, deliveries: 0 };

async function step(options: ReplaysOptions, replay: ReplayRow): Promise<Step> {
  const { database, clock } = options;
  const waiting = await replayedWaiting(database.read, replay.webhook);
  if (!hasRoom(waiting)) return waits;
  const now = clock.now();
  const ageMs = now - replay.created;
  // Younger than nothing: the clock was set back, and nobody knows how old it is.
  const young = ageMs >= 0 && ageMs < lateCommitMs;
  const until = young ? Math.min(replay.until, replay.created - lateCommitMs) : replay.until;
  const events = await database.read
    .selectFrom('events')
    .selectAll()
    .where('organization', '=', replay.organization)
    .where('id', '>', replay.after_event)
    .where('id', '<', firstIdAt(until + 1))
    .orderBy('id')
    .limit(eventsOfUnitMax)
    .execute();
  // It has come to its end when all that it asked for was tried: until then it can be cancelled, and no other begins.
  if (events.length === 0 && (waiting > 0 || until < replay.until)) return waits;
  const deliveries = await database.write((tx) => unit({ ...options, tx, replay, events, now }));
  return { more: events.length === eventsOfUnitMax || (events.length > 0 && deliveries === 0), deliveries };
}

interface UnitOptions extends ReplaysOptions {
  readonly tx: Tx;
  readonly replay: ReplayRow;
  readonly events: readonly EventRow[];
  readonly now: number;
}

/** Moves the replay past these events and asks for their deliveries; without any it has come to its end. Answers how many were asked for. */
async function unit(options: UnitOptions): Promise<number> {
  const { tx, replay, events, now } = options;
  const webhook = await tx
    .selectFrom('webhooks')
    .select(['id', 'project', 'repository', 'ref_filter', 'dialect', 'events', 'created'])
    .where('organization', '=', replay.organization)
    .where('id', '=', replay.webhook)
    .executeTakeFirst();
  const last = events.at(-1);
  if (webhook === undefined || last === undefined) {
    await moveOn(options, { state: webhook === undefined ? 'cancelled' : 'done', finished: now });
    return 0;
  }
  if (!(await moveOn(options, { after_event: last.id, events: replay.events + events.length }))) return 0;
  const wanted = events.filter((event) => isWanted(event, webhook, replay.which));
  if (wanted.length === 0) return 0;
  const known = await tx
    .selectFrom('deliveries')
    .select(['id', 'event', 'state'])
    .where('webhook', '=', webhook.id)
    .where(
      'event',
      'in',
      wanted.map((event) => event.id),
    )
    .execute();
  const states = againStates[replay.which === 'all' ? 'all' : 'failed'];
  const again = known.filter((delivery) => states.includes(delivery.state)).map((delivery) => delivery.id);
  const have = new Set(known.map((delivery) => delivery.event));
  const never = wanted.filter((event) => !have.has(event.id));
  const deliveries = (await askAgain(options, again)) + (await insertNew({ ...options, webhook, events: never }));
  await tx
    .updateTable('replays')
    .set((row) => ({ deliveries: row('deliveries', '+', deliveries) }))
    .where('id', '=', replay.id)
    .execute();
  return deliveries;
}

/** What waits or is under way is left alone: it will be sent without us. */
const againStates: Readonly<Record<'failed' | 'all', readonly DeliveryState[]>> = {
  failed: ['exhausted', 'cancelled'],
  all: ['exhausted', 'cancelled', 'delivered'],
};

/** False: another node has moved it, or somebody ended it. */
async function moveOn(
  { tx, replay }: UnitOptions,
  change: Partial<Pick<ReplayRow, 'after_event' | 'events' | 'finished'>> & { readonly state?: ReplayState },
): Promise<boolean> {
  const result = await tx
    .updateTable('replays')
    .set(change)
    .where('id', '=', replay.id)
    .where('organization', '=', replay.organization)
    .where(sql<boolean>`state = 'running'`)
    .where('after_event', '=', replay.after_event)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** As the fan-out chooses, by what the webhook wants now. What was never meant for it, since it was not there yet, has not failed. */
function isWanted(event: EventRow, webhook: WebhookRow, which: string): boolean {
  if (!(JSON.parse(webhook.events) as readonly string[]).includes(event.kind)) return false;
  if (webhook.project !== null && event.project !== webhook.project) return false;
  if (webhook.repository !== null && event.repository !== webhook.repository) return false;
  if (webhook.ref_filter !== null && !refPasses(webhook.ref_filter, event.ref)) return false;
  if (which === 'failed' && event.created < webhook.created) return false;
  return aboutWebhook(event) !== webhook.id;
}

/** Under the same ids, in the order that the events have; attempts are kept. */
async function askAgain({ tx, replay, now, retryForMs }: UnitOptions, deliveries: readonly string[]): Promise<number> {
  if (deliveries.length === 0) return 0;
  const result = await tx
    .updateTable('deliveries')
    .set({
      state: 'pending',
      lane: lanes.replay,
      due: sql`(select events.created from events where events.id = deliveries.event)`,
      again: 0,
      settled: null,
      retry_until: now + retryForMs,
    })
    .where('organization', '=', replay.organization)
    .where('id', 'in', deliveries)
    .where('settled', 'is not', null)
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

/** Of events that were never meant to reach it when they happened, since it was off. */
async function insertNew(options: UnitOptions & { readonly webhook: WebhookRow }): Promise<number> {
  const { tx, replay, webhook, events, ids, now, retryForMs } = options;
  if (events.length === 0) return 0;
  await insertMissingBodies(options);
  const result = await tx
    .insertInto('deliveries')
    .values(
      events.map((event) => ({
        id: ids.next(),
        organization: replay.organization,
        event: event.id,
        kind: event.kind,
        webhook: webhook.id,
        state: 'pending' as const,
        lane: lanes.replay,
        due: event.created,
        lease_token: null,
        last_status: null,
        last_error: null,
        created: now,
        retry_until: now + retryForMs,
        settled: null,
      })),
    )
    // The fan-out may be faster: then it is on its way.
    .onConflict((on) => on.columns(['event', 'webhook']).doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0n);
}

async function insertMissingBodies({ tx, webhook, events }: UnitOptions & { readonly webhook: WebhookRow }): Promise<void> {
  const dialect = dialectOf(webhook.dialect);
  const all = events.map((event) => event.id);
  const kept = await tx.selectFrom('event_bodies').select('event').where('event', 'in', all).where('dialect', '=', dialect.name).execute();
  const have = new Set(kept.map((body) => body.event));
  const rows = events
    .filter((event) => !have.has(event.id))
    .map((event) => ({
      event: event.id,
      dialect: dialect.name,
      organization: event.organization,
      content_type: dialect.contentType,
      body: bodyOf(event, dialect.name, undefined).bytes,
    }));
  if (rows.length === 0) return;
  await tx
    .insertInto('event_bodies')
    .values(rows)
    .onConflict((on) => on.doNothing())
    .execute();
}
