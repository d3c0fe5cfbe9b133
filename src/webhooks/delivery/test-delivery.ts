import type { Clock } from '../../clock.ts';
import type { GatepostEvent } from '../../events/event.ts';
import { insertEvent, markFannedOut } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Tx } from '../../storage/database/database.ts';
import { insertBodies, insertDeliveries } from './fan-out.ts';
import { requireOn } from './resend.ts';

export interface TestDeliveryOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly webhook: { readonly id: string; readonly dialect: string; readonly active: boolean; readonly project: string | null };
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/**
 * Records an event `webhook.test` without a report for this one webhook, and its delivery, which goes the way of every other: same claim, guard,
 * signature, log. It is tried once. Answers the delivery's id. Fails with `webhook_off` where nothing would be sent.
 */
export async function insertTestDelivery({ tx, organization, webhook, ids, clock }: TestDeliveryOptions): Promise<string> {
  requireOn(webhook.active ? 1 : 0);
  const event: GatepostEvent = {
    id: ids.next(),
    organization,
    kind: 'webhook.test',
    project: webhook.project,
    facts: { organizationId: organization, reports: [] },
    created: clock.now(),
  };
  await insertEvent({ tx, event });
  await markFannedOut({ tx, organization, event: event.id });
  await insertBodies({ tx, event, dialects: [webhook.dialect] });
  const [delivery = ''] = await insertDeliveries({ tx, event, webhooks: [webhook.id], ids, clock, retryUntil: clock.now() });
  return delivery;
}
