import { sql } from 'kysely';
import type { Tx } from '../../src/storage/database/database.ts';

/** A repository that webhooks are for, as a row alone: its name is its id. One that is there stays as it is. */
export async function putRepository(options: {
  readonly tx: Tx;
  readonly organization: string;
  readonly id: string;
  readonly project?: string | null;
}): Promise<void> {
  const { tx, organization, id, project = null } = options;
  const names = { name: id, name_key: id, description: '', default_branch: 'main', node: 'n' };
  const number = sql<number>`(select coalesce(max(number), 0) + 1 from repositories)`;
  await tx
    .insertInto('repositories')
    .values({
      id,
      organization,
      project,
      number,
      ...names,
      bytes_max: null,
      object_bytes_max: null,
      refs_max: null,
      created: 0,
      updated: 0,
      pushed: null,
    })
    .onConflict((on) => on.doNothing())
    .execute();
}
