import { GatepostError } from '../../errors.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { resealInUnits } from '../../storage/database/reseal-in-units.ts';
import { sealedIn } from './source.ts';

/** Sources of one unit. */
export const sourcesResealedOfUnitMax = 50;

export interface ResealSourcesOptions {
  readonly database: Database;
  /** Whose current key everything is to be under. */
  readonly sealer: Sealer;
  /** Called after each unit is on disk. */
  readonly afterUnit?: () => void;
}

export interface ResealedSources {
  /** How many were sealed anew. */
  readonly changed: number;
  /** Sources with a token or secret that no key of the ring opens: it stays as it is. */
  readonly lost: readonly string[];
}

/** Seals the tokens and secrets of all sources anew, in small units. What is done is passed over, so it may break off anywhere and be begun again. */
export async function resealSources({ database, sealer, afterUnit }: ResealSourcesOptions): Promise<ResealedSources> {
  return resealInUnits({ database, afterUnit, unit: ({ tx, after }) => resealUnit({ tx, sealer, after }) });
}

async function resealUnit(options: { readonly tx: Tx; readonly sealer: Sealer; readonly after: string }) {
  const { tx, sealer, after } = options;
  const rows = await tx
    .selectFrom('sources')
    .select(['id', 'organization', 'token', 'secret', 'previous_secret'])
    .where('id', '>', after)
    .orderBy('id')
    .limit(sourcesResealedOfUnitMax)
    .execute();
  let changed = 0;
  const lost: string[] = [];
  for (const row of rows) {
    const { set, isLost } = resealedColumns(sealer, row);
    if (isLost) lost.push(row.id);
    if (Object.keys(set).length === 0) continue;
    changed += 1;
    await tx.updateTable('sources').set(set).where('organization', '=', row.organization).where('id', '=', row.id).execute();
  }
  return { changed, lost, last: rows.length < sourcesResealedOfUnitMax ? null : (rows.at(-1)?.id ?? null) };
}

interface SealedColumns {
  readonly id: string;
  readonly token: string;
  readonly secret: string;
  readonly previous_secret: string | null;
}

function resealedColumns(sealer: Sealer, row: SealedColumns) {
  const places = sealedIn(row.id);
  const texts = [
    ['token', row.token, places.token],
    ['secret', row.secret, places.secret],
    ['previous_secret', row.previous_secret, places.previousSecret],
  ] as const;
  const set: Partial<Record<(typeof texts)[number][0], string>> = {};
  let isLost = false;
  for (const [column, kept, place] of texts) {
    if (kept === null || sealer.isCurrent(kept)) continue;
    try {
      set[column] = sealer.seal(sealer.open(kept, place), place);
    } catch (error) {
      if (!(error instanceof GatepostError && error.code === 'secret_unreadable')) throw error;
      isLost = true;
    }
  }
  return { set, isLost };
}
