import { GatepostError } from '../../errors.ts';

export interface SlotsOptions {
  /** How many at once. */
  readonly count: number;
  /** How many may wait. */
  readonly queueMax: number;
  /** For how long. */
  readonly waitMs: number;
}

export interface SlotClaim {
  /** Who shares with others, from the outside in (an organization, its token). None: it is bounded by what there is alone. */
  readonly shares?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Slots {
  /** Answers once there is room, with what gives the slot back (once; more often does nothing). Who has least comes first. */
  take(claim: SlotClaim): Promise<() => void>;
  busy(): number;
  waiting(): number;
}

interface Waiter {
  readonly shares: readonly string[];
  readonly begin: () => void;
}

/** One may hold so many times what it leaves free for others: alone three quarters, of two each three sevenths, and always some is left. */
export const partsOfFree = 3;

/** How many of so many free ones may be taken by one that holds so many; who holds none may always take one. */
export function roomOf(free: number, held: number): number {
  const room = Math.floor((partsOfFree * free - held) / (partsOfFree + 1));
  return Math.max(room, held === 0 ? Math.min(free, 1) : 0);
}

/** What is held and by whom: the same rule for an organization among all, and for a token among its organization's. */
function createHolding(count: number) {
  const held = new Map<string, number>();
  let all = 0;
  const heldBy = (key: string): number => held.get(key) ?? 0;
  /** `a`, then `a b` of the shares a and b. */
  const keysOf = (shares: readonly string[]): readonly string[] => shares.map((_, at) => shares.slice(0, at + 1).join(' '));
  const add = (shares: readonly string[], step: 1 | -1): void => {
    all += step;
    for (const key of keysOf(shares)) {
      if (heldBy(key) + step === 0) held.delete(key);
      else held.set(key, heldBy(key) + step);
    }
  };
  return {
    add,
    all: () => all,
    heldBy: (shares: readonly string[]): readonly number[] => keysOf(shares).map(heldBy),
    hasRoom: (shares: readonly string[]): boolean =>
      keysOf(shares).reduce((free, key) => roomOf(free, heldBy(key)), Math.max(0, count - all)) > 0,
  };
}

/** When a client should come again: by then some have ended. */
export const busyRetrySeconds = 10;

function gitBusy(): GatepostError {
  return new GatepostError('unavailable', 'git_busy', 'Too much is under way with repositories. Try again in a moment.', {
    retryAfterSeconds: busyRetrySeconds,
  });
}

/** Bounds how much goes on at once, and how much waits: `git_busy` where there is no room in the queue, or the wait was too long. */
export function createSlots({ count, queueMax, waitMs }: SlotsOptions): Slots {
  const holding = createHolding(count);
  const lining = createHolding(queueMax);
  const queue = new Set<Waiter>();
  const take = (shares: readonly string[]): (() => void) => {
    holding.add(shares, 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      holding.add(shares, -1);
      next();
    };
  };
  const leave = (waiter: Waiter): void => {
    if (queue.delete(waiter)) lining.add(waiter.shares, -1);
  };
  const next = (): void => {
    for (let waiter = first(); waiter !== null; waiter = first()) {
      leave(waiter);
      waiter.begin();
    }
  };
  /** Whose organization has least has the next turn, then whose token; among equals who came first. */
  const first = (): Waiter | null => {
    let best: Waiter | null = null;
    for (const waiter of queue) {
      if (holding.hasRoom(waiter.shares) && (best === null || hasLess(waiter, best))) best = waiter;
    }
    return best;
  };
  const hasLess = (one: Waiter, other: Waiter): boolean => {
    const [own, others] = [holding.heldBy(one.shares), holding.heldBy(other.shares)];
    const at = own.findIndex((number, place) => number !== (others[place] ?? 0));
    return at >= 0 && (own[at] ?? 0) < (others[at] ?? 0);
  };
  const wait = (shares: readonly string[], signal: AbortSignal | undefined): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const giveUp = (): void => {
        leave(waiter);
        settle();
        reject(gitBusy());
      };
      const timer = setTimeout(giveUp, waitMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      };
      const waiter: Waiter = {
        shares,
        begin() {
          settle();
          resolve(take(shares));
        },
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      queue.add(waiter);
      lining.add(shares, 1);
    });
  return {
    async take({ shares = [], signal }) {
      if (signal?.aborted === true) throw gitBusy();
      if (holding.hasRoom(shares)) return take(shares);
      if (!lining.hasRoom(shares)) throw gitBusy();
      return wait(shares, signal);
    },
    busy: () => holding.all(),
    waiting: () => queue.size,
  };
}
