import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import type { Lane, Slots } from './slots.ts';

/**
 * How long a claim is believed: the deadline of an attempt, and time to settle it. Whoever comes later changes nothing any more, so a longer
 * lease would only make a dead node's deliveries wait.
 */
export const leaseMs = 20_000;

/** A webhook as the sender needs it; its secrets are still sealed. */
export interface Target {
  readonly webhook: string;
  readonly organization: string;
  readonly slug: string;
  readonly url: string;
  readonly dialect: string;
  readonly secret: string;
  readonly previousSecret: string | null;
  readonly previousSecretUntil: number | null;
}

export interface Claimed {
  readonly delivery: string;
  readonly event: string;
  readonly kind: string;
  /** Of the one to be made: 1 for the first. */
  readonly attempt: number;
  readonly created: number;
  readonly retryUntil: number;
  readonly leaseToken: string;
  readonly leaseUntil: number;
  readonly lane: Lane;
  readonly target: Target;
  readonly contentType: string;
  readonly body: Buffer;
}

export interface ClaimOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly slots: Slots;
  readonly count: number;
}

/**
 * Takes what is due, first attempts before retries, at most `count` and at most what each webhook has room for, each under a lease with a token
 * of its own. Costs by webhooks that are ready and by what is taken, not by how much waits.
 */
export async function claim(options: ClaimOptions): Promise<readonly Claimed[]> {
  const { count, slots } = options;
  const taken: Claimed[] = [];
  for (const lane of ['first', 'retry'] as const) {
    const room = Math.min(count - taken.length, slots.roomIn(lane));
    if (room > 0) taken.push(...(await claimLane({ ...options, lane, room })));
  }
  return taken;
}

interface LaneOptions extends ClaimOptions {
  readonly lane: Lane;
  readonly room: number;
}

async function claimLane(options: LaneOptions): Promise<readonly Claimed[]> {
  const { database, slots, lane, room } = options;
  const targets = await readyTargets(options);
  if (targets.length === 0) return [];
  const leased = await database.write(async (tx) => {
    const all: Leased[] = [];
    // Each gets its share, so that one with a backlog leaves room for the others.
    const share = Math.max(1, Math.floor(room / targets.length));
    for (const target of targets) {
      const limit = Math.min(share, slots.roomOf(target.webhook), room - all.length);
      if (limit > 0) all.push(...(await lease({ ...options, tx, target, limit })));
    }
    return all;
  });
  const claimed = await withBodies(database, leased);
  for (const each of claimed) slots.take(each.target.webhook, lane);
  return claimed;
}

/** Webhooks that are on, have room, and have something due in the lane: one look into its index for each. */
async function readyTargets({ database, clock, slots, lane, room }: LaneOptions): Promise<readonly Target[]> {
  const full = slots.full();
  let query = database.read
    .selectFrom('webhooks')
    .innerJoin('organizations', 'organizations.id', 'webhooks.organization')
    .select([
      'webhooks.id as webhook',
      'webhooks.organization',
      'organizations.slug',
      'webhooks.url',
      'webhooks.dialect',
      'webhooks.secret',
      'webhooks.previous_secret as previousSecret',
      'webhooks.previous_secret_until as previousSecretUntil',
    ])
    .select(nextDue(lane).as('next'))
    .where('webhooks.active', '=', 1)
    .where(nextDue(lane), '<=', clock.now())
    // The one that has waited longest first.
    .orderBy('next')
    .limit(room);
  if (full.length > 0) query = query.where('webhooks.id', 'not in', full);
  return query.execute();
}

/** The states are written out, not passed as values: only so do both databases know that a partial index answers. */
const lanes = {
  first: sql<boolean>`deliveries.state = 'pending' and deliveries.attempts = 0`,
  retry: sql<boolean>`deliveries.state = 'pending' and deliveries.attempts > 0`,
} as const;

function nextDue(lane: Lane) {
  return sql<number>`(select min(deliveries.due) from deliveries where deliveries.webhook = webhooks.id and ${lanes[lane]})`;
}

type Leased = Omit<Claimed, 'contentType' | 'body'>;

async function lease(
  options: LaneOptions & { readonly tx: Tx; readonly target: Target; readonly limit: number },
): Promise<readonly Leased[]> {
  const { tx, target, lane, limit, database, clock, ids } = options;
  const now = clock.now();
  const leaseToken = `${database.node}:${ids.random()}`;
  let due = tx
    .selectFrom('deliveries')
    .select('deliveries.id')
    .where('deliveries.webhook', '=', target.webhook)
    .where('deliveries.organization', '=', target.organization)
    .where(lanes[lane])
    .where('deliveries.due', '<=', now)
    .orderBy('deliveries.due')
    .limit(limit);
  if (database.facts.manyNodes) due = due.forUpdate().skipLocked();
  const rows = await tx
    .with('taken', () => due)
    .updateTable('deliveries')
    .set({ state: 'leased', due: now + leaseMs, lease_token: leaseToken })
    .where('deliveries.id', 'in', (row) => row.selectFrom('taken').select('taken.id'))
    .returning([
      'deliveries.id',
      'deliveries.event',
      'deliveries.kind',
      'deliveries.attempts',
      'deliveries.created',
      'deliveries.retry_until',
    ])
    .execute();
  return rows.map((row) => ({
    delivery: row.id,
    event: row.event,
    kind: row.kind,
    attempt: row.attempts + 1,
    created: row.created,
    retryUntil: row.retry_until,
    leaseToken,
    leaseUntil: now + leaseMs,
    lane,
    target,
  }));
}

/** Read after the commit, each body once, however many webhooks it goes to. */
async function withBodies(database: Database, leased: readonly Leased[]): Promise<readonly Claimed[]> {
  if (leased.length === 0) return [];
  const rows = await database.read
    .selectFrom('event_bodies')
    .select(['organization', 'event', 'dialect', 'content_type', 'body'])
    .where('organization', 'in', [...new Set(leased.map((each) => each.target.organization))])
    .where('event', 'in', [...new Set(leased.map((each) => each.event))])
    .execute();
  const bodies = new Map(rows.map((row) => [`${row.event} ${row.dialect}`, row]));
  // Bodies go after their deliveries, so one that is missing says that its delivery was deleted meanwhile.
  return leased.flatMap((each) => {
    const found = bodies.get(`${each.event} ${each.target.dialect}`);
    return found === undefined ? [] : [{ ...each, contentType: found.content_type, body: found.body }];
  });
}
