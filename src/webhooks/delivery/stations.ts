import type { Clock } from '../../clock.ts';
import type { LaneName, Lanes, LaneSizes } from './lanes.ts';
import { createLanes } from './lanes.ts';
import type { Bounds, Failure, Health } from './station.ts';
import { createHealth, failed, inFlightOf, overdue, worked } from './station.ts';
import type { Target, Unopened } from './target.ts';
import type { Timetable } from './timetable.ts';
import { createTimetable } from './timetable.ts';
import type { ClaimRow, Lane } from './unit-rows.ts';
import { lanes as laneOf } from './unit-rows.ts';

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
  turns: number;
  wakeAt: number;
}

/** A place among what is under way. */
export interface Slot {
  readonly station: Station;
  lane: LaneName;
  readonly round: number;
  since: number;
}

/** Claimed deliveries that wait in memory, all webhooks together … */
export const waitingInAllMax = 2_048;
/** … and of one webhook. */
export const waitingOfWebhookMax = 64;
/** What a person asked for is sent beside what is under way, so many of it at a time. */
const askedAtOnceMax = 2;
/** Of four single places one goes to retries and replays, so that they do not wait for ever behind what is new. */
const againEvery = 4;
/** Webhooks that one turn claims for. */
export const claimedOfTurnMax = 256;

export interface StationsOptions {
  readonly bounds: Bounds;
  readonly sizes: LaneSizes;
  /** Steady. */
  readonly clock: Clock;
  /** Something is to be sent, and there is room for it. */
  readonly begin: (job: Job, slot: Slot) => void;
  /** Something that was claimed will not be sent soon. */
  readonly giveBack: (job: Job) => void;
  /** There is something to claim. */
  readonly wanted: () => void;
}

/** Which deliveries go next: all decisions about order and room, none about the database or the network. */
export class Stations {
  readonly lanes: Lanes;
  readonly #options: StationsOptions;
  readonly #all = new Map<string, Station>();
  readonly #claimable = new Set<Station>();
  readonly #parked = new Map<LaneName, Set<Station>>();
  readonly #fresh = new Set<Slot>();
  readonly #timetable: Timetable<Station> = createTimetable();
  #waiting = 0;
  #open = false;

  constructor(options: StationsOptions) {
    this.#options = options;
    this.lanes = createLanes(options.sizes);
  }

  /** From now on things are begun and claimed. */
  open(): void {
    this.#open = true;
    for (const station of this.#all.values()) this.look(station);
  }

  /** Nothing more is. */
  close(): void {
    this.#open = false;
  }

  get(webhook: string): Station | undefined {
    return this.#all.get(webhook);
  }

  /** A webhook that was read, or read again because its row changed. */
  put(target: Target | Unopened): Station {
    const known = this.#all.get(target.webhook);
    if (known !== undefined) {
      known.target = target;
      return known;
    }
    const station: Station = {
      webhook: target.webhook,
      target,
      health: createHealth(target.remembered, this.#options.bounds),
      underWay: 0,
      waiting: [],
      claiming: null,
      waits: [0, 0, 0, 0],
      retryAt: Number.POSITIVE_INFINITY,
      marks: 0,
      claimAt: 0,
      turns: 0,
      wakeAt: Number.POSITIVE_INFINITY,
    };
    this.#all.set(target.webhook, station);
    return station;
  }

  /** It is off or gone: nothing more is begun. */
  drop(station: Station): void {
    this.#giveBackWaiting(station);
    this.#all.delete(station.webhook);
    this.#claimable.delete(station);
    for (const parked of this.#parked.values()) parked.delete(station);
  }

  /** So many more wait in this lane. */
  mark(station: Station, lane: Lane, count = 1): void {
    if (lane === laneOf.retry) this.markRetry(station, 0);
    else station.waits[lane] += count;
  }

  /** A retry is due at this time. */
  markRetry(station: Station, at: number): void {
    station.marks += 1;
    station.retryAt = Math.min(station.retryAt, at);
  }

  /** What a claim told of a lane: null, nothing is left in it of what waited when it was asked; or when it has something again. */
  found(station: Station, lane: Lane, next: number | null): void {
    const { claiming } = station;
    if (lane === laneOf.retry) {
      const at = next ?? Number.POSITIVE_INFINITY;
      station.retryAt = claiming?.marks === station.marks ? at : Math.min(station.retryAt, at);
      return;
    }
    if (next === null) station.waits[lane] -= claiming?.waits[lane] ?? 0;
    else if (next > this.#options.clock.now()) station.claimAt = next;
    else station.waits[lane] = Math.max(station.waits[lane], 1);
  }

  arrived(station: Station, job: Job): void {
    if (job.lane === laneOf.asked) station.waiting.unshift(job);
    else station.waiting.push(job);
    this.#waiting += 1;
  }

  /** A place for a delivery that is not recorded yet, so that it can be born leased; null where it has to wait its turn. */
  reserve(station: Station): Slot | null {
    const { target, health, waits, waiting } = station;
    if (!this.#open || target.ordered || target.limited) return null;
    const places = inFlightOf(health, this.#options.clock.now()) - station.underWay;
    // What waits already is claimed at once and needs its places first.
    if (places <= waits[laneOf.asked] + waits[laneOf.first] + waiting.length) return null;
    const lane = laneNameOf(station, laneOf.first);
    return this.lanes.room(lane) > 0 ? this.#take(station, lane) : null;
  }

  /** A reserved place that is not needed. */
  release(slot: Slot): void {
    this.#free(slot);
    this.look(slot.station);
  }

  /** Begins what can begin, and finds out what is to be claimed and when to look again. */
  look(station: Station): void {
    if (!this.#open) return;
    const now = this.#options.clock.now();
    this.#beginWaiting(station, now);
    if (this.#wishes(station, now).length > 0) {
      this.#claimable.add(station);
      this.#options.wanted();
    }
    const at = nextLook(station, now);
    if (at < station.wakeAt || station.wakeAt <= now) {
      station.wakeAt = at;
      if (at !== Number.POSITIVE_INFINITY) this.#timetable.add(at, station);
    }
  }

  /** What a turn claims. Each webhook that is named waits for the answer before it is named again. */
  claims(): readonly ClaimRow[] {
    if (!this.#open) return [];
    const now = this.#options.clock.now();
    const rows: ClaimRow[] = [];
    let webhooks = 0;
    for (const station of this.#claimable) {
      if (webhooks >= claimedOfTurnMax) break;
      this.#claimable.delete(station);
      const wishes = this.#wishes(station, now);
      if (wishes.length === 0) continue;
      webhooks += 1;
      station.turns += 1;
      station.claiming = { rows: wishes.reduce((sum, wish) => sum + wish.limit, 0), waits: [...station.waits], marks: station.marks };
      this.#waiting += station.claiming.rows;
      rows.push(...wishes);
    }
    return rows;
  }

  /** The answer to a claim is here, or there will be none. */
  claimEnded(station: Station): void {
    this.#waiting -= station.claiming?.rows ?? 0;
    station.claiming = null;
  }

  hasClaims(): boolean {
    return this.#open && this.#claimable.size > 0;
  }

  /** An attempt was answered well. */
  worked(slot: Slot, durationMs: number): void {
    worked(slot.station.health, durationMs, this.#options.bounds);
    this.#free(slot);
    this.look(slot.station);
  }

  failed(slot: Slot, failure: Omit<Failure, 'round' | 'now'>): void {
    const { station, round } = slot;
    failed(station.health, { ...failure, round, now: this.#options.clock.now() }, this.#options.bounds);
    this.#giveBackWaiting(station);
    this.#free(slot);
    this.look(station);
  }

  /** An attempt that was broken off by us: it says nothing about the webhook. */
  brokenOff(slot: Slot): void {
    this.#free(slot);
  }

  /** A webhook in strict order waits as a whole until its first delivery is tried again. */
  restUntil(station: Station, at: number): void {
    station.health.standing = 'resting';
    station.health.restUntil = Math.max(station.health.restUntil, at);
  }

  /** A person asked: it is tried at once. */
  wake(station: Station): void {
    station.health.restUntil = 0;
    if (station.health.standing === 'resting') station.health.standing = 'probing';
    station.claimAt = 0;
    this.look(station);
  }

  /** Looks at those whose time has come. Answers when the next one's comes, or null. */
  tick(): number | null {
    const now = this.#options.clock.now();
    for (const station of this.#timetable.due(now)) {
      station.wakeAt = Number.POSITIVE_INFINITY;
      if (this.#all.get(station.webhook) === station) this.look(station);
    }
    return this.#timetable.next();
  }

  /** What has not been answered for long is counted among the slow from here on: its place is given to others. */
  watch(): void {
    const before = this.#options.clock.now() - this.#options.bounds.slowMs;
    for (const slot of this.#fresh) {
      if (slot.since > before) break;
      this.#fresh.delete(slot);
      overdue(slot.station.health);
      if (slot.lane === 'slow' || slot.lane === 'asked') continue;
      const { lane } = slot;
      this.lanes.moveToSlow(lane);
      slot.lane = 'slow';
      this.#giveBackWaiting(slot.station);
      this.#unpark(lane);
    }
  }

  /** Gives back all that waits in memory. */
  empty(): void {
    for (const station of this.#all.values()) this.#giveBackWaiting(station, true);
    this.#claimable.clear();
  }

  /** For those who count: how many webhooks stand how, and how many deliveries wait in memory. */
  standings(): Readonly<Record<'healthy' | 'probing' | 'resting' | 'slow' | 'ready' | 'waiting', number>> {
    const counted = { healthy: 0, probing: 0, resting: 0, slow: 0, ready: this.#claimable.size, waiting: 0 };
    for (const { health, waiting } of this.#all.values()) {
      counted[health.standing] += 1;
      if (health.slow) counted.slow += 1;
      counted.waiting += waiting.length;
    }
    return counted;
  }

  #take(station: Station, lane: LaneName): Slot {
    this.lanes.take(lane);
    station.underWay += 1;
    const slot: Slot = { station, lane, round: station.health.round, since: this.#options.clock.now() };
    this.#fresh.add(slot);
    return slot;
  }

  #free(slot: Slot): void {
    this.#fresh.delete(slot);
    slot.station.underWay -= 1;
    this.lanes.free(slot.lane);
    this.#unpark(slot.lane);
  }

  /** There is room in a lane: whoever has waited longest for it is next. */
  #unpark(lane: LaneName): void {
    for (const name of lane === 'again' || lane === 'healthy' ? (['healthy', 'again'] as const) : [lane]) {
      const parked = this.#parked.get(name);
      for (const station of parked ?? []) {
        if (this.lanes.room(name) <= 0) break;
        parked?.delete(station);
        this.look(station);
      }
    }
  }

  #park(lane: LaneName, station: Station): void {
    const parked = this.#parked.get(lane);
    if (parked === undefined) this.#parked.set(lane, new Set([station]));
    else parked.add(station);
  }

  #beginWaiting(station: Station, now: number): void {
    for (let job = station.waiting[0]; job !== undefined; job = station.waiting[0]) {
      // What a person asked for is sent beside what is under way, and to one that rests.
      const beside = job.lane === laneOf.asked ? askedAtOnceMax : 0;
      if (station.underWay >= inFlightOf(station.health, now) + beside) return;
      const lane = laneNameOf(station, job.lane);
      if (this.lanes.room(lane) <= 0) {
        this.#park(lane, station);
        return;
      }
      station.waiting.shift();
      this.#waiting -= 1;
      this.#options.begin(job, this.#take(station, lane));
    }
  }

  #giveBackWaiting(station: Station, all = false): void {
    const kept = all ? [] : station.waiting.filter((job) => job.lane === laneOf.asked);
    for (const job of station.waiting) {
      if (kept.includes(job)) continue;
      this.#options.giveBack(job);
      this.mark(station, job.lane);
    }
    this.#waiting -= station.waiting.length - kept.length;
    station.waiting.splice(0, station.waiting.length, ...kept);
  }

  /** What should be claimed for a webhook now, lane by lane. */
  #wishes(station: Station, now: number): readonly ClaimRow[] {
    const { webhook, waits, health, target } = station;
    if (station.claiming !== null || now < station.claimAt) return [];
    const wishes: ClaimRow[] = [];
    if (waits[laneOf.asked] > 0) {
      if (this.lanes.room('asked') > 0) wishes.push({ webhook, lane: laneOf.asked, limit: askedAtOnceMax });
      else this.#park('asked', station);
    }
    if (target.ordered && station.underWay + station.waiting.length > 0) return wishes;
    const first = waits[laneOf.first] > 0;
    const again = station.retryAt <= now || waits[laneOf.replay] > 0;
    const places = inFlightOf(health, now);
    if (places === 0 || !(first || again)) return wishes;
    const lane = laneNameOf(station, first ? laneOf.first : laneOf.retry);
    const room =
      Math.min(Math.max(0, places - station.underWay), Math.max(0, this.lanes.room(lane))) + this.#ahead(station) - station.waiting.length;
    if (room > 0) this.#share(station, { room, first, again, now, wishes });
    else if (station.waiting.length === 0 && places > station.underWay) this.#park(lane, station);
    return wishes;
  }

  /** How many to hold ready in memory beside what is under way: only where they will be sent at once. */
  #ahead({ health, target }: Station): number {
    if (health.standing !== 'healthy' || !health.proven || health.slow || target.ordered || target.limited) return 0;
    return Math.max(0, Math.min(health.cap, waitingOfWebhookMax, waitingInAllMax - this.#waiting));
  }

  #share(
    station: Station,
    options: { readonly room: number; readonly first: boolean; readonly again: boolean; readonly now: number; readonly wishes: ClaimRow[] },
  ): void {
    const { room, first, again, now, wishes } = options;
    const { webhook } = station;
    const forAgain = !again
      ? 0
      : !first
        ? room
        : room > 1
          ? Math.max(1, Math.floor(room / againEvery))
          : station.turns % againEvery === 3
            ? 1
            : 0;
    if (room > forAgain && first) wishes.push({ webhook, lane: laneOf.first, limit: room - forAgain });
    if (forAgain === 0) return;
    const retry = station.retryAt <= now;
    if (retry) wishes.push({ webhook, lane: laneOf.retry, limit: forAgain });
    if (station.waits[laneOf.replay] > 0 && (!retry || forAgain > 1))
      wishes.push({ webhook, lane: laneOf.replay, limit: retry ? forAgain >> 1 : forAgain });
  }
}

function laneNameOf({ health }: Station, lane: Lane): LaneName {
  if (lane === laneOf.asked) return 'asked';
  if (health.slow) return 'slow';
  if (!health.proven) return 'trial';
  return lane === laneOf.first ? 'healthy' : 'again';
}

/** When something changes for a webhook by itself. */
function nextLook({ health, waits, retryAt, claimAt }: Station, now: number): number {
  const some = waits.some((count) => count > 0);
  if (!some && retryAt === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const times = [retryAt, claimAt, health.standing === 'resting' ? health.restUntil : 0].filter((at) => at > now);
  const soonest = some ? times : [Math.max(...times, 0)].filter((at) => at > now);
  return Math.min(...soonest, Number.POSITIVE_INFINITY);
}
