import type { DeletionScope, DeletionStep } from '../organizations/deletion.ts';
import type { Tx } from '../storage/database/database.ts';

/**
 * What goes when a project, a repository or an organization goes: its webhooks and events, what was promised for them and what happened. Those that point to
 * others go first.
 */
export const webhookDeletionSteps: readonly DeletionStep[] = [
  {
    name: 'attempts',
    run: async ({ tx, limit, ...scope }) =>
      deleteRows(
        tx,
        'attempts',
        await tx.selectFrom('attempts').select('id').where('delivery', 'in', deliveriesOf(tx, scope)).limit(limit).execute(),
      ),
  },
  {
    name: 'deliveries',
    run: async ({ tx, limit, ...scope }) => deleteRows(tx, 'deliveries', await deliveriesOf(tx, scope).limit(limit).execute()),
  },
  {
    name: 'event bodies',
    async run({ tx, limit, ...scope }) {
      const rows = await tx
        .selectFrom('event_bodies')
        .select(['event', 'dialect'])
        .where('event', 'in', eventsOf(tx, scope))
        .limit(limit)
        .execute();
      if (rows.length === 0) return 0;
      const events = rows.map((row) => row.event);
      await tx.deleteFrom('event_bodies').where('organization', '=', scope.organization).where('event', 'in', events).execute();
      return rows.length;
    },
  },
  { name: 'events', run: async ({ tx, limit, ...scope }) => deleteRows(tx, 'events', await eventsOf(tx, scope).limit(limit).execute()) },
  // What hangs on a webhook's row and is as many as there are webhooks, in one go each.
  ...(['subscriptions', 'webhook_states', 'replays'] as const).map((name) => ({
    name: name.replace('_', ' '),
    run: async ({ tx, limit, ...scope }: Parameters<DeletionStep['run']>[0]) => deleteOfWebhooks({ tx, limit, scope, table: name }),
  })),
  {
    name: 'mails',
    run: async ({ tx, limit, organization, ...scope }) =>
      isWhole(scope)
        ? deleteRows(tx, 'mails', await tx.selectFrom('mails').select('id').where('organization', '=', organization).limit(limit).execute())
        : 0,
  },
  {
    name: 'webhooks',
    run: async ({ tx, limit, ...scope }) => deleteRows(tx, 'webhooks', await webhooksOf(tx, scope).limit(limit).execute()),
  },
];

/** All that the organization has. */
function isWhole({ project, repository = null }: Omit<DeletionScope, 'organization'>): boolean {
  return project === null && repository === null;
}

function eventsOf(tx: Tx, { organization, project, repository = null }: DeletionScope) {
  const query = tx.selectFrom('events').select('events.id').where('events.organization', '=', organization);
  if (repository !== null) return query.where('events.repository', '=', repository);
  return project === null ? query : query.where('events.project', '=', project);
}

function webhooksOf(tx: Tx, { organization, project, repository = null }: DeletionScope) {
  const query = tx.selectFrom('webhooks').select('webhooks.id').where('webhooks.organization', '=', organization);
  if (repository !== null) return query.where('webhooks.repository', '=', repository);
  return project === null ? query : query.where('webhooks.project', '=', project);
}

/** Of a project or a repository: what goes to its webhooks, and what its events promised to the organization's. */
function deliveriesOf(tx: Tx, scope: DeletionScope) {
  const query = tx.selectFrom('deliveries').select('deliveries.id').where('deliveries.organization', '=', scope.organization);
  if (isWhole(scope)) return query;
  return query.where((row) =>
    row.or([row('deliveries.event', 'in', eventsOf(tx, scope)), row('deliveries.webhook', 'in', webhooksOf(tx, scope))]),
  );
}

async function deleteOfWebhooks(options: {
  readonly tx: Tx;
  readonly table: 'subscriptions' | 'webhook_states' | 'replays';
  readonly scope: DeletionScope;
  readonly limit: number;
}): Promise<number> {
  const { tx, table, scope, limit } = options;
  const webhooks = webhooksOf(tx, scope);
  const rows = await tx.selectFrom(table).select('webhook').where('webhook', 'in', webhooks).limit(limit).execute();
  if (rows.length === 0) return 0;
  const names = [...new Set(rows.map((row) => row.webhook))];
  await tx.deleteFrom(table).where('organization', '=', scope.organization).where('webhook', 'in', names).execute();
  return rows.length;
}

type Table = 'attempts' | 'deliveries' | 'events' | 'webhooks' | 'mails';

async function deleteRows(tx: Tx, table: Table, rows: readonly { readonly id: string }[]): Promise<number> {
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => row.id);
  await tx.deleteFrom(table).where('id', 'in', ids).execute();
  return rows.length;
}
