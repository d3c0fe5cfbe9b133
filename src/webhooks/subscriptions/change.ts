import type { Updateable } from 'kysely';
import { conflict } from '../../errors.ts';
import type { EventKind } from '../../events/event.ts';
import type { Tx } from '../../storage/database/database.ts';
import type { WebhooksTable } from '../../storage/database/schema.ts';
import { tailOf } from '../signing/secret.ts';
import type { OneOptions, Row } from './row.ts';
import { findRow, webhookOf } from './row.ts';
import { isClear, noSecret, sealedIn } from './sealed.ts';
import type { SendingChange } from './sending.ts';
import { changedColumns, shownSendingChange } from './sending.ts';
import type { ChangeOptions } from './store.ts';
import { audit } from './store.ts';
import { putSubscriptions } from './wanted.ts';
import type { Webhook } from './webhook.ts';

export interface WebhookChange extends SendingChange {
  readonly name?: string;
  readonly url?: URL;
  /** Checked by `checkedQuery`; null: none from now on. */
  readonly sensitiveQuery?: string | null;
  /** Checked by `checkedRefFilter`; null: none from now on. */
  readonly refFilter?: string | null;
  /** Put in the place of the old one at once; null: none from now on. `rotateSecret` lets both sign for a time. */
  readonly secret?: string | null;
  readonly events?: readonly EventKind[];
  readonly active?: boolean;
}

export interface UpdateOptions extends ChangeOptions, OneOptions {
  readonly change: WebhookChange;
  /** The new URL as it was written; see `insertWebhook`. */
  readonly urlText?: string;
}

export interface Changed {
  readonly webhook: Webhook;
  /** Where the change switched it on: since when nothing was made for it. */
  readonly offSince: number | null;
}

/**
 * Changes what is named and nothing else; what waits already goes to the new URL. Switching it on forgets that it failed: it is tried at once.
 * Fails with `unknown_webhook`, `webhook_changed`, and as `checkedHeaders` does.
 */
export async function updateWebhook(options: UpdateOptions): Promise<Changed> {
  const { tx, organization, change, sealer, clock } = options;
  const row = await findRow(tx, options);
  const places = sealedIn(row.id);
  const now = clock.now();
  const active = change.active === undefined ? row.active : Number(change.active);
  const isElsewhere = change.url !== undefined || change.headers !== undefined || isClear(row.url);
  const url = isElsewhere ? (change.url ?? new URL(places.openUrl(sealer, row.url))) : null;
  const columns = {
    name: change.name ?? row.name,
    url: change.url === undefined ? sealedUrl(row, sealer) : places.sealUrl(sealer, change.url, options.urlText),
    query: change.sensitiveQuery === undefined ? row.query : places.sealQuery(sealer, change.sensitiveQuery),
    ref_filter: change.refFilter === undefined ? row.ref_filter : change.refFilter,
    events: change.events === undefined ? row.events : JSON.stringify(change.events),
    active,
    ...secretColumns(options, row),
    ...offColumns(row, { active, now }),
    ...changedColumns({ sealer, webhook: row.id, url, now: row, change }),
    updated: now,
    revision: row.revision + 1,
  };
  await setColumns(tx, row, columns);
  await putSubscriptions({ tx, row: { ...row, ...columns }, since: now });
  const isSwitchedOn = active === 1 && row.active === 0;
  const changed = { ...row, ...columns, ...(isSwitchedOn ? { failing_since: null, resting_until: null } : {}) };
  const webhook = webhookOf(changed, sealer);
  if (isSwitchedOn) await forget(options, webhook, row.off_reason);
  await audit(options, { organization, webhook, action: 'webhook.changed', details: shownChange(change, webhook) });
  return { webhook, offSince: isSwitchedOn ? (row.off_since ?? row.updated) : null };
}

/** As it is kept, in the words that it was written in. */
function sealedUrl({ id, url }: Row, sealer: ChangeOptions['sealer']): string {
  return isClear(url) ? sealer.seal(url, sealedIn(id).url) : url;
}

/** Compare-and-set: the engine, or somebody on another node, may have changed it since it was read. */
async function setColumns(tx: Tx, { id, organization, revision }: Row, columns: Updateable<WebhooksTable>): Promise<void> {
  const update = tx.updateTable('webhooks').set(columns).where('organization', '=', organization).where('id', '=', id);
  const result = await update.where('revision', '=', revision).executeTakeFirst();
  if (result.numUpdatedRows === 1n) return;
  throw conflict('webhook_changed', 'The webhook was changed at the same time. Look at it, and try again.');
}

/** What the engine remembers of failures, as if there had been none. */
const forgotten = { failures: 0, failing_since: null, warned: null, resting_until: null, announce: null } as const;

/** Forgets the failures. That the engine had switched it off is kept in the audit log although nobody was told of it yet. */
async function forget(options: ChangeOptions & OneOptions, webhook: Webhook, reason: string | null): Promise<void> {
  const { tx, organization } = options;
  const untold = await tx
    .selectFrom('webhook_states')
    .select('announce')
    .where('organization', '=', organization)
    .where('webhook', '=', webhook.id)
    .where('announce', 'is not', null)
    .executeTakeFirst();
  if (untold !== undefined)
    await audit({ ...options, actor: 'system' }, { organization, webhook, action: 'webhook.disabled', details: { reason } });
  await tx
    .updateTable('webhook_states')
    .set(forgotten)
    .where('organization', '=', organization)
    .where('webhook', '=', webhook.id)
    .execute();
}

function secretColumns({ change: { secret }, sealer }: ChangeOptions & { readonly change: WebhookChange }, row: Row) {
  if (secret === undefined) return {};
  return {
    secret: sealedIn(row.id).sealSecret(sealer, secret),
    secret_tail: tailOf(secret ?? ''),
    previous_secret: null,
    previous_secret_until: null,
  };
}

function offColumns(row: Row, { active, now }: { readonly active: number; readonly now: number }) {
  if (active === 1) return { off_since: null, off_reason: null };
  // Off already: since then, and for that reason.
  if (row.active === 0) return { off_since: row.off_since, off_reason: row.off_reason };
  return { off_since: now, off_reason: 'by_hand' };
}

function shownChange(
  { name, url, sensitiveQuery, refFilter, secret, events, active, ...sending }: WebhookChange,
  webhook: Webhook,
): Readonly<Record<string, unknown>> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(url === undefined ? {} : { url: webhook.url }),
    ...(sensitiveQuery === undefined ? {} : { sensitiveQuery: sensitiveQuery === null ? 'removed' : 'changed' }),
    ...(refFilter === undefined ? {} : { refFilter }),
    ...(secret === undefined ? {} : { secret: secret === null ? 'removed' : 'changed' }),
    ...(events === undefined ? {} : { events }),
    ...(active === undefined ? {} : { active }),
    ...shownSendingChange(sending),
  };
}

export interface RotateOptions extends ChangeOptions, OneOptions {
  /** Null: none from now on. */
  readonly secret: string | null;
  /** How long the old secret signs beside the new one; 0: not at all. */
  readonly overlapMs: number;
}

/** Puts a new secret in place. The one that signed so far signs on until the overlap ends, whichever was being replaced before it no longer. */
export async function rotateSecret(options: RotateOptions): Promise<Webhook> {
  const { tx, organization, secret, overlapMs, sealer, clock } = options;
  const row = await findRow(tx, options);
  const places = sealedIn(row.id);
  const now = clock.now();
  const isKept = overlapMs > 0 && secret !== null && row.secret !== noSecret;
  const kept = isKept ? sealer.seal(sealer.open(row.secret, places.secret), places.previousSecret) : null;
  const change = {
    secret: places.sealSecret(sealer, secret),
    secret_tail: tailOf(secret ?? ''),
    previous_secret: kept,
    previous_secret_until: kept === null ? null : now + overlapMs,
    updated: now,
    revision: row.revision + 1,
  };
  await setColumns(tx, row, change);
  const webhook = webhookOf({ ...row, ...change }, sealer);
  const details = secret === null ? { secret: 'removed' } : { overlapUntil: webhook.overlapUntil };
  await audit(options, { organization, webhook, action: 'webhook.secret_changed', details });
  return webhook;
}
