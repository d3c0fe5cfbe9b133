import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Actor } from './audit.ts';
import { recordAudit } from './audit.ts';
import type { DeletionStep } from './deletion.ts';
import { holdOrganization } from './store.ts';
import { runDeletion } from './deletion.ts';
import type { Organization } from './organization.ts';
import type { Database } from '../storage/database/database.ts';

export interface DeleteOrganizationOptions {
  readonly database: Database;
  /** What other nouns delete first. */
  readonly steps: readonly DeletionStep[];
  readonly organization: Organization;
  /** The token that asks: it lives until the end, so that a deletion that was cut off can be asked for again. */
  readonly exceptToken: string | null;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Deletes an organization with all that is its own. Its tokens end first, so that nothing new comes in; one line of audit stays. */
export async function deleteOrganization(options: DeleteOrganizationOptions): Promise<void> {
  const { database, steps, organization, exceptToken, actor, ids, clock } = options;
  const { id, slug } = organization;
  await database.write(async (tx) => {
    let query = tx.updateTable('tokens').set({ revoked: clock.now() }).where('organization', '=', id).where('revoked', 'is', null);
    if (exceptToken !== null) query = query.where('id', '!=', exceptToken);
    await query.execute();
  });
  await runDeletion({
    database,
    steps: [...steps, auditStep],
    scope: { organization: id, project: null },
    hold: async (tx) => void (await holdOrganization({ tx, organization: id })),
    last: async (tx) => {
      await tx.deleteFrom('idempotency').where('organization', '=', id).execute();
      await tx.deleteFrom('tokens').where('organization', '=', id).execute();
      const gone = await tx.deleteFrom('organizations').where('id', '=', id).executeTakeFirst();
      if (gone.numDeletedRows === 0n) return;
      await recordAudit({ tx, organization: id, actor, action: 'organization.deleted', subject: slug, ids, clock });
    },
  });
}

const auditStep: DeletionStep = {
  name: 'audit',
  async run({ tx, organization, limit }) {
    const rows = await tx.selectFrom('audit').select('id').where('organization', '=', organization).limit(limit).execute();
    if (rows.length === 0) return 0;
    await tx
      .deleteFrom('audit')
      .where('organization', '=', organization)
      .where(
        'id',
        'in',
        rows.map((row) => row.id),
      )
      .execute();
    return rows.length;
  },
};
