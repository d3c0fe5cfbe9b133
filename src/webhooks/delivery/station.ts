import type { Health } from './health.ts';
import type { LaneName } from './lanes.ts';
import type { Begun } from './rate.ts';
import { beginsAt } from './rate.ts';
import type { Target, Unopened } from './target.ts';
import type { Lane } from './unit-rows.ts';
import { lanes } from './unit-rows.ts';

/** A delivery that is leased by this process. */
export interface Job {
  readonly delivery: string;
  readonly event: string;
  readonly kind: string;
  /** Of the attempt to be made: 1 for the first. */
  readonly attempt: number;
  readonly created: number;
  readonly retryUntil: number;
  readonly token: string;
  readonly leaseUntil: number;
  readonly lane: Lane;
  readonly contentType: string;
  readonly body: Buffer;
}

/** One webhook: what is known of it, what is under way to it, what waits for it. */
export interface Station {
  readonly webhook: string;
  target: Target | Unopened;
  readonly health: Health;
  underWay: number;
  /** About to be recorded, to be born leased. */
  coming: number;
  /** Claimed, and not begun yet. */
  readonly waiting: Job[];
  /** A claim for it is on its way: how many rows it asks for, and what was known to wait then. */
  claiming: { readonly rows: number; readonly waits: readonly number[]; readonly marks: number } | null;
  /** How many are known to wait in each lane, by its number; of retries `retryAt` says it. */
  readonly waits: [asked: number, first: number, retry: number, replay: number];
  /** When the first retry is due. */
  retryAt: number;
  /** Grows whenever `retryAt` is brought forward, so that an answer that was on its way does not put it back. */
  marks: number;
  /** No claim before this: its rate is used up, or another node holds it. */
  claimAt: number;
  /** Where it has a rate: when the latest attempts began. */
  begun: Begun | null;
  turns: number;
  /** When a success was written down with the webhook last. */
  successAt: number;
  wakeAt: number;
}

/** The order in which the deliveries of one event begin. */
export function byRank(one: Station, other: Station): number {
  return one === other ? 0 : one.target.rank < other.target.rank ? -1 : one.target.rank > other.target.rank ? 1 : 0;
}

/** A place among what is under way. */
export interface Slot {
  readonly station: Station;
  lane: LaneName;
  readonly round: number;
  since: number;
}

export function createStation(target: Target | Unopened, health: Health): Station {
  return {
    webhook: target.webhook,
    target,
    health,
    underWay: 0,
    coming: 0,
    waiting: [],
    claiming: null,
    waits: [0, 0, 0, 0],
    retryAt: Number.POSITIVE_INFINITY,
    marks: 0,
    claimAt: 0,
    begun: null,
    turns: 0,
    successAt: 0,
    wakeAt: Number.POSITIVE_INFINITY,
  };
}

/** When an attempt that has its slot may begin: now, or in a moment where its webhook's rate would be passed. Notes that it does. */
export function beginning(station: Station, now: number): number {
  const { rate } = station.target;
  if (rate === null) return now;
  const known = station.begun?.rate;
  if (station.begun === null || known?.count !== rate.count || known.periodMs !== rate.periodMs)
    station.begun = { rate, times: [], next: 0 };
  return beginsAt(station.begun, now);
}

/** Which of the common lanes a delivery of this webhook takes now. */
export function laneNameOf({ health }: Station, lane: Lane): LaneName {
  if (lane === lanes.asked) return 'asked';
  if (health.slow) return 'slow';
  if (!health.proven) return 'trial';
  return lane === lanes.first ? 'healthy' : 'again';
}
