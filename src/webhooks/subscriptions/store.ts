import type { Selectable } from 'kysely';
import type { Clock } from '../../clock.ts';
import { conflict, notFound } from '../../errors.ts';
import type { EventKind } from '../../events/event.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Actor } from '../../organizations/audit.ts';
import { recordAudit } from '../../organizations/audit.ts';
import { holdOrganization } from '../../organizations/store.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { WebhooksTable } from '../../storage/database/schema.ts';
import { tailOf } from '../signing/secret.ts';
import type { OneOptions, Where } from './row.ts';
import { findRow, freshState, selectWebhooks, webhookOf } from './row.ts';
import { sealedIn } from './sealed.ts';
import type { SendingChange } from './sending.ts';
import { changedColumns, sendingDefault, shownSendingChange } from './sending.ts';
import { madeHookId } from './hook-id.ts';
import { forgetWebhook, putSubscriptions } from './wanted.ts';
import type { Webhook } from './webhook.ts';
import { webhooksOfOrganizationMax } from './webhook.ts';

export interface ListWebhooksOptions extends Where {
  readonly read: Reader;
  readonly sealer: Sealer;
  readonly limit: number;
  /** The id that the page begins behind. */
  readonly after: string | null;
}

/** Oldest first. */
export async function listWebhooks(options: ListWebhooksOptions): Promise<readonly Webhook[]> {
  let query = selectWebhooks(options.read, options).orderBy('webhooks.id').limit(options.limit);
  if (options.after !== null) query = query.where('webhooks.id', '>', options.after);
  return (await query.execute()).map((row) => webhookOf(row, options.sealer));
}

/** Fails with `unknown_webhook`. */
export async function readWebhook(options: OneOptions & { readonly read: Reader | Tx }): Promise<Webhook> {
  return webhookOf(await findRow(options.read, options), options.sealer);
}

export interface ChangeOptions {
  readonly tx: Tx;
  readonly sealer: Sealer;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

export interface InsertWebhookOptions extends ChangeOptions {
  readonly organization: string;
  readonly project: { readonly id: string; readonly key: string } | null;
  /** The one repository that it is for, who is there; left out or null: none. Never beside a project. */
  readonly repository?: { readonly id: string; readonly name: string } | null;
  /** Checked by `checkedHookId`; left out, one is made. Of no matter where it is for no repository. */
  readonly hookId?: string;
  readonly name: string;
  readonly url: URL;
  /** The URL as it was written, which is how its path and query are sent, and how its dialect may show it again; left out: in its normal form. */
  readonly urlText?: string;
  /** Checked by `checkedQuery`; left out or null: none. */
  readonly sensitiveQuery?: string | null;
  /** Checked by `checkedRefFilter`; left out or null: none. */
  readonly refFilter?: string | null;
  readonly events: readonly EventKind[];
  readonly dialect: string;
  /** Null: none, where the dialect allows it. */
  readonly secret: string | null;
  /** How many webhooks of the dialect there may be for the organization, and for each project; left out: as many as there may be of all. */
  readonly dialectMax?: number;
  /** Left out: as `sendingDefault` says. */
  readonly sending?: SendingChange;
}

/**
 * Fails with `too_many_webhooks` where the organization has as many as it may, of all or of the dialect, and with `hook_id_taken` where another
 * webhook of the repository has the hook id; with `unknown_repository` where the repository was deleted meanwhile.
 */
export async function insertWebhook(options: InsertWebhookOptions): Promise<Webhook> {
  const { tx, organization, project, repository = null, name, url, events, dialect, secret, sending = {}, sealer, ids, clock } = options;
  if (repository !== null) await holdRepository(options, repository.id);
  await requireRoom(options);
  const id = ids.next();
  const now = clock.now();
  const row: Selectable<WebhooksTable> = {
    id,
    organization,
    project: project?.id ?? null,
    name,
    url: sealedIn(id).sealUrl(sealer, url, options.urlText),
    dialect,
    events: JSON.stringify(events),
    secret: sealedIn(id).sealSecret(sealer, secret),
    secret_tail: tailOf(secret ?? ''),
    previous_secret: null,
    previous_secret_until: null,
    active: 1,
    created: now,
    updated: now,
    revision: 0,
    ...changedColumns({ sealer, webhook: id, url, now: sendingDefault, change: sending }),
    repository: repository?.id ?? null,
    hook_id: repository === null ? null : (options.hookId ?? madeHookId(id)),
    query: sealedIn(id).sealQuery(sealer, options.sensitiveQuery ?? null),
    ref_filter: options.refFilter ?? null,
    off_since: null,
    off_reason: null,
  };
  await insertRow(tx, row);
  await tx.insertInto('webhook_states').values({ webhook: id, organization }).execute();
  await putSubscriptions({ tx, row, since: now });
  const webhook = webhookOf({ ...row, ...freshState, key: project?.key ?? null, repositoryName: repository?.name ?? null }, sealer);
  const details = {
    url: webhook.url,
    events,
    project: project?.key ?? null,
    ...repositoryDetails(webhook),
    ...shownSendingChange(sending),
  };
  await audit(options, { organization, webhook, action: 'webhook.created', details });
  return webhook;
}

/** Holds the repository's row until the unit ends: who deletes it at the same time either has done so by then, or takes the webhook along. */
async function holdRepository({ tx, organization }: InsertWebhookOptions, repository: string): Promise<void> {
  const held = await tx
    .updateTable('repositories')
    .set((row) => ({ name: row.ref('name') }))
    .where('organization', '=', organization)
    .where('id', '=', repository)
    .executeTakeFirst();
  if (held.numUpdatedRows !== 1n) throw notFound('unknown_repository', 'The repository was deleted meanwhile.');
}

/** The unique index decides who has a hook id, whoever asks at the same time. */
async function insertRow(tx: Tx, row: Selectable<WebhooksTable>): Promise<void> {
  const inserted = await tx
    .insertInto('webhooks')
    .values(row)
    .onConflict((on) => on.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 1n) return;
  throw conflict('hook_id_taken', 'Another webhook of this repository has this hook ID.', { hookId: row.hook_id });
}

function repositoryDetails({ repository, hookId, refFilter, hasSensitiveQuery }: Webhook): Readonly<Record<string, unknown>> {
  return {
    ...(repository === null ? {} : { repository: repository.name, hookId }),
    ...(refFilter === null ? {} : { refFilter }),
    ...(hasSensitiveQuery ? { sensitiveQuery: 'given' } : {}),
  };
}

async function requireRoom({ tx, organization, project, dialect, dialectMax }: InsertWebhookOptions): Promise<void> {
  // Whoever makes one at the same time waits here, so that nobody counts before another's is there.
  if (dialectMax !== undefined) await holdOrganization({ tx, organization });
  const count = tx
    .selectFrom('webhooks')
    .select((row) => row.fn.countAll<number>().as('n'))
    .where('organization', '=', organization);
  if ((await count.executeTakeFirstOrThrow()).n >= webhooksOfOrganizationMax) {
    throw conflict('too_many_webhooks', `An organization has at most ${webhooksOfOrganizationMax} webhooks.`, {
      max: webhooksOfOrganizationMax,
    });
  }
  if (dialectMax === undefined) return;
  const beside = count.where('dialect', '=', dialect).where('project', project === null ? 'is' : '=', project?.id ?? null);
  if ((await beside.executeTakeFirstOrThrow()).n < dialectMax) return;
  const whose = project === null ? 'for the organization' : 'for a project';
  throw conflict('too_many_webhooks', `There are at most ${dialectMax} webhooks of the dialect ${dialect} ${whose}.`, {
    max: dialectMax,
    dialect,
  });
}

/** Deletes the webhook; its deliveries stay as a log, and what waits is for the caller to cancel. Fails with `unknown_webhook`. */
export async function deleteWebhook(options: ChangeOptions & OneOptions): Promise<void> {
  const { tx, organization } = options;
  const webhook = webhookOf(await findRow(tx, options), options.sealer);
  await tx.deleteFrom('webhooks').where('organization', '=', organization).where('id', '=', webhook.id).execute();
  await forgetWebhook({ tx, organization, webhook: webhook.id });
  await audit(options, { organization, webhook, action: 'webhook.deleted', details: { url: webhook.url } });
}

interface Trace {
  readonly organization: string;
  readonly webhook: Webhook;
  readonly action: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Writes down what was done to a webhook. */
export async function audit({ tx, actor, ids, clock }: ChangeOptions, { organization, webhook, action, details }: Trace): Promise<void> {
  await recordAudit({ tx, organization, actor, action, subject: `${webhook.name} (${webhook.id})`, details, ids, clock });
}
