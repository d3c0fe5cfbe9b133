import type { GatepostError } from '../errors.ts';
import { conflict } from '../errors.ts';
import type { Reader, Tx } from '../storage/database/database.ts';
import { nameKey } from './repository.ts';

// A name that was given up stays taken: who still has the old address would else push to, or build from, something else of the same name.

interface Wanted {
  readonly organization: string;
  readonly name: string;
  /** Who asks knows that the name was another's. */
  readonly isReuse: boolean;
  /** The repository that wants it: its own old names are free to it. */
  readonly by?: string;
}

export type TakenBy = 'repository' | 'retired';

/** Who has the name: another repository; or one that was renamed or deleted, unless that is known to who asks. Null: it is free. */
export async function isNameTaken({ read, ...wanted }: Wanted & { readonly read: Reader | Tx }): Promise<TakenBy | null> {
  const { organization, name, isReuse, by } = wanted;
  const holder = await read
    .selectFrom('repositories')
    .select('id')
    .where('organization', '=', organization)
    .where('name_key', '=', nameKey(name))
    .executeTakeFirst();
  if (holder !== undefined) return holder.id === by ? null : 'repository';
  if (isReuse) return null;
  const retired = await read
    .selectFrom('repository_names')
    .select('repository')
    .where('organization', '=', organization)
    .where('name_key', '=', nameKey(name))
    .executeTakeFirst();
  return retired === undefined || (by !== undefined && retired.repository === by) ? null : 'retired';
}

export function nameTaken(by: TakenBy): GatepostError {
  if (by === 'repository') return conflict('repository_name_taken', 'A repository of the organization has this name.', { field: 'name' });
  return conflict(
    'repository_name_retired',
    'A repository that was renamed or deleted had this name. To use it again on purpose, say "reuseName": true.',
    { field: 'name' },
  );
}

/** Makes the name free for whoever takes it in this unit, which has the organization's row held. Fails as `nameTaken` says. */
export async function freeName({ tx, ...wanted }: Wanted & { readonly tx: Tx }): Promise<void> {
  const by = await isNameTaken({ read: tx, ...wanted });
  if (by !== null) throw nameTaken(by);
  await tx
    .deleteFrom('repository_names')
    .where('organization', '=', wanted.organization)
    .where('name_key', '=', nameKey(wanted.name))
    .execute();
}

/** Keeps a name that is given up. `repository`: who has another now; null: it is deleted. */
export async function retireName(options: {
  readonly tx: Tx;
  readonly organization: string;
  readonly name: string;
  readonly repository: string | null;
  readonly now: number;
}): Promise<void> {
  const { tx, organization, name, repository, now } = options;
  await tx
    .insertInto('repository_names')
    .values({ organization, name_key: nameKey(name), repository, retired: now })
    .onConflict((on) => on.columns(['organization', 'name_key']).doUpdateSet({ repository, retired: now }))
    .execute();
}
