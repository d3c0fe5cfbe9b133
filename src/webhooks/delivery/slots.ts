/** How many deliveries may be under way to one webhook. One that hangs holds so many of our slots and not one more. */
export const inFlightOfWebhookMax = 8;
/** To one whose last attempt failed, a single one at a time probes whether it works again. */
export const inFlightOfFailingMax = 1;
/** How many may be under way in all. */
export const inFlightMax = 256;
/** Retries take at most this many of them, so that first attempts always find room. */
export const retriesInFlightMax = inFlightMax / 2;

/** First attempts have a lane of their own, so that they never queue behind a backlog of retries. */
export type Lane = 'first' | 'retry';

/** What is under way in this process, and how each webhook did last. Pure book-keeping: no clock, no database. */
export interface Slots {
  /** How many more may go to this webhook now. */
  roomOf(webhook: string): number;
  /** How many more may go in this lane now, all webhooks together. */
  roomIn(lane: Lane): number;
  /** Webhooks that have no room, to be left out of the claim. */
  full(): readonly string[];
  take(webhook: string, lane: Lane): void;
  free(webhook: string, lane: Lane, worked: boolean): void;
}

export function createSlots(): Slots {
  const underWay = new Map<string, number>();
  const failing = new Set<string>();
  const lanes: Record<Lane, number> = { first: 0, retry: 0 };
  const roomOf = (webhook: string) => (failing.has(webhook) ? inFlightOfFailingMax : inFlightOfWebhookMax) - (underWay.get(webhook) ?? 0);
  return {
    roomOf,
    roomIn(lane) {
      const room = inFlightMax - lanes.first - lanes.retry;
      return lane === 'first' ? room : Math.min(room, retriesInFlightMax - lanes.retry);
    },
    full: () => [...underWay.keys()].filter((webhook) => roomOf(webhook) <= 0),
    take(webhook, lane) {
      underWay.set(webhook, (underWay.get(webhook) ?? 0) + 1);
      lanes[lane] += 1;
    },
    free(webhook, lane, worked) {
      const left = (underWay.get(webhook) ?? 1) - 1;
      if (left === 0) underWay.delete(webhook);
      else underWay.set(webhook, left);
      lanes[lane] -= 1;
      if (worked) failing.delete(webhook);
      else failing.add(webhook);
    },
  };
}
