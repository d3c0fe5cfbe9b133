import type { ServerResponse } from 'node:http';

export interface Progress {
  /** Over so many looks at which a client had not taken what was there for it … */
  readonly looks: number;
  /** … it must have taken this much. */
  readonly bytesMin: number;
}

export interface StallLimits {
  /** How often is looked. */
  readonly everyMs: number;
  readonly always: Progress;
  /** Where others wait for their turn: they must have it well before their patience ends. */
  readonly whileOthersWait: Progress;
}

/** Some 2 KiB a second; while others wait, 32 KiB a second. */
export const stallLimits: StallLimits = {
  everyMs: 1_000,
  always: { looks: 30, bytesMin: 64 * 2 ** 10 },
  whileOthersWait: { looks: 5, bytesMin: 160 * 2 ** 10 },
};

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
  /** What it had taken at each look since it began to lag, the newest last. */
  let seen: number[] = [];
  const isBelow = ({ looks, bytesMin }: Progress): boolean => {
    const [now, then] = [seen.at(-1), seen.at(-1 - looks)];
    return now !== undefined && then !== undefined && now - then < bytesMin;
  };
  const timer = setInterval(() => {
    if (!response.writableNeedDrain) {
      seen = [];
      return;
    }
    seen = [...seen.slice(-limits.always.looks), response.socket?.bytesWritten ?? 0];
    if (!isBelow(limits.always) && !(areOthersWaiting() && isBelow(limits.whileOthersWait))) return;
    onCut();
    response.destroy();
  }, limits.everyMs);
  timer.unref();
  response.once('close', () => clearInterval(timer));
}
