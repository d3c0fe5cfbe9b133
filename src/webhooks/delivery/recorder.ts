import type { Clock } from '../../clock.ts';
import type { GatepostEvent } from '../../events/event.ts';
import type { NewEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { dialectOf } from '../dialects/all.ts';
import { fanOutInlineMax } from './fan-out.ts';
import type { Job, Slot } from './station.ts';
import type { Stations } from './stations.ts';
import type { BodyText, EventToRecord, Made, Recorded } from './unit-rows.ts';
import { lanes, latin1 } from './unit-rows.ts';
import { recordUnit } from './units.ts';

/** Events of one unit. */
export const eventsOfUnitMax = 256;
/** Routes held ready: which webhooks events of a kind went to last. */
export const routesHeldMax = 10_000;
/** Units on their way at once: on SQLite one, since the writer takes one after the other. */
const unitsAtOnce = { sqlite: 1, postgres: 4 } as const;

export interface RecorderOptions {
  readonly database: Database;
  readonly ids: Identifiers;
  /** The wall clock: when it happened. */
  readonly clock: Clock;
  readonly steady: Clock;
  readonly leaseMs: number;
  readonly retryForMs: number;
  readonly stations: Stations;
  /** The webhook's row is another than the one that is open: reads it, then answers. */
  readonly reopen: (webhook: string) => Promise<void>;
  readonly begin: (job: Job, slot: Slot) => void;
  /** Deliveries were made that wait; or more are to be made. */
  readonly made: (webhooks: readonly string[], complete: boolean) => void;
}

interface Waiting {
  readonly event: GatepostEvent;
  readonly resolve: (id: string) => void;
  readonly reject: (error: unknown) => void;
}

type Body = Pick<Job, 'contentType' | 'body'>;

interface Prepared extends Waiting {
  readonly row: EventToRecord;
  readonly bodies: ReadonlyMap<string, Body>;
  readonly slots: ReadonlyMap<string, Slot>;
}

type Lease = Pick<Job, 'token' | 'leaseUntil' | 'retryUntil' | 'created'>;

/** Who got events of a route last, and how they want them: a guess at who gets the next, never what decides it. */
type Route = readonly Pick<Made, 'webhook' | 'dialect'>[];

/**
 * Records events that are a unit of work of their own, many callers in one unit: whoever asks is answered once the commit is on disk. A delivery
 * whose webhook has room is born leased and sent right after it, with the body that is in memory already.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #routes = new Map<string, Route>();
  readonly #waiting: Waiting[] = [];
  #onTheirWay = 0;
  #planned = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Answers the event's id. */
  record({ organization, kind, project, facts }: NewEvent): Promise<string> {
    const { ids, clock } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting.push({ event: { id: ids.next(), organization, kind, project, facts, created: clock.now() }, resolve, reject });
    this.#plan();
    return promise;
  }

  #plan(): void {
    if (this.#planned || this.#onTheirWay >= unitsAtOnce[this.#options.database.engine]) return;
    this.#planned = true;
    // What is asked for in this turn of the loop goes together; there is no timer before a commit.
    setImmediate(() => {
      this.#planned = false;
      const batch = this.#waiting.splice(0, eventsOfUnitMax);
      if (batch.length === 0) return;
      this.#onTheirWay += 1;
      void this.#recordAll(batch).finally(() => {
        this.#onTheirWay -= 1;
        if (this.#waiting.length > 0) this.#plan();
      });
    });
  }

  async #recordAll(batch: readonly Waiting[]): Promise<void> {
    const { database, ids, steady, leaseMs, retryForMs, stations } = this.#options;
    const prepared = batch.map((each) => this.#prepare(each));
    const now = steady.now();
    const lease = { token: `${database.node}:${ids.random()}`, leaseUntil: now + leaseMs, retryUntil: now + retryForMs };
    const events = prepared.map(({ row }) => row);
    try {
      const recorded = await database.run(recordUnit, { known: false, late: false, now, ...lease, limit: fanOutInlineMax, events });
      prepared.forEach((each, index) => this.#done(each, recorded[index] ?? { made: [], complete: true }, { ...lease, created: now }));
    } catch (error) {
      for (const { slots } of prepared) for (const slot of slots.values()) stations.release(slot);
      // One that cannot be recorded must not take the others with it.
      if (batch.length === 1) batch[0]?.reject(error);
      else for (const each of batch) await this.#recordAll([each]);
    }
  }

  #prepare(each: Waiting): Prepared {
    const { event } = each;
    const bodies = new Map<string, Body>();
    const slots = new Map<string, Slot>();
    for (const { webhook, dialect } of this.#routes.get(routeOf(event)) ?? []) {
      const station = this.#options.stations.get(webhook);
      const slot = station === undefined ? null : this.#options.stations.reserve(station);
      if (slot !== null) slots.set(webhook, slot);
      const { contentType, body } = dialectOf(dialect);
      if (!bodies.has(dialect)) bodies.set(dialect, { contentType, body: body(event) });
    }
    const texts: BodyText[] = [];
    for (const [dialect, { contentType, body }] of bodies) texts.push({ dialect, contentType, body: latin1.text(body) });
    const { id, organization, kind, project, created } = event;
    const row = { id, organization, kind, project, facts: JSON.stringify(event.facts), created, lease: [...slots.keys()], bodies: texts };
    return { ...each, row, bodies, slots };
  }

  #done(each: Prepared, { made, complete }: Recorded, lease: Lease): void {
    const { event, slots } = each;
    each.resolve(event.id);
    this.#remember(event, made);
    const begun = new Set<string>();
    for (const one of made) if (this.#begin(each, one, lease)) begun.add(one.webhook);
    for (const [webhook, slot] of slots) if (!begun.has(webhook)) this.#options.stations.release(slot);
    const waits = made.filter(({ webhook }) => !begun.has(webhook)).map(({ webhook }) => webhook);
    if (waits.length > 0 || !complete) this.#options.made(waits, complete);
  }

  /** Sends what was born leased; false: it was not. */
  #begin({ event, slots, bodies }: Prepared, made: Made, lease: Lease): boolean {
    const slot = slots.get(made.webhook);
    const body = bodies.get(made.dialect);
    if (!made.leased || slot === undefined || body === undefined) return false;
    const job: Job = { delivery: made.delivery, event: event.id, kind: event.kind, attempt: 1, lane: lanes.first, ...lease, ...body };
    const { begin, reopen } = this.#options;
    if (slot.station.target.revision === made.revision) begin(job, slot);
    else void reopen(made.webhook).finally(() => begin(job, slot));
    return true;
  }

  #remember(event: GatepostEvent, made: Recorded['made']): void {
    const name = routeOf(event);
    const known = this.#routes.get(name);
    const isSame = known?.length === made.length && made.every(({ webhook, dialect }, index) => sameRoute(known[index], webhook, dialect));
    if (isSame) return;
    if (known === undefined && this.#routes.size >= routesHeldMax) this.#routes.delete(this.#routes.keys().next().value ?? '');
    const route = made.map(({ webhook, dialect }) => ({ webhook, dialect }));
    this.#routes.set(name, route);
  }
}

function sameRoute(one: Route[number] | undefined, webhook: string, dialect: string): boolean {
  return one?.webhook === webhook && one.dialect === dialect;
}

function routeOf({ organization, kind, project }: GatepostEvent): string {
  return `${organization} ${kind} ${project ?? ''}`;
}
