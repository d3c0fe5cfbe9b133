import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { steadyNow } from '../../test/delivery/process.ts';
import type { Database } from '../../src/storage/database/database.ts';

const pollMs = 2;
const settledMsMax = 120_000;

export interface Watched {
  /** Of these webhooks alone; left out, of all. */
  readonly webhooks?: readonly string[];
}

/** Answers when nothing waits and nothing is under way any more, as committed rows tell it from outside. */
export async function settledAt(database: Database, watched: Watched = {}): Promise<number> {
  const until = steadyNow() + settledMsMax;
  while (await isOpen(database, watched)) {
    if (steadyNow() > until) throw new Error(`Not settled within ${settledMsMax} ms.`);
    await sleep(pollMs);
  }
  return steadyNow();
}

async function isOpen(database: Database, { webhooks }: Watched): Promise<boolean> {
  for (const state of ['leased', 'pending'] as const) {
    // As a literal, so that the index of that state serves.
    let query = database.read
      .selectFrom('deliveries')
      .select('id')
      .where(sql<boolean>`state = ${sql.lit(state)}`)
      .limit(1);
    if (webhooks !== undefined) query = query.where('webhook', 'in', webhooks);
    if ((await query.executeTakeFirst()) !== undefined) return true;
  }
  return false;
}

/** What the rows say in the end. */
export async function tally(database: Database): Promise<{ readonly delivered: number; readonly attempts: number }> {
  const count = async (query: { executeTakeFirstOrThrow(): Promise<{ n: number | string | bigint }> }): Promise<number> =>
    Number((await query.executeTakeFirstOrThrow()).n);
  return {
    delivered: await count(
      database.read
        .selectFrom('deliveries')
        .select((row) => row.fn.countAll().as('n'))
        .where('state', '=', 'delivered'),
    ),
    attempts: await count(database.read.selectFrom('attempts').select((row) => row.fn.countAll().as('n'))),
  };
}
