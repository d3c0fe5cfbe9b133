import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import type { EventKind, GatepostEvent, ReportFacts } from '../../events/event.ts';
import type { OnRecorded } from '../../events/record.ts';
import { markFannedOut } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { dialectOf } from '../dialects/all.ts';

/** To so many webhooks an event is fanned out in the unit that records it; more follow after its commit. */
export const fanOutInlineMax = 100;
/** Deliveries that one unit of the sweep inserts. */
export const fanOutPieceMax = 500;
/** Events that one sweep looks at. */
const eventsOfSweepMax = 50;

export interface FanOut {
  /** What `recordEvent` runs inside its unit: the event's deliveries are there with the event. */
  readonly onRecorded: OnRecorded;
  /** Makes the deliveries of every event that still carries its mark, piece by piece. Answers whether there were any. */
  sweep(database: Database): Promise<boolean>;
}

export interface FanOutOptions {
  readonly ids: Identifiers;
  readonly clock: Clock;
  /** How long a delivery is retried. */
  readonly retryForMs: number;
}

export function createFanOut(options: FanOutOptions): FanOut {
  return {
    onRecorded: async ({ tx, event }) => {
      const piece = await insertPiece({ tx, event, limit: fanOutInlineMax, ...options });
      return piece < fanOutInlineMax;
    },
    async sweep(database) {
      const waiting = await database.read
        .selectFrom('events')
        .selectAll()
        .where(sql<boolean>`fanned_out = 0`)
        .orderBy('id')
        .limit(eventsOfSweepMax)
        .execute();
      for (const row of waiting) {
        const event: GatepostEvent = { ...row, kind: row.kind as EventKind, facts: JSON.parse(row.facts) as ReportFacts };
        while ((await database.write((tx) => sweepPiece({ tx, event, ...options }))) === fanOutPieceMax);
      }
      return waiting.length > 0;
    },
  };
}

interface PieceOptions extends FanOutOptions {
  readonly tx: Tx;
  readonly event: GatepostEvent;
}

async function sweepPiece(options: PieceOptions): Promise<number> {
  const piece = await insertPiece({ ...options, limit: fanOutPieceMax });
  if (piece < fanOutPieceMax) await markFannedOut({ tx: options.tx, organization: options.event.organization, event: options.event.id });
  return piece;
}

/** Inserts deliveries to webhooks that want the event and have none yet, at most `limit`, and answers how many webhooks that were. */
async function insertPiece({ tx, event, limit, ids, clock, retryForMs }: PieceOptions & { readonly limit: number }): Promise<number> {
  const webhooks = await tx
    .selectFrom('webhooks')
    .select(['webhooks.id', 'webhooks.dialect'])
    .where('webhooks.organization', '=', event.organization)
    .where('webhooks.active', '=', 1)
    // Who came after the event did not want it when it happened.
    .where('webhooks.created', '<=', event.created)
    .where('webhooks.events', 'like', `%"${event.kind}"%`)
    .where((row) => row.or([row('webhooks.project', 'is', null), row('webhooks.project', '=', event.project ?? '')]))
    .where((row) =>
      row.not(
        row.exists(
          row
            .selectFrom('deliveries')
            .select('deliveries.id')
            .where('deliveries.event', '=', event.id)
            .whereRef('deliveries.webhook', '=', 'webhooks.id'),
        ),
      ),
    )
    .orderBy('webhooks.id')
    .limit(limit)
    .execute();
  if (webhooks.length === 0) return 0;
  await insertBodies({ tx, event, dialects: [...new Set(webhooks.map((webhook) => webhook.dialect))] });
  const retryUntil = clock.now() + retryForMs;
  await insertDeliveries({ tx, event, webhooks: webhooks.map((webhook) => webhook.id), ids, clock, retryUntil });
  return webhooks.length;
}

/** Keeps the exact bytes of the body, once for an event and dialect. */
export async function insertBodies(options: {
  readonly tx: Tx;
  readonly event: GatepostEvent;
  readonly dialects: readonly string[];
}): Promise<void> {
  const { tx, event, dialects } = options;
  const rows = dialects.map(dialectOf).map((dialect) => ({
    event: event.id,
    dialect: dialect.name,
    organization: event.organization,
    content_type: dialect.contentType,
    body: dialect.body(event),
  }));
  await tx
    .insertInto('event_bodies')
    .values(rows)
    .onConflict((on) => on.doNothing())
    .execute();
}

export interface InsertDeliveriesOptions {
  readonly tx: Tx;
  readonly event: GatepostEvent;
  readonly webhooks: readonly string[];
  readonly ids: Identifiers;
  readonly clock: Clock;
  readonly retryUntil: number;
}

/** One pending delivery for each webhook, due at once. Where another node was faster its row stays. Answers their ids. */
export async function insertDeliveries(options: InsertDeliveriesOptions): Promise<readonly string[]> {
  const { tx, event, webhooks, ids, clock, retryUntil } = options;
  const now = clock.now();
  const rows = webhooks.map((webhook) => ({
    id: ids.next(),
    organization: event.organization,
    event: event.id,
    kind: event.kind,
    webhook,
    state: 'pending' as const,
    due: now,
    lease_token: null,
    last_status: null,
    last_error: null,
    created: now,
    retry_until: retryUntil,
    settled: null,
  }));
  await tx
    .insertInto('deliveries')
    .values(rows)
    .onConflict((on) => on.columns(['event', 'webhook']).doNothing())
    .execute();
  return rows.map((row) => row.id);
}
