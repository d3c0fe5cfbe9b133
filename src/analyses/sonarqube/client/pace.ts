import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../clock.ts';

export interface Pace {
  /** Waits for a turn; the answer gives it back. Fails with the signal's reason. */
  enter(signal: AbortSignal | undefined): Promise<() => void>;
}

const minuteMs = 60_000;

/**
 * So many at once, and so many a minute: a bucket that fills steadily and holds a tenth of a minute's worth (one turn at least), so that a
 * fetch begins at once but never bursts for long. Turns are taken in the order of asking.
 */
export function createPace(options: { readonly atOnceMax: number; readonly perMinuteMax: number; readonly clock: Clock }): Pace {
  const { atOnceMax, perMinuteMax, clock } = options;
  const holds = Math.max(1, perMinuteMax / 10);
  let filled = holds;
  let since = clock.now();
  let atWork = 0;
  const waiting: (() => void)[] = [];

  function leave(): void {
    atWork -= 1;
    waiting.shift()?.();
  }

  async function room(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      if (atWork < atOnceMax) break;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      const abort = () => resolve();
      signal?.addEventListener('abort', abort, { once: true });
      await promise;
      signal?.removeEventListener('abort', abort);
      const place = waiting.indexOf(resolve);
      if (place >= 0) waiting.splice(place, 1);
      if (signal?.aborted === true) {
        // The turn that woke this one is another's.
        if (place < 0 && atWork < atOnceMax) waiting.shift()?.();
        signal.throwIfAborted();
      }
    }
    atWork += 1;
  }

  async function budget(signal: AbortSignal | undefined): Promise<void> {
    const now = clock.now();
    // A clock that was set back fills nothing, and nothing is taken away for it.
    filled = Math.min(holds, filled + (Math.max(0, now - since) * perMinuteMax) / minuteMs);
    since = now;
    filled -= 1;
    if (filled < 0) await sleep((-filled * minuteMs) / perMinuteMax, undefined, signal === undefined ? {} : { signal });
  }

  return {
    async enter(signal) {
      signal?.throwIfAborted();
      await room(signal);
      try {
        await budget(signal);
      } catch (error) {
        leave();
        throw error;
      }
      let left = false;
      return () => {
        if (!left) leave();
        left = true;
      };
    },
  };
}
