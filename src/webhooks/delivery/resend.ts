import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import { conflict, notFound } from '../../errors.ts';
import type { Tx } from '../../storage/database/database.ts';
import { lanes } from './unit-rows.ts';

export interface ResendOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly delivery: string;
  readonly clock: Clock;
  /** The promise is made anew: retried for so long from now. */
  readonly retryForMs: number;
}

/**
 * Asks for a delivery once more, under the same id, whatever became of it so far, and before all that nobody asked for; where an attempt is under
 * way, another follows it. Fails with `unknown_delivery`, and with `webhook_gone` or `webhook_off` where nothing would be sent, rather than
 * promise it.
 */
export async function resend({ tx, organization, delivery, clock, retryForMs }: ResendOptions): Promise<void> {
  const found = await tx
    .selectFrom('deliveries')
    .leftJoin('webhooks', 'webhooks.id', 'deliveries.webhook')
    .select(['deliveries.id', 'webhooks.active'])
    .where('deliveries.organization', '=', organization)
    .where('deliveries.id', '=', delivery)
    .executeTakeFirst();
  if (found === undefined) throw unknownDelivery();
  requireOn(found.active);
  const now = clock.now();
  await tx
    .updateTable('deliveries')
    .set({
      state: sql`case when state = 'leased' then 'leased' else 'pending' end`,
      // Of one that is leased it is the lease's end.
      due: sql`case when state = 'leased' then due else cast(${now} as bigint) end`,
      again: sql`case when state = 'leased' then 1 else 0 end`,
      lane: lanes.asked,
      settled: null,
      retry_until: now + retryForMs,
    })
    .where('organization', '=', organization)
    .where('id', '=', delivery)
    .execute();
}

export function unknownDelivery(): Error {
  return notFound('unknown_delivery', 'There is no delivery with this id.');
}

/** Refuses to promise what would not be sent. */
export function requireOn(active: number | null): void {
  if (active === null) throw conflict('webhook_gone', 'The webhook was deleted, so nothing can be sent to it.');
  if (active === 0) throw conflict('webhook_off', 'The webhook is switched off, so nothing would be sent. Switch it on first.');
}
