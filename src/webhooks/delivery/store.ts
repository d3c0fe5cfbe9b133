import type { RawBuilder, Selectable } from 'kysely';
import { sql } from 'kysely';
import { firstIdAt } from '../../identifiers.ts';
import type { Reader } from '../../storage/database/database.ts';
import type { AttemptsTable, DeliveriesTable } from '../../storage/database/schema.ts';
import { isOfProject } from '../subscriptions/row.ts';
import { sentOf } from './body.ts';
import type { Delivery, DeliveryState } from './delivery.ts';
import { shownState } from './delivery.ts';

/** Of a delivery that was tried very often, the newest so many attempts are shown. */
export const attemptsShownMax = 200;

export interface ListDeliveriesOptions {
  readonly read: Reader;
  readonly organization: string;
  /** The one project that the caller may see, or null. */
  readonly onlyProject: string | null;
  readonly webhook?: string | undefined;
  readonly state?: DeliveryState | undefined;
  /** An event's id or its kind. */
  readonly event?: string | undefined;
  /** Milliseconds since 1970: those made then or later. */
  readonly since?: number | undefined;
  readonly limit: number;
  /** The id that the page begins behind. */
  readonly after: string | null;
}

/** Newest first. */
export async function listDeliveries(options: ListDeliveriesOptions): Promise<readonly Delivery[]> {
  const { read, organization, onlyProject, webhook, state, event, since, limit, after } = options;
  let query = visible({ read, organization, onlyProject }).selectAll('deliveries').orderBy('deliveries.id', 'desc').limit(limit);
  if (webhook !== undefined) query = query.where('deliveries.webhook', '=', webhook);
  if (state !== undefined) query = query.where(inState[state]);
  if (event !== undefined) query = query.where(isId(event) ? 'deliveries.event' : 'deliveries.kind', '=', event);
  // Ids are ordered by when they were made, so older ones are not even looked at.
  if (since !== undefined) query = query.where('deliveries.created', '>=', since).where('deliveries.id', '>=', firstIdAt(since));
  if (after !== null) query = query.where('deliveries.id', '<', after);
  return (await query.execute()).map(deliveryOf);
}

/** No kind has a hyphen, every id has. */
function isId(text: string): boolean {
  return text.includes('-');
}

/** Written out, not passed as values: only so do both databases know that a partial index answers. */
const inState: Readonly<Record<DeliveryState, RawBuilder<boolean>>> = {
  pending: sql`deliveries.state in ('pending', 'leased')`,
  delivered: sql`deliveries.state = 'delivered'`,
  exhausted: sql`deliveries.state = 'exhausted' and deliveries.state in ('exhausted', 'cancelled')`,
  cancelled: sql`deliveries.state = 'cancelled' and deliveries.state in ('exhausted', 'cancelled')`,
};

interface Visible {
  readonly read: Reader;
  readonly organization: string;
  readonly onlyProject: string | null;
}

/** A token for one project sees what goes to that project's webhooks. */
function visible({ read, organization, onlyProject }: Visible) {
  const query = read.selectFrom('deliveries').where('deliveries.organization', '=', organization);
  if (onlyProject === null) return query;
  return query.where('deliveries.webhook', 'in', (row) =>
    row.selectFrom('webhooks').select('webhooks.id').where('webhooks.organization', '=', organization).where(isOfProject(onlyProject)),
  );
}

/** One delivery, or null. */
export async function readDelivery(options: Visible & { readonly delivery: string }): Promise<Delivery | null> {
  const row = await visible(options).selectAll('deliveries').where('deliveries.id', '=', options.delivery).executeTakeFirst();
  return row === undefined ? null : deliveryOf(row);
}

function deliveryOf(row: Selectable<DeliveriesTable>): Delivery {
  return {
    id: row.id,
    webhook: row.webhook,
    event: row.event,
    kind: row.kind,
    state: shownState(row.state),
    attempts: row.attempts,
    due: row.state === 'pending' ? row.due : null,
    lastStatus: row.last_status,
    lastError: row.last_error,
    created: row.created,
    settled: row.settled,
  };
}

export type Attempt = Selectable<AttemptsTable>;

/** What happened, oldest first, at most the newest `attemptsShownMax`. */
export async function listAttempts(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly delivery: string;
}): Promise<readonly Attempt[]> {
  const rows = await options.read
    .selectFrom('attempts')
    .selectAll()
    .where('organization', '=', options.organization)
    .where('delivery', '=', options.delivery)
    .orderBy('number', 'desc')
    .limit(attemptsShownMax)
    .execute();
  return rows.toReversed();
}

/** The exact body that was and will be sent, as text; null where its webhook or the body is gone. */
export async function readBody(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly delivery: Delivery;
}): Promise<string | null> {
  const row = await options.read
    .selectFrom('event_bodies')
    .innerJoin('webhooks', 'webhooks.dialect', 'event_bodies.dialect')
    .innerJoin('events', 'events.id', 'event_bodies.event')
    .select(['event_bodies.body', 'events.facts'])
    .where('event_bodies.organization', '=', options.organization)
    .where('event_bodies.event', '=', options.delivery.event)
    .where('webhooks.id', '=', options.delivery.webhook)
    .executeTakeFirst();
  return row === undefined ? null : sentOf(row.body, () => row.facts).toString('utf8');
}
