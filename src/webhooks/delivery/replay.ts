import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import { conflict, invalid, notFound } from '../../errors.ts';
import type { Identifiers } from '../../identifiers.ts';
import { firstIdAt } from '../../identifiers.ts';
import type { Actor } from '../../organizations/audit.ts';
import { recordAudit } from '../../organizations/audit.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { ReplaysTable } from '../../storage/database/schema.ts';
import { isOfProject } from '../subscriptions/row.ts';
import { requireOn } from './resend.ts';
import { lanes } from './unit-rows.ts';

export const replayStates = ['running', 'done', 'cancelled'] as const;
export type ReplayState = (typeof replayStates)[number];
/** Which events of the span are asked for again: those that did not arrive, or all. */
export const replayChoices = ['failed', 'all'] as const;
export type ReplayChoice = (typeof replayChoices)[number];

/** The rest is counted up to here: an estimate must not cost more than the work. */
export const eventsLeftCountedMax = 10_000;

/** A span of time whose events are asked for again: a row, so that it goes on where it was whatever ends the process. */
export interface Replay {
  readonly id: string;
  readonly webhook: string;
  readonly since: number;
  readonly until: number;
  readonly only: ReplayChoice;
  readonly state: ReplayState;
  /** Events looked at, and deliveries asked for. */
  readonly events: number;
  readonly deliveries: number;
  readonly created: number;
  readonly finished: number | null;
}

function replayOf(row: Selectable<ReplaysTable>): Replay {
  const { id, webhook, since, until, events, deliveries, created, finished } = row;
  return {
    id,
    webhook,
    since,
    until,
    only: row.which as ReplayChoice,
    state: row.state as ReplayState,
    events,
    deliveries,
    created,
    finished,
  };
}

interface Where {
  readonly organization: string;
  /** The one project that the caller may see, or null. */
  readonly onlyProject: string | null;
}

interface ChangeOptions extends Where {
  readonly tx: Tx;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

export interface InsertReplayOptions extends ChangeOptions {
  readonly webhook: string;
  readonly since: number;
  /** Up to this millisecond and with it; later than now counts as now. */
  readonly until: number;
  readonly only: ReplayChoice;
}

/**
 * Begins a replay. Fails with `unknown_webhook`, `webhook_off` where nothing would be sent, `replay_running` where the webhook has one already, and
 * `invalid_span` where the span ends before it begins.
 */
export async function insertReplay(options: InsertReplayOptions): Promise<Replay> {
  const { tx, organization, onlyProject, webhook, since, only, actor, ids, clock } = options;
  let query = tx.selectFrom('webhooks').select(['name', 'active']).where('organization', '=', organization).where('id', '=', webhook);
  if (onlyProject !== null) query = query.where(isOfProject(onlyProject));
  const found = await query.executeTakeFirst();
  if (found === undefined) throw notFound('unknown_webhook', 'There is no webhook with this id.');
  requireOn(found.active);
  const now = clock.now();
  const until = Math.min(options.until, now);
  if (until < since) throw invalid('invalid_span', 'The span ends before it begins.', { since, until });
  const row = {
    id: ids.next(),
    organization,
    webhook,
    since,
    until,
    which: only,
    state: 'running',
    events: 0,
    deliveries: 0,
    created: now,
  };
  const values = { ...row, after_event: firstIdAt(since), finished: null };
  const inserted = await tx
    .insertInto('replays')
    .values(values)
    .onConflict((on) => on.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows !== 1n) {
    throw conflict('replay_running', 'A replay of this webhook is running. Wait for its end, or cancel it.');
  }
  await recordAudit({
    tx,
    organization,
    actor,
    action: 'replay.started',
    subject: `${found.name} (${webhook})`,
    details: { replay: row.id, since, until, only },
    ids,
    clock,
  });
  return replayOf(values);
}

interface OneOptions extends Where {
  readonly replay: string;
}

function visible(read: Reader | Tx, { organization, onlyProject }: Where) {
  const query = read.selectFrom('replays').selectAll('replays').where('replays.organization', '=', organization);
  if (onlyProject === null) return query;
  return query.where('replays.webhook', 'in', (row) =>
    row.selectFrom('webhooks').select('webhooks.id').where('webhooks.organization', '=', organization).where(isOfProject(onlyProject)),
  );
}

async function find(read: Reader | Tx, options: OneOptions): Promise<Selectable<ReplaysTable>> {
  const row = await visible(read, options).where('replays.id', '=', options.replay).executeTakeFirst();
  if (row === undefined) throw notFound('unknown_replay', 'There is no replay with this id.');
  return row;
}

export interface ReplayProgress extends Replay {
  /** Events still to be looked at, counted up to `eventsLeftCountedMax`. */
  readonly eventsLeft: number;
  /** What it waits for: its webhook is off, or what it asked for is to be sent before it asks for more or comes to its end. */
  readonly waitsFor: 'webhook' | 'deliveries' | null;
}

/** Deliveries of replays that may wait to be sent to one webhook: more are not asked for, so that neither fresh ones nor the database feel it. */
export const replayedWaitingMax = 500;

/** Events that one unit looks at, each of which may ask for one delivery. */
export const eventsOfUnitMax = 100;

/** Whether the deliveries of one more unit may be asked for, where so many wait. */
export function hasRoom(waiting: number): boolean {
  return waiting <= replayedWaitingMax - eventsOfUnitMax;
}

/** Fails with `unknown_replay`. */
export async function readReplay(options: OneOptions & { readonly read: Reader }): Promise<ReplayProgress> {
  const { read } = options;
  const row = await find(read, options);
  const replay = replayOf(row);
  if (row.state !== 'running') return { ...replay, eventsLeft: 0, waitsFor: null };
  const webhook = await read.selectFrom('webhooks').select('active').where('id', '=', row.webhook).executeTakeFirst();
  const waiting = await replayedWaiting(read, row.webhook);
  const eventsLeft = await countLeft(read, row);
  const waitsForDeliveries = eventsLeft === 0 ? waiting > 0 : !hasRoom(waiting);
  return { ...replay, eventsLeft, waitsFor: webhook?.active === 0 ? 'webhook' : waitsForDeliveries ? 'deliveries' : null };
}

async function countLeft(read: Reader, { organization, after_event, until }: Selectable<ReplaysTable>): Promise<number> {
  const rest = read
    .selectFrom('events')
    .select('id')
    .where('organization', '=', organization)
    .where('id', '>', after_event)
    .where('id', '<', firstIdAt(until + 1))
    .limit(eventsLeftCountedMax);
  const { n } = await read
    .selectFrom(rest.as('rest'))
    .select((row) => row.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return n;
}

/** How many deliveries of replays wait for a webhook, counted up to `replayedWaitingMax`. */
export async function replayedWaiting(read: Reader, webhook: string): Promise<number> {
  const waiting = read
    .selectFrom('deliveries')
    .select('id')
    .where('webhook', '=', webhook)
    .where(sql<boolean>`state = 'pending'`)
    .where('lane', '=', lanes.replay)
    .limit(replayedWaitingMax);
  const { n } = await read
    .selectFrom(waiting.as('waiting'))
    .select((row) => row.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return n;
}

export interface ListReplaysOptions extends Where {
  readonly read: Reader;
  readonly webhook: string;
  readonly limit: number;
  /** The id that the page begins behind. */
  readonly after: string | null;
}

/** Newest first. */
export async function listReplays(options: ListReplaysOptions): Promise<readonly Replay[]> {
  const { read, webhook, limit, after } = options;
  let query = visible(read, options).where('replays.webhook', '=', webhook).orderBy('replays.id', 'desc').limit(limit);
  if (after !== null) query = query.where('replays.id', '<', after);
  const replays = (await query.execute()).map(replayOf);
  // One that was deleted still has those that it had.
  if (replays.length === 0 && after === null) await requireWebhook(options);
  return replays;
}

async function requireWebhook({ read, organization, onlyProject, webhook }: ListReplaysOptions): Promise<void> {
  let query = read.selectFrom('webhooks').select('id').where('organization', '=', organization).where('id', '=', webhook);
  if (onlyProject !== null) query = query.where(isOfProject(onlyProject));
  if ((await query.executeTakeFirst()) === undefined) throw notFound('unknown_webhook', 'There is no webhook with this id.');
}

/**
 * Ends a replay. What it asked for and nobody has begun to send is not sent: what had arrived before is `delivered` again,
 * what had been tried `exhausted`, and what had never been `cancelled`. Fails with `unknown_replay`, and `replay_ended` where there is nothing
 * to end.
 */
export async function cancelReplay(options: ChangeOptions & { readonly replay: string }): Promise<Replay> {
  const { tx, organization, actor, ids, clock } = options;
  const row = await find(tx, options);
  const now = clock.now();
  const ended = { state: 'cancelled', finished: now };
  const result = await tx
    .updateTable('replays')
    .set(ended)
    .where('id', '=', row.id)
    .where('organization', '=', organization)
    .where(sql<boolean>`state = 'running'`)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw conflict('replay_ended', 'This replay has ended already.');
  await tx
    .updateTable('deliveries')
    .set({
      state: sql`case when attempts = 0 then 'cancelled'
        when last_status between 200 and 299 and last_error is null then 'delivered' else 'exhausted' end`,
      settled: now,
    })
    .where('organization', '=', organization)
    .where('webhook', '=', row.webhook)
    .where(sql<boolean>`state = 'pending'`)
    .where('lane', '=', lanes.replay)
    .execute();
  const { webhook, id: replay } = row;
  await recordAudit({ tx, organization, actor, action: 'replay.cancelled', subject: webhook, details: { replay }, ids, clock });
  return replayOf({ ...row, ...ended });
}
