import type { Sealer } from '../../secret-key.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { Row } from './row.ts';
import { selectWebhooks } from './row.ts';
import { noSecret, sealedIn, unlessLost } from './sealed.ts';
import { mask } from './url.ts';

/** A webhook as a front door of its own dialect shows it, whose way of masking is its own. */
export interface DialectWebhook {
  readonly id: string;
  readonly name: string;
  readonly project: { readonly id: string; readonly key: string } | null;
  /** As it was written, user and password with it: whoever shows it masks it. */
  readonly url: string;
  readonly hasSecret: boolean;
}

interface OfDialect {
  readonly read: Reader | Tx;
  readonly sealer: Sealer;
  readonly organization: string;
  readonly dialect: string;
}

/** Those of the organization, or those of one project; never both. In no order. */
export async function webhooksOfDialect(options: OfDialect & { readonly project: string | null }): Promise<readonly DialectWebhook[]> {
  const { read, sealer, organization, dialect, project } = options;
  const rows = await selectWebhooks(read, { organization, onlyProject: null })
    .where('webhooks.dialect', '=', dialect)
    .where('webhooks.project', project === null ? 'is' : '=', project)
    .execute();
  return rows.map((row) => dialectWebhookOf(row, sealer));
}

/** The one of this id, or null where there is none of this dialect. */
export async function findWebhookOfDialect(options: OfDialect & { readonly webhook: string }): Promise<DialectWebhook | null> {
  const { read, sealer, organization, dialect, webhook } = options;
  const row = await selectWebhooks(read, { organization, onlyProject: null })
    .where('webhooks.dialect', '=', dialect)
    .where('webhooks.id', '=', webhook)
    .executeTakeFirst();
  return row === undefined ? null : dialectWebhookOf(row, sealer);
}

function dialectWebhookOf(row: Row, sealer: Sealer): DialectWebhook {
  return {
    id: row.id,
    name: row.name,
    project: row.project === null ? null : { id: row.project, key: row.key ?? '' },
    url: unlessLost(() => sealedIn(row.id).openUrl(sealer, row.url), mask),
    hasSecret: row.secret !== noSecret,
  };
}
