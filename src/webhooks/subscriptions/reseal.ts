import type { Sealer } from '../../secret-key.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { resealInUnits } from '../../storage/database/reseal-in-units.ts';
import type { SealedRow } from './sealed.ts';
import { isClear, noSecret, sealedIn, unlessLost } from './sealed.ts';

/** Webhooks of one unit: five texts each to open and seal take well under a millisecond. */
export const resealedOfUnitMax = 50;

export interface ResealOptions {
  readonly database: Database;
  /** Whose current key everything is to be under. */
  readonly sealer: Sealer;
  /** Called after each unit is on disk. */
  readonly afterUnit?: () => void;
}

export interface Resealed {
  /** How many webhooks were sealed anew. */
  readonly changed: number;
  /** Webhooks with a secret that no key of the ring opens: it stays as it is. */
  readonly lost: readonly string[];
}

/**
 * Seals the secrets of all webhooks anew, in small units: whatever is not under the current key, and URLs that lie in clear. What is done is
 * passed over, so that it may break off anywhere and be begun again.
 */
export async function resealWebhooks({ database, sealer, afterUnit }: ResealOptions): Promise<Resealed> {
  return resealInUnits({ database, afterUnit, unit: ({ tx, after }) => resealUnit({ tx, sealer, after }) });
}

async function resealUnit(options: { readonly tx: Tx; readonly sealer: Sealer; readonly after: string }) {
  const { tx, sealer, after } = options;
  const rows = await tx
    .selectFrom('webhooks')
    .select(['id', 'organization', 'url', 'secret', 'previous_secret', 'headers', 'proxy', 'query'])
    .where('id', '>', after)
    .orderBy('id')
    .limit(resealedOfUnitMax)
    .execute();
  let changed = 0;
  const lost: string[] = [];
  for (const row of rows) {
    const columns = resealedColumns(sealer, row);
    if (columns.lost) lost.push(row.id);
    if (Object.keys(columns.set).length === 0) continue;
    changed += 1;
    await tx.updateTable('webhooks').set(columns.set).where('organization', '=', row.organization).where('id', '=', row.id).execute();
  }
  return { changed, lost, last: rows.length < resealedOfUnitMax ? null : (rows.at(-1)?.id ?? null) };
}

/** The columns that are not under the current key, as they are to be. */
function resealedColumns(sealer: Sealer, row: SealedRow) {
  const places = sealedIn(row.id);
  const texts = [
    ['url', row.url, places.url],
    ['secret', row.secret, places.secret],
    ['previous_secret', row.previous_secret, places.previousSecret],
    ['headers', row.headers, places.headers],
    ['proxy', row.proxy, places.proxy],
    ['query', row.query, places.query],
  ] as const;
  const set: Partial<Record<(typeof texts)[number][0], string>> = {};
  let lost = false;
  for (const [column, kept, place] of texts) {
    if (kept === null || kept === noSecret || sealer.isCurrent(kept)) continue;
    const text = column === 'url' && isClear(kept) ? kept : unlessLost<string | null>(() => sealer.open(kept, place), null);
    if (text === null) lost = true;
    else set[column] = sealer.seal(text, place);
  }
  return { set, lost };
}

/** Seals the URLs that were kept in clear before all were sealed. Answers how many there were. */
export async function sealClearUrls({ database, sealer }: ResealOptions): Promise<number> {
  let sealed = 0;
  for (;;) {
    const rows = await database.read
      .selectFrom('webhooks')
      .select(['id', 'url'])
      .where('url', 'like', 'http%')
      .limit(resealedOfUnitMax)
      .execute();
    if (rows.length === 0) return sealed;
    await database.write(async (tx) => {
      for (const { id, url } of rows) {
        const set = { url: sealer.seal(url, sealedIn(id).url) };
        // Compare-and-set: another node may do the same, or somebody may change it.
        await tx.updateTable('webhooks').set(set).where('id', '=', id).where('url', '=', url).execute();
      }
    });
    sealed += rows.length;
  }
}
