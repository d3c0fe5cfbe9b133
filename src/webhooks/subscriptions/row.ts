import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import { notFound } from '../../errors.ts';
import type { EventKind } from '../../events/event.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { WebhookStatesTable, WebhooksTable } from '../../storage/database/schema.ts';
import { noSecret, sealedIn, unlessLost } from './sealed.ts';
import { shownSending } from './sending.ts';
import { mask, maskUrl } from './url.ts';
import type { Health, Webhook } from './webhook.ts';

/** A webhook's row with the key of its project, the name of its repository and how it does. */
export type Row = Selectable<WebhooksTable> & { readonly key: string | null; readonly repositoryName: string | null } & State;

type State = { readonly [K in (typeof stateColumns)[number]]: Selectable<WebhookStatesTable>[K] | null };

const stateColumns = ['failing_since', 'last_success', 'last_failure', 'last_status', 'last_error', 'resting_until'] as const;

/** Of a webhook that nothing was sent to yet. */
export const freshState: State = {
  failing_since: null,
  last_success: null,
  last_failure: null,
  last_status: null,
  last_error: null,
  resting_until: null,
};

export interface Where {
  readonly organization: string;
  /** The one project that the caller may see, or null. */
  readonly onlyProject: string | null;
}

export function selectWebhooks(read: Reader | Tx, { organization, onlyProject }: Where) {
  const query = read
    .selectFrom('webhooks')
    .leftJoin('projects', 'projects.id', 'webhooks.project')
    .leftJoin('repositories', 'repositories.id', 'webhooks.repository')
    .leftJoin('webhook_states', 'webhook_states.webhook', 'webhooks.id')
    .selectAll('webhooks')
    .select(['projects.key', 'repositories.name as repositoryName'])
    .select(stateColumns.map((name) => `webhook_states.${name}` as const))
    .where('webhooks.organization', '=', organization);
  if (onlyProject === null) return query;
  return query.where(isOfProject(onlyProject));
}

/** Whether a webhook is for a project, or for a repository that is tied to it: what a token of that project sees. */
export function isOfProject(project: string) {
  return sql<boolean>`(webhooks.project = ${project}
    or webhooks.repository in (select repositories.id from repositories where repositories.project = ${project}))`;
}

export interface OneOptions extends Where {
  readonly webhook: string;
  readonly sealer: Sealer;
}

/** Fails with `unknown_webhook`. */
export async function findRow(read: Reader | Tx, options: OneOptions): Promise<Row> {
  const row = await selectWebhooks(read, options).where('webhooks.id', '=', options.webhook).executeTakeFirst();
  if (row === undefined) throw notFound('unknown_webhook', 'There is no webhook with this id.');
  return row;
}

export function webhookOf(row: Row, sealer: Sealer): Webhook {
  return {
    id: row.id,
    project: row.project === null ? null : { id: row.project, key: row.key ?? '' },
    repository: row.repository === null ? null : { id: row.repository, name: row.repositoryName ?? '' },
    hookId: row.hook_id,
    name: row.name,
    url: unlessLost(() => maskUrl(new URL(sealedIn(row.id).openUrl(sealer, row.url))), mask),
    hasSensitiveQuery: row.query !== null,
    refFilter: row.ref_filter,
    events: JSON.parse(row.events) as readonly EventKind[],
    dialect: row.dialect,
    active: row.active === 1,
    // Those that were switched off before the reason was kept were so by hand.
    off: row.active === 1 ? null : { since: row.off_since ?? row.updated, reason: row.off_reason ?? 'by_hand' },
    health: healthOf(row),
    sending: shownSending(sealer, row.id, row),
    hasSecret: row.secret !== noSecret,
    secretTail: row.secret_tail,
    overlapUntil: row.previous_secret_until,
    created: row.created,
    updated: row.updated,
  };
}

function healthOf(row: Row): Health {
  const working = row.failing_since === null ? 'healthy' : 'failing';
  return {
    standing: row.active === 1 ? working : 'off',
    failingSince: row.failing_since,
    lastSuccess: row.last_success,
    lastFailure: row.last_failure,
    lastStatus: row.last_status,
    lastError: row.last_error,
    // What is off does not rest: nothing is tried when that time comes.
    restingUntil: row.active === 1 ? row.resting_until : null,
  };
}
