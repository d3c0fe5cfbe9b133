import type { Sealer } from '../../secret-key.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { Row } from './row.ts';
import { selectWebhooks, webhookOf } from './row.ts';
import { sealedIn, unlessLost } from './sealed.ts';
import { mask } from './url.ts';
import type { Webhook } from './webhook.ts';

/** A repository's webhook, as Google's REST resource shows it. To change or delete it: `updateWebhook`, `deleteWebhook` by its id. */
export interface RepositoryHook {
  readonly hookId: string;
  readonly webhook: Webhook;
  /** As it was written, user and password with it, without the sensitive query string. */
  readonly url: string;
}

interface OfRepository {
  readonly read: Reader | Tx;
  readonly sealer: Sealer;
  readonly organization: string;
  /** Repository id: who may see it was asked before. */
  readonly repository: string;
  readonly dialect: string;
}

/** The one of this hook id, or null where there is none of this dialect. */
export async function findHook(options: OfRepository & { readonly hookId: string }): Promise<RepositoryHook | null> {
  const row = await ofRepository(options).where('webhooks.hook_id', '=', options.hookId).executeTakeFirst();
  return row === undefined ? null : hookOf(row, options.sealer);
}

export interface ListHooksOptions extends OfRepository {
  readonly limit: number;
  /** The hook id that the page begins behind. */
  readonly after: string | null;
}

/** By hook id. */
export async function listHooks(options: ListHooksOptions): Promise<readonly RepositoryHook[]> {
  let query = ofRepository(options).where('webhooks.hook_id', 'is not', null).orderBy('webhooks.hook_id').limit(options.limit);
  if (options.after !== null) query = query.where('webhooks.hook_id', '>', options.after);
  return (await query.execute()).map((row) => hookOf(row, options.sealer));
}

function ofRepository({ read, organization, repository, dialect }: OfRepository) {
  return selectWebhooks(read, { organization, onlyProject: null })
    .where('webhooks.repository', '=', repository)
    .where('webhooks.dialect', '=', dialect);
}

function hookOf(row: Row, sealer: Sealer): RepositoryHook {
  return {
    hookId: row.hook_id ?? '',
    webhook: webhookOf(row, sealer),
    url: unlessLost(() => sealedIn(row.id).openUrl(sealer, row.url), mask),
  };
}
