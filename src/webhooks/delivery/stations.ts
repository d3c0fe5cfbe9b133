import type { Clock } from '../../clock.ts';
import type { LaneName, Lanes, LaneSizes } from './lanes.ts';
import { createLanes } from './lanes.ts';
import type { Bounds, Failure } from './health.ts';
import { createHealth, failed, inFlightOf, overdue, worked } from './health.ts';
import type { Job, Slot, Station } from './station.ts';
import { createStation, laneNameOf } from './station.ts';
import type { Target, Unopened } from './target.ts';
import type { Timetable } from './timetable.ts';
import { createTimetable } from './timetable.ts';
import type { ClaimRow, Lane } from './unit-rows.ts';
import { lanes as laneOf } from './unit-rows.ts';
import { aheadOf, askedAtOnceMax, nextLook, wish } from './wishes.ts';

/** Webhooks that one turn claims for. */
export const claimedOfTurnMax = 256;

export interface StationsOptions {
  readonly bounds: Bounds;
  readonly sizes: LaneSizes;
  /** What has less of its lease left is not begun: its outcome might come too late to count. */
  readonly leaseLeftMs: number;
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
  /** Webhooks that something is under way to. */
  #busy = 0;
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
    const station = createStation(target, createHealth(target.remembered, this.#options.bounds));
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

  /** What a claim brought and told of a lane: null, nothing is left in it of what waited when it was asked; or when it has something again. */
  found(station: Station, lane: Lane, { rows, next }: { readonly rows: number; readonly next: number | null }): void {
    const { claiming } = station;
    if (lane === laneOf.retry) {
      const at = next ?? Number.POSITIVE_INFINITY;
      station.retryAt = claiming?.marks === station.marks ? at : Math.min(station.retryAt, at);
      return;
    }
    const known = station.waits[lane];
    station.waits[lane] = next === null ? Math.max(0, known - (claiming?.waits[lane] ?? 0)) : Math.max(1, known - rows);
    if (next !== null && next > this.#options.clock.now()) station.claimAt = next;
  }

  arrived(station: Station, job: Job): void {
    if (job.lane === laneOf.asked) station.waiting.unshift(job);
    else station.waiting.push(job);
    this.#waiting += 1;
  }

  /**
   * Whether a delivery that is about to be recorded may be born leased, since it will be sent at once or nearly so; its place is kept until
   * `leaseEnded`. What waits in the database already goes first where there is not room for both.
   */
  mayLease(station: Station): boolean {
    const { target, waits, waiting, underWay, coming } = station;
    if (!this.#open || target.ordered || target.rate !== null) return false;
    const places = this.#placesOf(station, this.#options.clock.now());
    if (places === 0) return false;
    const ahead = aheadOf({ station, waitingInAll: this.#waiting });
    if (underWay + waiting.length + coming + waits[laneOf.asked] + waits[laneOf.first] >= places + ahead) return false;
    station.coming += 1;
    this.#waiting += 1;
    return true;
  }

  /** It is recorded, leased or not, or could not be. */
  leaseEnded(station: Station): void {
    station.coming -= 1;
    this.#waiting -= 1;
  }

  /** Begins what can begin, and finds out what is to be claimed and when to look again. */
  look(station: Station): void {
    if (!this.#open) return;
    const now = this.#options.clock.now();
    this.#beginWaiting(station, now);
    if (this.#wish(station, now).length > 0) {
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
      const wishes = this.#wish(station, now);
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

  /** Gives back what waits in memory for a webhook. */
  giveBackAll(station: Station): void {
    this.#giveBackWaiting(station, true);
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

  /** How many may be under way to it: where many webhooks are busy, each has its share, and no more connections than that. */
  #placesOf({ health }: Station, now: number): number {
    const { sizes, bounds } = this.#options;
    return Math.min(inFlightOf(health, now), Math.max(bounds.inFlightMin, Math.floor(sizes.healthy / (this.#busy + 1))));
  }

  #take(station: Station, lane: LaneName): Slot {
    this.lanes.take(lane);
    if (station.underWay === 0) this.#busy += 1;
    station.underWay += 1;
    const slot: Slot = { station, lane, round: station.health.round, since: this.#options.clock.now() };
    this.#fresh.add(slot);
    return slot;
  }

  #free(slot: Slot): void {
    this.#fresh.delete(slot);
    slot.station.underWay -= 1;
    if (slot.station.underWay === 0) this.#busy -= 1;
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
      if (station.underWay >= this.#placesOf(station, now) + beside) return;
      if (job.leaseUntil - now < this.#options.leaseLeftMs) {
        this.#dropFirst(station);
        this.#options.giveBack(job);
        this.mark(station, job.lane);
        continue;
      }
      const lane = laneNameOf(station, job.lane);
      if (this.lanes.room(lane) <= 0) {
        this.#park(lane, station);
        return;
      }
      this.#dropFirst(station);
      this.#options.begin(job, this.#take(station, lane));
    }
  }

  #dropFirst(station: Station): void {
    station.waiting.shift();
    this.#waiting -= 1;
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

  #wish(station: Station, now: number): readonly ClaimRow[] {
    const places = this.#placesOf(station, now);
    const { claims, parks } = wish({ station, now, places, room: (lane) => this.lanes.room(lane), waitingInAll: this.#waiting });
    for (const lane of parks) this.#park(lane, station);
    return claims;
  }
}
