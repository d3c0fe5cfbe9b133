import type { LaneName } from './lanes.ts';
import type { Station } from './station.ts';
import { laneNameOf } from './station.ts';
import type { ClaimRow } from './unit-rows.ts';
import { lanes as laneOf } from './unit-rows.ts';

/** Claimed deliveries that wait in memory, all webhooks together … */
export const waitingInAllMax = 2_048;
/** … and of one webhook. */
export const waitingOfWebhookMax = 512;
/** So many times what may be under way is held ready: it lasts while the next are claimed. */
const aheadFactor = 8;
/** What a person asked for is sent beside what is under way, so many of it at a time. */
export const askedAtOnceMax = 2;
/** Of four single places one goes to retries and replays, so that they do not wait for ever behind what is new. */
const againEvery = 4;

export interface WishOptions {
  readonly station: Station;
  readonly now: number;
  /** How many may be under way to it. */
  readonly places: number;
  /** How many more may begin in a lane. */
  readonly room: (lane: LaneName) => number;
  /** Claimed deliveries that wait in memory, all webhooks together. */
  readonly waitingInAll: number;
}

export interface Wish {
  readonly claims: readonly ClaimRow[];
  /** Lanes that have no room for it now: it is next when they have. */
  readonly parks: readonly LaneName[];
}

/** What should be claimed for a webhook now, lane by lane. Pure. */
export function wish(options: WishOptions): Wish {
  const { station, now } = options;
  const claims: ClaimRow[] = [];
  const parks: LaneName[] = [];
  if (station.claiming !== null || now < station.claimAt) return { claims, parks };
  if (station.waits[laneOf.asked] > 0) {
    if (options.room('asked') > 0) claims.push({ webhook: station.webhook, lane: laneOf.asked, limit: askedAtOnceMax });
    else parks.push('asked');
  }
  const room = roomOf(options);
  if (room > 0) share(options, room, claims);
  else if (room < 0) parks.push(laneOfNext(station));
  return { claims, parks };
}

function laneOfNext(station: Station): LaneName {
  return laneNameOf(station, station.waits[laneOf.first] > 0 ? laneOf.first : laneOf.retry);
}

/** How many to claim beside what is asked for; below zero: the common lane has no room, and nothing is held ready that could wait for it. */
function roomOf(options: WishOptions): number {
  const { station, now, places } = options;
  const { target, underWay, waiting, waits, retryAt } = station;
  if (places === 0 || (waits[laneOf.first] <= 0 && waits[laneOf.replay] <= 0 && retryAt > now)) return 0;
  if (target.ordered && underWay + waiting.length > 0) return 0;
  const ahead = aheadOf(options);
  // Not for every single one that is sent: what is held ready lasts until the answer comes.
  if (ahead > 0 && waiting.length > ahead * 0.75) return 0;
  const inLane = Math.max(0, options.room(laneOfNext(station)));
  const room = Math.min(Math.max(0, places - underWay), inLane) + ahead - waiting.length;
  return room > 0 ? room : waiting.length === 0 && places > underWay ? -1 : 0;
}

/** How many to hold ready in memory beside what is under way: only where they will be sent at once. */
export function aheadOf({ station: { health, target }, waitingInAll }: Pick<WishOptions, 'station' | 'waitingInAll'>): number {
  if (health.standing !== 'healthy' || !health.proven || health.slow || target.ordered || target.rate !== null) return 0;
  return Math.max(0, Math.min(health.cap * aheadFactor, waitingOfWebhookMax, waitingInAllMax - waitingInAll));
}

/** What is new goes first; a part, or of single places one in four, is for what is tried again. */
function share({ station, now }: WishOptions, room: number, claims: ClaimRow[]): void {
  const { webhook, waits, turns } = station;
  const first = waits[laneOf.first] > 0;
  const retry = station.retryAt <= now;
  const replay = waits[laneOf.replay] > 0;
  const part = room > 1 ? Math.max(1, Math.floor(room / againEvery)) : turns % againEvery === againEvery - 1 ? 1 : 0;
  const again = retry || replay ? (first ? part : room) : 0;
  if (first && room > again) claims.push({ webhook, lane: laneOf.first, limit: room - again });
  if (again === 0) return;
  if (retry) claims.push({ webhook, lane: laneOf.retry, limit: again });
  if (replay && (!retry || again > 1)) claims.push({ webhook, lane: laneOf.replay, limit: retry ? again >> 1 : again });
}

/** When something changes for a webhook by itself. */
export function nextLook({ health, waits, retryAt, claimAt }: Station, now: number): number {
  const some = waits.some((count) => count > 0);
  if (!some && retryAt === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const times = [retryAt, claimAt, health.standing === 'resting' ? health.restUntil : 0].filter((at) => at > now);
  const soonest = some ? times : [Math.max(...times, 0)].filter((at) => at > now);
  return Math.min(...soonest, Number.POSITIVE_INFINITY);
}
