import type { LastSeen, LastSeenOptions } from '../../storage/database/last-seen.ts';
import { createLastSeen } from '../../storage/database/last-seen.ts';

/** How exact "last received" is: a source that is told much is written down once in this time. */
export const receivedEveryMs = 10_000;
/** Gathered for this long, then written in one unit. */
export const receivedGatherMs = 1_000;
const rememberedMax = 10_000;

export type ReceiptsOptions = Pick<LastSeenOptions, 'database' | 'clock' | 'log'>;

/** When each source last sent something that was signed as it should be. */
export type Receipts = LastSeen;

export function createReceipts(options: ReceiptsOptions): Receipts {
  return createLastSeen({
    ...options,
    everyMs: receivedEveryMs,
    gatherMs: receivedGatherMs,
    rememberedMax,
    lost: 'last receipts not written',
    write: ({ tx, id, organization, at }) =>
      tx.updateTable('sources').set({ last_received: at }).where('organization', '=', organization).where('id', '=', id).execute(),
  });
}
