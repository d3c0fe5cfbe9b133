import type { Database } from '../../storage/database/database.ts';

/** At most one hint goes out in this time, whatever was recorded. */
export const hintEveryMs = 20;
/** A hint names at most so many webhooks; one about more says that everything is to be looked at. PostgreSQL takes 8,000 bytes. */
export const webhooksOfHintMax = 150;
const channel = 'gatepost_deliveries';

export interface Hints {
  /** Something waits for these webhooks, and other nodes may have room for it sooner. */
  tell(webhooks: readonly string[]): void;
  stop(): Promise<void>;
}

/**
 * Tells other nodes of what waits, and hears it from them: sent after the commit and as a statement of its own, since within a transaction all
 * commits would wait for each other. A hint may be lost; the poll stands behind it. `hear` gets webhooks, or null: look at all.
 */
export function createHints(options: {
  readonly database: Database;
  readonly hear: (webhooks: readonly string[] | null) => void;
  readonly failed: (error: unknown, what: string) => void;
}): Hints {
  const { database, hear, failed } = options;
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  const heard = database.listen(channel, (text) => {
    const [node, ...webhooks] = text.split(' ');
    if (node !== database.node) hear(webhooks[0] === everything ? null : webhooks);
  });
  const flush = (): void => {
    timer = null;
    const names = waiting.size > webhooksOfHintMax ? [everything] : [...waiting];
    waiting.clear();
    database.notify(channel, [database.node, ...names].join(' ')).catch((error: unknown) => failed(error, 'a hint'));
  };
  return {
    tell(webhooks) {
      if (heard === null || webhooks.length === 0) return;
      for (const webhook of webhooks) waiting.add(webhook);
      timer ??= setTimeout(flush, hintEveryMs);
    },
    async stop() {
      if (timer !== null) clearTimeout(timer);
      await heard?.stop();
    },
  };
}

const everything = '*';
