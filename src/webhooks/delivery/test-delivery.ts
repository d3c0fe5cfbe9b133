import { setTimeout as sleep } from 'node:timers/promises';
import { invalid } from '../../errors.ts';
import type { GatepostEvent } from '../../events/event.ts';
import { insertEvent, markFannedOut } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import { dialectOf } from '../dialects/all.ts';
import type { Delivery } from './delivery.ts';
import { requireOn } from './resend.ts';
import type { Attempt } from './store.ts';
import { listAttempts, readDelivery } from './store.ts';
import { lanes } from './unit-rows.ts';

export interface OwnDeliveryOptions {
  readonly tx: Tx;
  readonly webhook: { readonly id: string; readonly dialect: string; readonly active: boolean };
  readonly event: GatepostEvent;
  readonly ids: Identifiers;
}

/**
 * Records an event that is for this one webhook and nobody else, and its delivery, which goes the way of every other: same claim, guard, signature,
 * log. It is tried once, before all that nobody asked for. Answers the delivery's id. Fails with `webhook_off` where nothing would be sent.
 */
export async function insertOwnDelivery({ tx, webhook, event, ids }: OwnDeliveryOptions): Promise<string> {
  requireOn(webhook.active ? 1 : 0);
  const { organization, created } = event;
  const dialect = dialectOf(webhook.dialect);
  await insertEvent({ tx, event });
  await markFannedOut({ tx, organization, event: event.id });
  await tx
    .insertInto('event_bodies')
    .values({ event: event.id, dialect: dialect.name, organization, content_type: dialect.contentType, body: dialect.body(event) })
    .execute();
  const id = ids.next();
  await tx
    .insertInto('deliveries')
    .values({
      id,
      organization,
      event: event.id,
      kind: event.kind,
      webhook: webhook.id,
      state: 'pending',
      lane: lanes.asked,
      due: created,
      lease_token: null,
      last_status: null,
      last_error: null,
      created,
      // Its time is over at once: the first attempt is the last.
      retry_until: created,
      settled: null,
    })
    .execute();
  return id;
}

/** A little more than an attempt may take. */
export const testWaitMsMax = 15_000;
const askMsMin = 10;
const askMsMax = 250;

/** `5s`, `500ms` in milliseconds; left out: 0. Fails with `invalid_wait`. */
export function parseWait(text: string | undefined): number {
  const match = /^(\d{1,5})(ms|s)$/.exec(text ?? '0s');
  const ms = Number(match?.[1]) * (match?.[2] === 's' ? 1_000 : 1);
  if (!(ms <= testWaitMsMax))
    throw invalid('invalid_wait', 'wait is a duration such as 5s or 500ms, of at most 15s.', { parameter: 'wait' });
  return ms;
}

export interface TestedOptions {
  readonly read: Reader;
  readonly organization: string;
  readonly delivery: string;
  /** How long its end is waited for. */
  readonly waitMs: number;
  /** Whoever asks has left. */
  readonly signal: AbortSignal;
}

/** The delivery and what happened, once it is settled or the wait is over. Null: it is gone. */
export async function testedDelivery(
  options: TestedOptions,
): Promise<{ readonly delivery: Delivery; readonly attempts: readonly Attempt[] } | null> {
  const { read, organization, waitMs, signal } = options;
  const end = performance.now() + waitMs;
  for (let askMs = askMsMin; ; askMs = Math.min(askMs * 2, askMsMax)) {
    const delivery = await readDelivery({ read, organization, onlyProject: null, delivery: options.delivery });
    if (delivery === null) return null;
    const leftMs = end - performance.now();
    if (delivery.settled !== null || leftMs <= 0 || signal.aborted) {
      return { delivery, attempts: await listAttempts({ read, organization, delivery: delivery.id }) };
    }
    await sleep(Math.min(askMs, leftMs));
  }
}
