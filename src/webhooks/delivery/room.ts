/** So many connections are open at most at one time, over all webhooks: an operating system gives a process no more than it likes. */
export interface Room {
  /** Places that are taken. */
  readonly taken: number;
  /** Takes a place, or waits until one is given back; who waited longest goes first. Fails with the signal's reason. */
  take(signal: AbortSignal): Promise<void>;
  giveBack(): void;
}

export interface RoomOptions {
  readonly max: number;
  /** Called when somebody must wait: what stands idle may go. */
  readonly full: () => void;
}

export function createRoom({ max, full }: RoomOptions): Room {
  // A set keeps its order, and whoever gives up is taken out of its middle at once.
  const waiting = new Set<() => void>();
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    async take(signal) {
      signal.throwIfAborted();
      if (taken < max) {
        taken += 1;
        return;
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = () => {
        if (waiting.delete(resolve)) reject(signal.reason as Error);
      };
      waiting.add(resolve);
      signal.addEventListener('abort', giveUp, { once: true });
      full();
      try {
        await promise;
      } finally {
        signal.removeEventListener('abort', giveUp);
      }
    },
    giveBack() {
      const [next] = waiting;
      if (next === undefined) {
        taken -= 1;
        return;
      }
      // The place goes from hand to hand.
      waiting.delete(next);
      next();
    },
  };
}
