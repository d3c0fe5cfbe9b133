import type { Database, Tx } from './database.ts';

/** What one unit of a walk over a table came to. */
export interface ResealedUnit {
  readonly changed: number;
  readonly lost: readonly string[];
  /** The id that the next unit begins behind; null: this was the last. */
  readonly last: string | null;
}

export interface ResealInUnitsOptions {
  readonly database: Database;
  readonly unit: (options: { readonly tx: Tx; readonly after: string }) => Promise<ResealedUnit>;
  /** Called after each unit is on disk. */
  readonly afterUnit?: (() => void) | undefined;
}

/** Walks over a table by id in units of bounded size, each durable by itself, so that it may break off anywhere and be begun again. */
export async function resealInUnits({ database, unit, afterUnit }: ResealInUnitsOptions): Promise<Omit<ResealedUnit, 'last'>> {
  let changed = 0;
  const lost: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const from: string = after;
    const done = await database.write((tx) => unit({ tx, after: from }));
    changed += done.changed;
    lost.push(...done.lost);
    after = done.last;
    afterUnit?.();
  }
  return { changed, lost };
}
