/** What all webhooks share, divided so that those that hang can never take what the others need. */
export interface LaneSizes {
  /** For webhooks that answer. */
  readonly healthy: number;
  /** Of these, retries and replays take at most so many: first attempts always find room. */
  readonly again: number;
  /** For webhooks that this process has not seen answer yet, one attempt each. */
  readonly trial: number;
  /** For all webhooks together whose last outcome was a timeout or slow. */
  readonly slow: number;
  /** For what a person asked for and waits for. */
  readonly asked: number;
}

export const laneSizesDefault: LaneSizes = { healthy: 512, again: 256, trial: 1_024, slow: 32, asked: 32 };

export type LaneName = keyof LaneSizes;

/** Attempts under way, by lane. Pure book-keeping. */
export interface Lanes {
  /** How many more may begin in this lane now. */
  room(lane: LaneName): number;
  take(lane: LaneName): void;
  free(lane: LaneName): void;
  /** It hangs: it is counted among the slow from now on, even beyond their number, so that nothing new begins there and its old lane has room again. */
  moveToSlow(lane: LaneName): void;
  readonly underWay: Readonly<Record<LaneName, number>>;
}

export function createLanes(sizes: LaneSizes): Lanes {
  const underWay: Record<LaneName, number> = { healthy: 0, again: 0, trial: 0, slow: 0, asked: 0 };
  const change = (lane: LaneName, by: 1 | -1): void => {
    underWay[lane] += by;
    if (lane === 'again') underWay.healthy += by;
  };
  return {
    room(lane) {
      const room = sizes[lane] - underWay[lane];
      return lane === 'again' ? Math.min(room, sizes.healthy - underWay.healthy) : room;
    },
    take: (lane) => change(lane, 1),
    free: (lane) => change(lane, -1),
    moveToSlow(lane) {
      change(lane, -1);
      change('slow', 1);
    },
    underWay,
  };
}
