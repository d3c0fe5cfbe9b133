import type { Database } from '../../storage/database/database.ts';
import type { Scope } from './store.ts';
import { findPull, takeNumber } from './store.ts';

/** Numbers that were given out and not used yet, remembered at most. */
export const numbersKeptMax = 1_000;

/** Numbers of pull requests that pushes will open. */
export interface NumberBook {
  /**
   * A number for what this key says is to be opened. Until it is, the same key gets the same number: two pushes of the same topic at once meet at one
   * ref, where git lets one of them win, and one that failed leaves no gap. Null: the repository is gone.
   */
  take(scope: Scope, key: string): Promise<number | null>;
}

export function createNumberBook(database: Database): NumberBook {
  const given = new Map<string, Promise<number | null>>();
  return {
    async take(scope, key) {
      const whole = `${scope.repository} ${key}`;
      const before = await given.get(whole);
      if (before !== undefined && before !== null) {
        const used = await findPull({ read: database.read, ...scope, number: before });
        if (used === null) return before;
        given.delete(whole);
      }
      const taken = given.get(whole) ?? database.write((tx) => takeNumber({ tx, ...scope }));
      given.set(whole, taken);
      taken.catch(() => given.delete(whole));
      const [oldest] = given.keys();
      if (given.size > numbersKeptMax && oldest !== undefined) given.delete(oldest);
      return taken;
    },
  };
}
