import type { Tx } from '../../storage/database/database.ts';
import { letsAllPass } from '../ref-filter/ref-filter.ts';

/** What a webhook's row says about which events it gets. */
interface Wanting {
  readonly id: string;
  readonly organization: string;
  readonly project: string | null;
  readonly repository: string | null;
  readonly ref_filter: string | null;
  readonly dialect: string;
  readonly events: string;
  readonly active: number;
}

/**
 * Brings the rows that the fan-out reads into line with the webhook: one for each kind it wants while it is on, none while it is off. A kind that
 * it wanted already keeps its time; one that is new counts from `since`, so that nothing that happened before is sent.
 */
export async function putSubscriptions({
  tx,
  row,
  since,
}: {
  readonly tx: Tx;
  readonly row: Wanting;
  readonly since: number;
}): Promise<void> {
  const kinds = row.active === 1 ? (JSON.parse(row.events) as readonly string[]) : [];
  let gone = tx.deleteFrom('subscriptions').where('organization', '=', row.organization).where('webhook', '=', row.id);
  if (kinds.length > 0) gone = gone.where('kind', 'not in', kinds);
  await gone.execute();
  if (kinds.length === 0) return;
  const { organization, dialect, id: webhook } = row;
  const scope = row.repository ?? row.project ?? '';
  const filter = row.ref_filter === null || letsAllPass(row.ref_filter) ? null : row.ref_filter;
  // Pushes alone have a ref.
  const filterOf = (kind: string) => (kind === 'push' ? filter : null);
  await tx
    .insertInto('subscriptions')
    .values(kinds.map((kind) => ({ organization, kind, scope, webhook, dialect, ref_filter: filterOf(kind), since })))
    .onConflict((on) =>
      on.columns(['organization', 'kind', 'scope', 'webhook']).doUpdateSet((row) => ({ ref_filter: row.ref('excluded.ref_filter') })),
    )
    .execute();
}

/** What goes with a webhook's row. */
export async function forgetWebhook(options: { readonly tx: Tx; readonly organization: string; readonly webhook: string }): Promise<void> {
  const { tx, organization, webhook } = options;
  await tx.deleteFrom('subscriptions').where('organization', '=', organization).where('webhook', '=', webhook).execute();
  await tx.deleteFrom('webhook_states').where('organization', '=', organization).where('webhook', '=', webhook).execute();
}
