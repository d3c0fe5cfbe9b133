import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import { timestampText } from '../../clock.ts';
import type { WebhookFacts } from '../../events/event.ts';
import type { OnRecorded } from '../../events/record.ts';
import { recordEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import { writeMail } from '../../mail/outbox.ts';
import { recordAudit } from '../../organizations/audit.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { sealedIn, unlessLost } from '../subscriptions/sealed.ts';
import { mask, maskUrl } from '../subscriptions/url.ts';
import { announceMail } from './announce-mail.ts';

/** Webhooks of one kind that one round tells of; what is left waits for the next. */
export const announcedOfRoundMax = 100;
/**
 * Failures must span this part of the time, by when they were seen: a webhook that failed once and was sent nothing since has not failed for days.
 */
export const failingPart = 0.9;

export interface AnnounceOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly ids: Identifiers;
  /** The wall clock: what is shown. */
  readonly clock: Clock;
  /** The delivery's own, which never jumps: what failures are dated by. */
  readonly steady: Clock;
  /** How long a webhook fails until its organization is warned, and until it is switched off. */
  readonly warnAfterMs: number;
  readonly offAfterMs: number;
  readonly onRecorded: OnRecorded;
  /** Whether there is a mail server; without one no mail is written down. */
  readonly sendsMail: boolean;
}

/**
 * Switches off what has failed for too long, warns of what fails, and tells of what was switched off because it answered that it is gone: an
 * event and a mail each, in the very unit that changes the webhook or its state by compare-and-set, so that any number of nodes tell of it once.
 * Answers how many events were recorded, for the caller to nudge.
 */
export async function announce(options: AnnounceOptions): Promise<number> {
  let recorded = 0;
  for (const [query, unit] of [
    [failingFor(options, options.offAfterMs), switchOff],
    [failingFor(options, options.warnAfterMs).where('webhook_states.warned', 'is', null), warn],
    [switchedOff(options), tellSwitchedOff],
  ] as const) {
    for (const row of await query.execute()) {
      if (await options.database.write((tx) => unit({ ...options, tx, row }))) recorded += 1;
    }
  }
  return recorded;
}

function candidates({ database }: AnnounceOptions) {
  return database.read
    .selectFrom('webhook_states')
    .innerJoin('webhooks', 'webhooks.id', 'webhook_states.webhook')
    .innerJoin('organizations', 'organizations.id', 'webhooks.organization')
    .leftJoin('repositories', 'repositories.id', 'webhooks.repository')
    .select((row) => row.fn.coalesce('webhooks.project', 'repositories.project').as('project'))
    .select(['webhooks.id', 'webhooks.organization', 'webhooks.repository', 'webhooks.name', 'webhooks.url', 'webhooks.off_reason'])
    .select(['webhook_states.failures', 'webhook_states.failing_since', 'webhook_states.last_status', 'webhook_states.last_error'])
    .select(['organizations.slug', 'organizations.name as organization_name', 'organizations.language', 'organizations.mail_to'])
    .limit(announcedOfRoundMax);
}

type Row = Awaited<ReturnType<ReturnType<typeof candidates>['execute']>>[number];

function failingFor(options: AnnounceOptions, ms: number) {
  const spanMs = Math.ceil(ms * failingPart);
  return candidates(options)
    .where('webhooks.active', '=', 1)
    .where('webhook_states.failing_since', '<=', options.steady.now() - ms)
    .where(sql<boolean>`webhook_states.last_failure - webhook_states.failing_since >= ${spanMs}`)
    .orderBy('webhook_states.failing_since');
}

function switchedOff(options: AnnounceOptions) {
  return candidates(options).where(sql<boolean>`webhook_states.announce is not null`).where('webhooks.active', '=', 0);
}

interface UnitOptions extends AnnounceOptions {
  readonly tx: Tx;
  readonly row: Row;
}

/** False: another node has done it, or the failures have ended. */
async function warn(options: UnitOptions): Promise<boolean> {
  const { tx, row, clock } = options;
  const result = await sameFailures(options)
    .set({ warned: clock.now() })
    .where('warned', 'is', null)
    .where((state) => state.exists(tx.selectFrom('webhooks').select('id').where('id', '=', row.id).where('active', '=', 1)))
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) return false;
  await tell(options, null);
  return true;
}

async function switchOff(options: UnitOptions): Promise<boolean> {
  const { tx, row, clock, ids } = options;
  const now = clock.now();
  // Holds the state's row: an outcome that is being written now comes before this or after it.
  const held = await sameFailures(options).set({ warned: now, announce: null }).executeTakeFirst();
  if (held.numUpdatedRows !== 1n) return false;
  const off = await tx
    .updateTable('webhooks')
    .set((webhook) => ({ active: 0, off_since: now, off_reason: 'failing', updated: now, revision: webhook('revision', '+', 1) }))
    .where('organization', '=', row.organization)
    .where('id', '=', row.id)
    .where('active', '=', 1)
    .executeTakeFirst();
  if (off.numUpdatedRows !== 1n) return false;
  await tx.deleteFrom('subscriptions').where('organization', '=', row.organization).where('webhook', '=', row.id).execute();
  await tell(options, 'failing');
  await audited({ tx, row, reason: 'failing', ids, clock });
  return true;
}

/** Of what was switched off in the unit that settled its attempt. */
async function tellSwitchedOff(options: UnitOptions): Promise<boolean> {
  const { tx, row, ids, clock } = options;
  const result = await tx
    .updateTable('webhook_states')
    .set({ announce: null })
    .where('organization', '=', row.organization)
    .where('webhook', '=', row.id)
    .where('announce', 'is not', null)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) return false;
  await tell(options, 'gone');
  await audited({ tx, row, reason: 'gone', ids, clock });
  return true;
}

/** The state's row, if it is still in the failures that were seen. */
function sameFailures({ tx, row }: UnitOptions) {
  return tx
    .updateTable('webhook_states')
    .where('organization', '=', row.organization)
    .where('webhook', '=', row.id)
    .where('failing_since', '=', row.failing_since);
}

/** Records the event, and writes the mail down where there is somebody to get it. */
async function tell(options: UnitOptions, reason: WebhookFacts['reason']): Promise<void> {
  const { tx, row, sealer, ids, clock, onRecorded, offAfterMs, sendsMail } = options;
  const {
    id,
    organization,
    project,
    repository,
    name,
    failures,
    failing_since: since,
    last_status: lastStatus,
    last_error: lastError,
  } = row;
  const url = unlessLost(() => maskUrl(new URL(sealedIn(id).openUrl(sealer, row.url))), mask);
  const facts: WebhookFacts = {
    organization: row.slug,
    webhook: { id, name, url },
    since: since === null ? null : timestampText(since),
    failures,
    lastStatus,
    lastError,
    reason,
  };
  const kind = reason === null ? 'webhook.failing' : 'webhook.disabled';
  await recordEvent({ tx, organization, kind, project, repository, facts, ids, clock, onRecorded });
  const recipients = row.mail_to === null ? [] : (JSON.parse(row.mail_to) as readonly string[]);
  if (!sendsMail || recipients.length === 0) return;
  const offAt = (since ?? clock.now()) + offAfterMs;
  const mail = announceMail({ language: row.language, organization: row.organization_name, facts, offAt });
  await writeMail({ tx, organization, recipients, ...mail, ids, clock });
}

async function audited(options: {
  readonly tx: Tx;
  readonly row: Row;
  readonly reason: 'gone' | 'failing';
  readonly ids: Identifiers;
  readonly clock: Clock;
}): Promise<void> {
  const { tx, row, reason, ids, clock } = options;
  const { organization, name, id } = row;
  await recordAudit({
    tx,
    organization,
    actor: 'system',
    action: 'webhook.disabled',
    subject: `${name} (${id})`,
    details: { reason },
    ids,
    clock,
  });
}
