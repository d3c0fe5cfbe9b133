import { GatepostError } from '../../errors.ts';

export interface SlotsOptions {
  /** How many at once. */
  readonly count: number;
  /** How many of them one share may have. */
  readonly perShare: number;
  /** How many may wait. */
  readonly queueMax: number;
  /** For how long. */
  readonly waitMs: number;
}

export interface SlotClaim {
  readonly share?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Slots {
  /** Answers once there is room, with what gives the slot back (once; more often does nothing). Who has least comes first. */
  take(claim: SlotClaim): Promise<() => void>;
  busy(): number;
  waiting(): number;
}

interface Waiter {
  readonly share: string;
  readonly begin: () => void;
}

/** When a client should come again: by then some have ended. */
export const busyRetrySeconds = 10;

function gitBusy(): GatepostError {
  return new GatepostError('unavailable', 'git_busy', 'Too much is under way with repositories. Try again in a moment.', {
    retryAfterSeconds: busyRetrySeconds,
  });
}

/** Bounds how much goes on at once, and how much waits: `git_busy` where the queue is full, or the wait was too long. */
export function createSlots({ count, perShare, queueMax, waitMs }: SlotsOptions): Slots {
  const held = new Map<string, number>();
  const queue = new Set<Waiter>();
  let busy = 0;
  const heldBy = (share: string): number => held.get(share) ?? 0;
  const hasRoom = (share: string): boolean => busy < count && (share === '' || heldBy(share) < perShare);
  const take = (share: string): (() => void) => {
    busy += 1;
    held.set(share, heldBy(share) + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      busy -= 1;
      if (heldBy(share) > 1) held.set(share, heldBy(share) - 1);
      else held.delete(share);
      next();
    };
  };
  const next = (): void => {
    for (let waiter = first(); waiter !== null; waiter = first()) {
      queue.delete(waiter);
      waiter.begin();
    }
  };
  /** Whoever has least has the next turn; among equals who came first. */
  const first = (): Waiter | null => {
    let best: Waiter | null = null;
    for (const waiter of queue) {
      if (hasRoom(waiter.share) && (best === null || heldBy(waiter.share) < heldBy(best.share))) best = waiter;
    }
    return best;
  };
  const wait = (share: string, signal: AbortSignal | undefined): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const giveUp = (): void => {
        queue.delete(waiter);
        settle();
        reject(gitBusy());
      };
      const timer = setTimeout(giveUp, waitMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      };
      const waiter: Waiter = {
        share,
        begin() {
          settle();
          resolve(take(share));
        },
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      queue.add(waiter);
    });
  return {
    async take({ share = '', signal }) {
      if (signal?.aborted === true) throw gitBusy();
      if (hasRoom(share)) return take(share);
      if (queue.size >= queueMax) throw gitBusy();
      return wait(share, signal);
    },
    busy: () => busy,
    waiting: () => queue.size,
  };
}
