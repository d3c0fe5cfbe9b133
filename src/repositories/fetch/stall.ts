import type { ServerResponse } from 'node:http';

export interface StallLimits {
  /** How often is looked. */
  readonly everyMs: number;
  /** After so many looks at which a client had not taken what was there for it … */
  readonly looks: number;
  /** … it must have taken this much since the first of them, */
  readonly bytesMin: number;
  /** or this much, where others wait for their turn. */
  readonly bytesMinWhileOthersWait: number;
}

/** Some 2 KiB a second; while others wait, 32 KiB a second. */
export const stallLimits: StallLimits = { everyMs: 5_000, looks: 6, bytesMin: 64 * 2 ** 10, bytesMinWhileOthersWait: 2 ** 20 };

/**
 * Cuts the line of a client that takes its answer too slowly, so that no process of git waits for it for ever. Time in which git has nothing to
 * send does not count. `cut` is told why, once.
 */
export function watchStall(options: {
  readonly response: ServerResponse;
  readonly areOthersWaiting: () => boolean;
  readonly onCut: () => void;
  readonly limits?: StallLimits;
}): void {
  const { response, areOthersWaiting, onCut, limits = stallLimits } = options;
  let looks = 0;
  let from = 0;
  const timer = setInterval(() => {
    const taken = response.socket?.bytesWritten ?? 0;
    if (!response.writableNeedDrain) {
      looks = 0;
      return;
    }
    if (looks === 0) from = taken;
    looks += 1;
    if (looks <= limits.looks) return;
    const least = areOthersWaiting() ? limits.bytesMinWhileOthersWait : limits.bytesMin;
    looks = 0;
    if (taken - from >= least) return;
    onCut();
    response.destroy();
  }, limits.everyMs);
  timer.unref();
  response.once('close', () => clearInterval(timer));
}
