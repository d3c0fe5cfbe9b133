import type { Clock } from '../../clock.ts';
import type { Database } from '../../storage/database/database.ts';

/** How exact "last received" is: a source that is told much is written down once in this time. */
export const receivedEveryMs = 10_000;
/** Gathered for this long, then written in one unit. */
export const receivedGatherMs = 1_000;
const rememberedMax = 10_000;

export interface ReceiptsOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: { warn(facts: Readonly<Record<string, unknown>>, message: string): void };
}

/** When each source last sent something that was signed as it should be. */
export interface Receipts {
  note(source: { readonly id: string; readonly organization: string }): void;
  /** Writes down what is still gathered. */
  stop(): Promise<void>;
}

export function createReceipts({ database, clock, log }: ReceiptsOptions): Receipts {
  const noted = new Map<string, number>();
  const gathered = new Map<string, { readonly organization: string; readonly at: number }>();
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    timer = null;
    const entries = [...gathered];
    gathered.clear();
    if (entries.length === 0) return;
    try {
      await database.write(async (tx) => {
        for (const [id, { organization, at }] of entries) {
          const set = { last_received: at };
          await tx.updateTable('sources').set(set).where('organization', '=', organization).where('id', '=', id).execute();
        }
      });
    } catch (error) {
      // One that is not written down harms nobody; the next one is.
      log.warn({ err: error }, 'last receipts not written');
    }
  };
  return {
    note({ id, organization }) {
      const now = clock.now();
      if (Math.abs(now - (noted.get(id) ?? Number.NEGATIVE_INFINITY)) < receivedEveryMs) return;
      if (noted.size >= rememberedMax) noted.clear();
      noted.set(id, now);
      gathered.set(id, { organization, at: now });
      timer ??= setTimeout(() => {
        writing = flush();
      }, receivedGatherMs).unref();
    },
    async stop() {
      if (timer !== null) clearTimeout(timer);
      await writing;
      await flush();
    },
  };
}
