import type { Database, Tx } from '../storage/database/database.ts';

/** Rows that one unit of a deletion takes: enough to be quick, few enough that the one writer is never held for long. */
export const rowsOfUnitMax = 500;

export interface DeletionScope {
  readonly organization: string;
  /** Project id, or null: all that the organization has. */
  readonly project: string | null;
  /** Repository id: that alone, of this organization. Left out or null: see `project`. */
  readonly repository?: string | null;
}

/**
 * What one noun does when a project, a repository or an organization goes: deletes at most `limit` of its rows and answers how many it did. Below `limit` means
 * that none are left. Rows that others point to go after those that point: app.ts hands the steps in that order.
 */
export interface DeletionStep {
  readonly name: string;
  readonly run: (options: DeletionScope & { readonly tx: Tx; readonly limit: number }) => Promise<number>;
}

export interface RunDeletionOptions<T> {
  readonly database: Database;
  readonly steps: readonly DeletionStep[];
  readonly scope: DeletionScope;
  /**
   * Holds the row of the thing itself until the unit ends, first of all in the last unit: who adds to it at the same time has either committed by
   * then, and is seen, or waits and finds it gone.
   */
  readonly hold: (tx: Tx) => Promise<void>;
  /** The end: deletes the thing itself and records the trace, in the unit that finds no other row left. */
  readonly last: (tx: Tx) => Promise<T>;
}

/**
 * Deletes all that belongs to a project or an organization in units of bounded size, and the thing itself in the last. Cut off by a crash, it
 * is done again from where it stood when it is asked for again.
 */
export async function runDeletion<T>({ database, steps, scope, hold, last }: RunDeletionOptions<T>): Promise<T> {
  for (;;) {
    for (const step of steps) await runStep({ database, step, scope });
    const ended = await database.write(async (tx): Promise<{ readonly value: T } | null> => {
      await hold(tx);
      // What came in meanwhile goes too; if that is much, in units of its own.
      for (const step of steps) if ((await step.run({ ...scope, tx, limit: rowsOfUnitMax })) >= rowsOfUnitMax) return null;
      return { value: await last(tx) };
    });
    if (ended !== null) return ended.value;
  }
}

async function runStep({
  database,
  step,
  scope,
}: {
  readonly database: Database;
  readonly step: DeletionStep;
  readonly scope: DeletionScope;
}): Promise<void> {
  for (;;) {
    const deleted = await database.write((tx) => step.run({ ...scope, tx, limit: rowsOfUnitMax }));
    if (deleted < rowsOfUnitMax) return;
  }
}
