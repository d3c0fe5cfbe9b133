import { sql } from 'kysely';
import type { Reader } from '../../storage/database/database.ts';

/** Webhooks that are looked at in one piece, so that the loop is never held for long. */
export const discoveredOfPieceMax = 100;

/** What waits for a webhook, by lane. */
export interface Waiting {
  readonly webhook: string;
  readonly asked: number;
  /** Since when the oldest first attempt waits, or null. */
  readonly firstDue: number | null;
  readonly replay: number;
  /** When the first retry is due, or null. */
  readonly retryAt: number | null;
}

/**
 * Every webhook that is on and that something waits for: what other nodes recorded, what the process before this one left. Costs by webhooks, never
 * by how much waits: one look into an index for each lane.
 */
export async function* discover(read: Reader): AsyncGenerator<readonly Waiting[]> {
  const waits = (lane: number) =>
    sql`(case when exists (select 1 from deliveries d where d.webhook = w.id and d.state = 'pending' and d.lane = ${sql.lit(lane)}) then 1 else 0 end)`;
  for (let after = ''; ; ) {
    const { rows } = await sql<Waiting>`
      select w.id as webhook, ${waits(0)} as asked, ${waits(3)} as replay,
        (select min(d.due) from deliveries d where d.webhook = w.id and d.state = 'pending' and d.lane = 1) as "firstDue",
        (select min(d.due) from deliveries d where d.webhook = w.id and d.state = 'pending' and d.lane = 2) as "retryAt"
      from webhooks w where w.active = 1 and w.id > ${after} order by w.id limit ${discoveredOfPieceMax}`.execute(read);
    yield rows.filter((row) => row.asked + row.replay > 0 || row.firstDue !== null || row.retryAt !== null);
    after = rows.at(-1)?.webhook ?? '';
    if (rows.length < discoveredOfPieceMax) return;
  }
}
