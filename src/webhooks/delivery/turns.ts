import type { Clock } from '../../clock.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { pack, unpack } from './packed.ts';
import { inPieces } from './pieces.ts';
import type { Job, Station } from './station.ts';
import type { Stations } from './stations.ts';
import type { Claimed, ClaimRow, OutcomeRow, ReturnedRow, TurnInput, TurnOutput } from './unit-rows.ts';
import { lanes, latin1 } from './unit-rows.ts';
import { turnUnit } from './units.ts';

/** How long a claim is believed: the deadline of an attempt, and time to wait for it and to settle it. */
export const leaseMsDefault = 20_000;
/** Outcomes that nothing else is written with wait this long for company: fewer commits, and few repeats after a crash. */
export const lingerMs = 3;
/** Outcomes of one turn. */
export const outcomesOfTurnMax = 256;
/** What could not be written down is tried again after this, as long as its lease holds. */
export const settleAgainMs = 1_000;
/** Turns on their way at once: on SQLite one, since the writer takes one after the other; PostgreSQL answers several at a time. */
const turnsAtOnce = { sqlite: 1, postgres: 4 } as const;

/** An outcome on its way to the database. */
export interface Outcome {
  readonly row: OutcomeRow;
  readonly job: Job;
  /** Told once: the state that the delivery is in now, or null where the outcome did not count. */
  readonly settled: (state: string | null) => void;
}

export interface TurnsOptions {
  readonly database: Database;
  readonly ids: Identifiers;
  /** Steady. */
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly stations: () => Stations;
  /** The webhook's row is another than the one that is open: reads it, then answers. */
  readonly reopen: (webhook: string) => Promise<void>;
  readonly failed: (error: unknown, what: string) => void;
}

type Frame = Omit<TurnInput, 'outcomes'>;

/**
 * What goes to the database and comes back, many rows at a time: outcomes and what is given back go out, and in the same unit what is ready is
 * claimed. The next turn gathers while the last one is on its way, so that turns grow with the load and nothing that waits to be sent waits for a
 * timer.
 */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #outcomes: Outcome[] = [];
  readonly #returned: ReturnedRow[] = [];
  readonly #idling: (() => void)[] = [];
  #onTheirWay = 0;
  #planned = false;
  #lingering: NodeJS.Timeout | null = null;
  #notBefore = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  settle(outcome: Outcome): void {
    this.#outcomes.push(outcome);
    this.#linger();
  }

  /** A delivery that was claimed and will not be sent soon. It keeps its place: retries are due at once, for the others the time is their order. */
  giveBack({ delivery, token, lane, created }: Job): void {
    this.#returned.push({ delivery, token, lane, due: lane === lanes.retry ? this.#options.clock.now() : created });
    this.plan();
  }

  /** There is something to write or to claim: a turn goes out with this turn of the loop, or as soon as one comes back. */
  plan(): void {
    if (this.#planned || this.#isFull()) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#go();
    });
  }

  /** Answers when everything that was handed in has been written down, or given up. */
  async idle(): Promise<void> {
    if (this.#isIdle()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idling.push(resolve);
    this.plan();
    await promise;
  }

  #isIdle(): boolean {
    return this.#onTheirWay === 0 && this.#outcomes.length === 0 && this.#returned.length === 0;
  }

  #isFull(): boolean {
    return this.#onTheirWay >= turnsAtOnce[this.#options.database.engine];
  }

  #linger(): void {
    if (this.#outcomes.length >= outcomesOfTurnMax) this.plan();
    else if (!this.#isFull()) this.#lingering ??= setTimeout(() => this.plan(), lingerMs);
  }

  #go(): void {
    if (this.#lingering !== null) clearTimeout(this.#lingering);
    this.#lingering = null;
    if (this.#isFull() || performance.now() < this.#notBefore) return;
    const { database, clock, ids, leaseMs, stations } = this.#options;
    const claims = stations().claims();
    const outcomes = this.#outcomes.splice(0, outcomesOfTurnMax);
    const returned = this.#returned.splice(0);
    if (outcomes.length === 0 && returned.length === 0 && claims.length === 0) return;
    const now = clock.now();
    this.#onTheirWay += 1;
    void this.#run({ now, token: `${database.node}:${ids.random()}`, leaseUntil: now + leaseMs, returned, claims }, outcomes).finally(
      () => {
        this.#onTheirWay -= 1;
        this.#next();
      },
    );
  }

  #next(): void {
    if (this.#isIdle()) for (const resolve of this.#idling.splice(0)) resolve();
    if (this.#returned.length > 0 || this.#options.stations().hasClaims()) this.plan();
    else if (this.#outcomes.length > 0) this.#linger();
  }

  async #run(frame: Frame, outcomes: readonly Outcome[]): Promise<void> {
    try {
      const output = await this.#options.database.run(turnUnit, { ...frame, outcomes: pack(outcomes.map((each) => each.row)) });
      await inPieces(outcomes, (each, index) => each.settled(output.states[index] ?? null));
      await this.#take(frame, output);
    } catch (error) {
      this.#options.failed(error, 'settling and claiming');
      await this.#recover(frame, outcomes);
    }
  }

  /** The database takes no writes now, or one row is wrong: then the others must not suffer for it. */
  async #recover(frame: Frame, outcomes: readonly Outcome[]): Promise<void> {
    this.#returned.push(...frame.returned);
    for (const each of outcomes) {
      if (outcomes.length > 1 && (await this.#alone(frame, each))) continue;
      // Until its lease ends an outcome is not given up; then another makes the attempt again.
      if (this.#options.clock.now() + settleAgainMs < each.job.leaseUntil) this.#outcomes.push(each);
      else each.settled(null);
    }
    this.#notBefore = performance.now() + settleAgainMs;
    setTimeout(() => {
      for (const station of this.#stationsOf(frame.claims)) {
        this.#options.stations().claimEnded(station);
        this.#options.stations().look(station);
      }
      this.plan();
    }, settleAgainMs + 1);
  }

  async #alone(frame: Frame, outcome: Outcome): Promise<boolean> {
    try {
      const outcomes = pack([outcome.row]);
      const { states } = await this.#options.database.run(turnUnit, { ...frame, claims: [], returned: [], outcomes });
      outcome.settled(states[0] ?? null);
      return true;
    } catch {
      return false;
    }
  }

  #stationsOf(claims: readonly ClaimRow[]): ReadonlySet<Station> {
    const stations = claims.map((claim) => this.#options.stations().get(claim.webhook));
    return new Set(stations.filter((station) => station !== undefined));
  }

  /** What was claimed goes to its stations. */
  async #take(frame: Frame, output: TurnOutput): Promise<void> {
    const stations = this.#options.stations();
    const bodies = output.bodies.map(({ contentType, body }) => ({ contentType, body: latin1.bytes(body) }));
    for (const claimed of output.claimed) {
      const station = await this.#stationOf(claimed);
      if (station === null) {
        this.#returnAll(frame, claimed);
        continue;
      }
      for (const job of jobsOf(frame, claimed, bodies)) stations.arrived(station, job);
      stations.found(station, claimed.lane, { rows: claimed.rows.count, next: claimed.next });
    }
    await inPieces([...this.#stationsOf(frame.claims)], (station) => {
      stations.claimEnded(station);
      stations.look(station);
    });
  }

  /** The webhook as it is now; null: it is off or gone. */
  async #stationOf({ webhook, active, revision }: Claimed): Promise<Station | null> {
    const stations = this.#options.stations();
    const station = stations.get(webhook);
    if (station === undefined) return null;
    if (!active) {
      stations.drop(station);
      return null;
    }
    if (station.target.revision !== revision) await this.#options.reopen(webhook);
    return station;
  }

  #returnAll({ token }: Frame, { rows, lane }: Claimed): void {
    for (const { delivery, created } of unpack(rows)) this.#returned.push({ delivery, token, lane, due: created });
  }
}

type Body = Pick<Job, 'contentType' | 'body'>;

/** What was claimed, ready to be sent. One without a body was deleted meanwhile. */
function* jobsOf({ token, leaseUntil }: Frame, { lane, rows }: Claimed, bodies: readonly Body[]): Generator<Job> {
  for (const row of unpack(rows)) {
    const body = bodies[row.body];
    if (body === undefined) continue;
    const { delivery, event, kind, created, retryUntil } = row;
    yield { delivery, event, kind, attempt: row.attempts + 1, created, retryUntil, token, leaseUntil, lane, ...body };
  }
}
