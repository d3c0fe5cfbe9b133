import type { Updateable } from 'kysely';
import { conflict, invalid } from '../../errors.ts';
import type { SourcesTable } from '../../storage/database/schema.ts';
import type { Source, SourceSettings } from './source.ts';
import { sealedIn, tailOfSecret } from './source.ts';
import type { OneSource, SourceChangeOptions, SourceRow } from './source-store.ts';
import { auditSource, readSourceRow, sourceOf, unchecked } from './source-store.ts';

export interface SourceChange {
  readonly name?: string;
  readonly url?: string;
  readonly token?: string;
  readonly ca?: string | null;
  readonly settings?: Partial<SourceSettings>;
}

/**
 * Changes what is named and nothing else. What is needed to reach the server being changed, it counts as unchecked and is caught up anew. Another
 * URL needs the token again: nobody may send the one that is kept to a host of their own. Fails with `unknown_source`, `token_required`,
 * `source_changed`.
 */
export async function updateSource(options: SourceChangeOptions & OneSource & { readonly change: SourceChange }): Promise<Source> {
  const { tx, change, sealer, clock } = options;
  const row = await readSourceRow(tx, options);
  const { name = row.name, url = row.url, token, ca = row.ca } = change;
  const isElsewhere = url !== row.url;
  if (isElsewhere && token === undefined) {
    throw invalid('token_required', 'With another URL the token must be given again: the one that is kept goes to no other address.', {
      field: 'token',
    });
  }
  const now = clock.now();
  const settings = { ...(JSON.parse(row.settings) as SourceSettings), ...change.settings };
  const columns = {
    name,
    url,
    ...(token === undefined ? {} : { token: sealer.seal(token, sealedIn(row.id).token), token_tail: tailOfSecret(token) }),
    ca,
    settings: JSON.stringify(settings),
    ...(isElsewhere || token !== undefined || ca !== row.ca ? { ...unchecked(now), next_catch_up: now } : {}),
    // The webhook that was made is at the server before.
    ...(isElsewhere ? { webhook: null } : {}),
  };
  const changed = await setColumns(options, row, columns);
  const { ca: _authority, token: _token, settings: given, ...shown } = change;
  const details = {
    ...shown,
    ...given,
    ...(token === undefined ? {} : { token: true }),
    ...(change.ca === undefined ? {} : { ca: ca !== null }),
  };
  await auditSource(options, changed, 'source.changed', details);
  return changed;
}

/** Puts a new secret in place. The one that counted so far counts on until the overlap ends, whichever was being replaced before it no longer. */
export async function rotateSourceSecret(
  options: SourceChangeOptions & OneSource & { readonly secret: string; readonly overlapMs: number },
): Promise<Source> {
  const { tx, secret, overlapMs, sealer, clock } = options;
  const row = await readSourceRow(tx, options);
  const places = sealedIn(row.id);
  const kept = overlapMs === 0 ? null : sealer.seal(sealer.open(row.secret, places.secret), places.previousSecret);
  const changed = await setColumns(options, row, {
    secret: sealer.seal(secret, places.secret),
    secret_tail: tailOfSecret(secret),
    previous_secret: kept,
    previous_secret_until: kept === null ? null : clock.now() + overlapMs,
  });
  await auditSource(options, changed, 'source.secret_changed', { overlapUntil: changed.overlapUntil });
  return changed;
}

/** Deletes the source and where catching up stands. What came of it stays: analyses, reports, events. Fails with `unknown_source`. */
export async function deleteSource(options: SourceChangeOptions & OneSource): Promise<void> {
  const { tx, organization } = options;
  const row = await readSourceRow(tx, options);
  await tx.deleteFrom('source_marks').where('organization', '=', organization).where('source', '=', row.id).execute();
  await tx.deleteFrom('sources').where('organization', '=', organization).where('id', '=', row.id).execute();
  await auditSource(options, row, 'source.deleted', { url: row.url });
}

/** Compare-and-set: somebody on another node may have changed it since it was read. */
async function setColumns({ tx, clock }: SourceChangeOptions, row: SourceRow, columns: Updateable<SourcesTable>): Promise<Source> {
  const set = { ...columns, updated: clock.now(), revision: row.revision + 1 };
  const update = tx.updateTable('sources').set(set).where('organization', '=', row.organization).where('id', '=', row.id);
  const changed = await update.where('revision', '=', row.revision).returningAll().executeTakeFirst();
  if (changed === undefined) throw conflict('source_changed', 'The source was changed at the same time. Look at it, and try again.');
  return sourceOf(changed);
}
