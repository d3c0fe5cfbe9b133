import type { Selectable } from 'kysely';
import type { Clock } from '../../clock.ts';
import { conflict, notFound } from '../../errors.ts';
import type { EventKind } from '../../events/event.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Actor } from '../../organizations/audit.ts';
import { recordAudit } from '../../organizations/audit.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { WebhooksTable } from '../../storage/database/schema.ts';
import { tailOf } from '../signing/secret.ts';
import { sealedIn } from './sealed.ts';
import { forgetWebhook, putSubscriptions } from './wanted.ts';
import { maskUrl } from './url.ts';
import type { Webhook } from './webhook.ts';
import { webhooksOfOrganizationMax } from './webhook.ts';

type Row = Selectable<WebhooksTable> & { readonly key: string | null };

/** A webhook, and what only those who send to it may open. */
interface Found {
  readonly webhook: Webhook;
  readonly row: Row;
}

interface Where {
  readonly organization: string;
  /** The one project that the caller may see, or null. */
  readonly onlyProject: string | null;
}

function select(read: Reader | Tx, { organization, onlyProject }: Where) {
  const query = read
    .selectFrom('webhooks')
    .leftJoin('projects', 'projects.id', 'webhooks.project')
    .selectAll('webhooks')
    .select('projects.key')
    .where('webhooks.organization', '=', organization);
  return onlyProject === null ? query : query.where('webhooks.project', '=', onlyProject);
}

function webhookOf(row: Row, sealer: Sealer): Webhook {
  return {
    id: row.id,
    project: row.project === null ? null : { id: row.project, key: row.key ?? '' },
    name: row.name,
    url: maskUrl(new URL(sealedIn(row.id).openUrl(sealer, row.url))),
    events: JSON.parse(row.events) as readonly EventKind[],
    dialect: row.dialect,
    active: row.active === 1,
    secretTail: row.secret_tail,
    overlapUntil: row.previous_secret_until,
    created: row.created,
    updated: row.updated,
  };
}

export interface ListWebhooksOptions extends Where {
  readonly read: Reader;
  readonly sealer: Sealer;
  readonly limit: number;
  /** The id that the page begins behind. */
  readonly after: string | null;
}

/** Oldest first. */
export async function listWebhooks(options: ListWebhooksOptions): Promise<readonly Webhook[]> {
  let query = select(options.read, options).orderBy('webhooks.id').limit(options.limit);
  if (options.after !== null) query = query.where('webhooks.id', '>', options.after);
  return (await query.execute()).map((row) => webhookOf(row, options.sealer));
}

interface OneOptions extends Where {
  readonly webhook: string;
  readonly sealer: Sealer;
}

async function find(read: Reader | Tx, options: OneOptions): Promise<Found> {
  const row = await select(read, options).where('webhooks.id', '=', options.webhook).executeTakeFirst();
  if (row === undefined) throw unknownWebhook();
  return { webhook: webhookOf(row, options.sealer), row };
}

function unknownWebhook(): Error {
  return notFound('unknown_webhook', 'There is no webhook with this id.');
}

/** Fails with `unknown_webhook`. */
export async function readWebhook(options: OneOptions & { readonly read: Reader | Tx }): Promise<Webhook> {
  return (await find(options.read, options)).webhook;
}

interface ChangeOptions {
  readonly tx: Tx;
  readonly sealer: Sealer;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

export interface InsertWebhookOptions extends ChangeOptions {
  readonly organization: string;
  readonly project: { readonly id: string; readonly key: string } | null;
  readonly name: string;
  readonly url: URL;
  readonly events: readonly EventKind[];
  readonly dialect: string;
  readonly secret: string;
}

/** Fails with `too_many_webhooks` where the organization has as many as it may. */
export async function insertWebhook(options: InsertWebhookOptions): Promise<Webhook> {
  const { tx, organization, project, name, url, events, dialect, secret, sealer, ids, clock } = options;
  const { n } = await tx
    .selectFrom('webhooks')
    .select((row) => row.fn.countAll<number>().as('n'))
    .where('organization', '=', organization)
    .executeTakeFirstOrThrow();
  if (n >= webhooksOfOrganizationMax) {
    throw conflict('too_many_webhooks', `An organization has at most ${webhooksOfOrganizationMax} webhooks.`, {
      max: webhooksOfOrganizationMax,
    });
  }
  const id = ids.next();
  const now = clock.now();
  const row: Selectable<WebhooksTable> = {
    id,
    organization,
    project: project?.id ?? null,
    name,
    url: sealedIn(id).sealUrl(sealer, url),
    dialect,
    events: JSON.stringify(events),
    secret: sealer.seal(secret, sealedIn(id).secret),
    secret_tail: tailOf(secret),
    previous_secret: null,
    previous_secret_until: null,
    active: 1,
    created: now,
    updated: now,
    revision: 0,
    retry: 'hourly',
    ordered: 0,
    rate_count: null,
    rate_period_ms: null,
    headers: null,
    proxy: null,
    ca: null,
    off_since: null,
    off_reason: null,
  };
  await tx.insertInto('webhooks').values(row).execute();
  await tx.insertInto('webhook_states').values({ webhook: id, organization }).execute();
  await putSubscriptions({ tx, row, since: now });
  const webhook = webhookOf({ ...row, key: project?.key ?? null }, sealer);
  await audit(options, {
    organization,
    webhook,
    action: 'webhook.created',
    details: { url: webhook.url, events, project: project?.key ?? null },
  });
  return webhook;
}

export interface WebhookChange {
  readonly name?: string;
  readonly url?: URL;
  readonly events?: readonly EventKind[];
  readonly active?: boolean;
}

/** Changes what is named and nothing else; what waits already goes to the new URL. Fails with `unknown_webhook`. */
export async function updateWebhook(options: ChangeOptions & OneOptions & { readonly change: WebhookChange }): Promise<Webhook> {
  const { tx, organization, change, sealer, clock } = options;
  const { row } = await find(tx, options);
  const changed: Row = {
    ...row,
    name: change.name ?? row.name,
    url: change.url === undefined ? row.url : sealedIn(row.id).sealUrl(sealer, change.url),
    events: change.events === undefined ? row.events : JSON.stringify(change.events),
    active: change.active === undefined ? row.active : Number(change.active),
    updated: clock.now(),
    revision: row.revision + 1,
  };
  const { name, url, events, active, updated, revision } = changed;
  await tx
    .updateTable('webhooks')
    .set({ name, url, events, active, updated, revision })
    .where('organization', '=', organization)
    .where('id', '=', row.id)
    .execute();
  await putSubscriptions({ tx, row: changed, since: updated });
  const webhook = webhookOf(changed, sealer);
  const details = { ...change, ...(change.url === undefined ? {} : { url: webhook.url }) };
  await audit(options, { organization, webhook, action: 'webhook.changed', details });
  return webhook;
}

export interface RotateOptions extends ChangeOptions, OneOptions {
  readonly secret: string;
  /** How long the old secret signs beside the new one; 0: not at all. */
  readonly overlapMs: number;
}

/** Puts a new secret in place. The one that signed so far signs on until the overlap ends, whichever was being replaced before it no longer. */
export async function rotateSecret(options: RotateOptions): Promise<Webhook> {
  const { tx, organization, secret, overlapMs, sealer, clock } = options;
  const { row } = await find(tx, options);
  const places = sealedIn(row.id);
  const now = clock.now();
  const kept = overlapMs === 0 ? null : sealer.seal(sealer.open(row.secret, places.secret), places.previousSecret);
  const change = {
    secret: sealer.seal(secret, places.secret),
    secret_tail: tailOf(secret),
    previous_secret: kept,
    previous_secret_until: kept === null ? null : now + overlapMs,
    updated: now,
    revision: row.revision + 1,
  };
  await tx.updateTable('webhooks').set(change).where('organization', '=', organization).where('id', '=', row.id).execute();
  const webhook = webhookOf({ ...row, ...change }, sealer);
  await audit(options, { organization, webhook, action: 'webhook.secret_changed', details: { overlapUntil: webhook.overlapUntil } });
  return webhook;
}

/** Deletes the webhook; its deliveries stay as a log, and what waits is for the caller to cancel. Fails with `unknown_webhook`. */
export async function deleteWebhook(options: ChangeOptions & OneOptions): Promise<void> {
  const { tx, organization } = options;
  const { webhook } = await find(tx, options);
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

async function audit({ tx, actor, ids, clock }: ChangeOptions, { organization, webhook, action, details }: Trace): Promise<void> {
  await recordAudit({ tx, organization, actor, action, subject: `${webhook.name} (${webhook.id})`, details, ids, clock });
}
