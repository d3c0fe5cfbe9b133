import type { Clock } from '../../clock.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Job, Station, Stations } from './stations.ts';
import type { Claimed, Lane, OutcomeRow, ReturnedRow, TurnInput, TurnOutput } from './unit-rows.ts';
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

export interface Turns {
  settle(outcome: Outcome): void;
  giveBack(job: Job): void;
  /** There is something to claim. */
  wanted(): void;
  /** Answers when everything that was handed in has been written down, or given up. */
  idle(): Promise<void>;
}

/**
 * What goes to the database and comes back, many rows at a time: outcomes and what is given back go out, and in the same unit what is ready is
 * claimed. The next turn gathers while the last one is on its way, so that turns grow with the load and nothing waits for a timer.
 */
export function createTurns(options: TurnsOptions): Turns {
  const { database, clock, failed } = options;
  const atOnce = turnsAtOnce[database.engine];
  const outcomes: Outcome[] = [];
  const returned: ReturnedRow[] = [];
  const idling: (() => void)[] = [];
  let onTheirWay = 0;
  let planned = false;
  let lingering: NodeJS.Timeout | null = null;
  let notBefore = 0;

  const isIdle = (): boolean => onTheirWay === 0 && outcomes.length === 0 && returned.length === 0;
  const plan = (): void => {
    if (planned || onTheirWay >= atOnce) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      go();
    });
  };
  const linger = (): void => {
    if (outcomes.length >= outcomesOfTurnMax) plan();
    else lingering ??= setTimeout(plan, lingerMs);
  };
  const go = (): void => {
    if (lingering !== null) clearTimeout(lingering);
    lingering = null;
    if (onTheirWay >= atOnce || performance.now() < notBefore) return;
    const claims = options.stations().claims();
    const batch = outcomes.splice(0, outcomesOfTurnMax);
    const back = returned.splice(0);
    if (batch.length === 0 && back.length === 0 && claims.length === 0) return;
    const now = clock.now();
    const input = { now, token: `${database.node}:${options.ids.random()}`, leaseUntil: now + options.leaseMs, returned: back, claims };
    onTheirWay += 1;
    void run(input, batch).finally(ended);
  };
  const ended = (): void => {
    onTheirWay -= 1;
    if (isIdle()) for (const resolve of idling.splice(0)) resolve();
    if (returned.length > 0 || options.stations().hasClaims()) plan();
    else if (outcomes.length > 0) linger();
  };
  const run = async (input: Omit<TurnInput, 'outcomes'>, batch: readonly Outcome[]): Promise<void> => {
    try {
      const output = await database.run(turnUnit, { ...input, outcomes: batch.map((each) => each.row) });
      batch.forEach((each, index) => each.settled(output.states[index] ?? null));
      await take(input, output);
    } catch (error) {
      await recover(input, batch, error);
    }
  };
  /** The database takes no writes now, or one row is wrong: then the others must not suffer for it. */
  const recover = async (input: Omit<TurnInput, 'outcomes'>, batch: readonly Outcome[], error: unknown): Promise<void> => {
    failed(error, 'settling and claiming');
    for (const webhook of new Set(input.claims.map((claim) => claim.webhook))) {
      const station = options.stations().get(webhook);
      if (station !== undefined) options.stations().claimEnded(station);
    }
    returned.push(...input.returned);
    const none = { ...input, claims: [], returned: [] };
    for (const each of batch) {
      if (batch.length > 1 && (await alone(none, each))) continue;
      // Until its lease ends an outcome is not given up; then another makes the attempt again.
      if (clock.now() + settleAgainMs < each.job.leaseUntil) outcomes.push(each);
      else each.settled(null);
    }
    notBefore = performance.now() + settleAgainMs;
    setTimeout(() => {
      for (const claim of input.claims) {
        const station = options.stations().get(claim.webhook);
        if (station !== undefined) options.stations().look(station);
      }
      plan();
    }, settleAgainMs + 1);
  };
  const alone = async (input: Omit<TurnInput, 'outcomes'>, outcome: Outcome): Promise<boolean> => {
    try {
      const { states } = await database.run(turnUnit, { ...input, outcomes: [outcome.row] });
      outcome.settled(states[0] ?? null);
      return true;
    } catch {
      return false;
    }
  };
  const take = async (input: Omit<TurnInput, 'outcomes'>, output: TurnOutput): Promise<void> => {
    const stations = options.stations();
    const bodies = output.bodies.map(({ contentType, body }) => ({ contentType, body: latin1.bytes(body) }));
    const touched = new Set<Station>();
    for (const claimed of output.claimed) {
      let station = stations.get(claimed.webhook);
      if (station !== undefined && claimed.active && station.target.revision !== claimed.revision) {
        await options.reopen(claimed.webhook);
        station = stations.get(claimed.webhook);
      }
      if (station !== undefined) touched.add(station);
      if (station === undefined || !claimed.active) {
        if (station !== undefined) stations.drop(station);
        returnAll(input, claimed);
        continue;
      }
      for (const row of claimed.rows) {
        const body = bodies[row.body];
        if (body === undefined) continue;
        const { delivery, event, kind, created, retryUntil } = row;
        const job = {
          delivery,
          event,
          kind,
          attempt: row.attempts + 1,
          created,
          retryUntil,
          token: input.token,
          leaseUntil: input.leaseUntil,
        };
        stations.arrived(station, { ...job, lane: claimed.lane, ...body });
      }
      stations.found(station, claimed.lane, claimed.next);
    }
    for (const station of touched) {
      stations.claimEnded(station);
      stations.look(station);
    }
  };
  const returnAll = (input: Omit<TurnInput, 'outcomes'>, { rows, lane }: Claimed): void => {
    for (const row of rows) returned.push({ delivery: row.delivery, token: input.token, lane, due: row.created });
  };
  return {
    settle(outcome) {
      outcomes.push(outcome);
      if (onTheirWay < atOnce) linger();
    },
    giveBack(job) {
      returned.push({ delivery: job.delivery, token: job.token, lane: job.lane, due: dueOfReturned(job.lane, job.created, clock.now()) });
      plan();
    },
    wanted: plan,
    async idle() {
      if (isIdle()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      idling.push(resolve);
      plan();
      await promise;
    },
  };
}

/** What goes back keeps its place: retries are due at once, for the others the time is their order. */
function dueOfReturned(lane: Lane, created: number, now: number): number {
  return lane === lanes.retry ? now : created;
}
