import type { Clock } from '../../clock.ts';
import type { GatepostEvent } from '../../events/event.ts';
import type { FirstRow, NewEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { dialectOf } from '../dialects/all.ts';
import { keptOf, relayedIn } from './body.ts';
import { fanOutInlineMax } from './fan-out.ts';
import { pack, unpack } from './packed.ts';
import { inPieces } from './pieces.ts';
import type { Job, Station } from './station.ts';
import { byRank } from './station.ts';
import type { Stations } from './stations.ts';
import type { BodyText, EventToRecord, FirstRows, Made, OfEvent, RecordInput, Recorded } from './unit-rows.ts';
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
  /** So many deliveries were made. */
  readonly accepted: (count: number) => void;
  /** Deliveries were made that wait; or more are to be made. */
  readonly made: (webhooks: readonly string[], complete: boolean) => void;
}

interface Waiting {
  readonly event: GatepostEvent;
  readonly first: FirstRow | null;
  readonly resolve: (id: string | null) => void;
  readonly reject: (error: unknown) => void;
}

type Body = Pick<Job, 'contentType' | 'body'>;

interface Prepared extends Waiting {
  readonly bodies: ReadonlyMap<string, Body>;
  /** Of the webhooks that may be sent to at once. */
  readonly stations: readonly Station[];
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

  /** Answers the event's id; null where its first row was there before. */
  record({ organization, kind, project, repository = null, ref = null, facts }: NewEvent, first: FirstRow | null): Promise<string | null> {
    const { ids, clock } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<string | null>();
    const event = { id: ids.next(), organization, kind, project, repository, ref, facts, created: clock.now() };
    this.#waiting.push({ event, first, resolve, reject });
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
    const input = { known: false, late: false, now, ...lease, limit: fanOutInlineMax, ...rowsOf(prepared) };
    const recorded = await database.run(recordUnit, input).catch(async (error: unknown) => {
      for (const each of prepared) for (const station of each.stations) stations.leaseEnded(station);
      // One that cannot be recorded must not take the others with it.
      if (batch.length === 1) batch[0]?.reject(error);
      else for (const each of batch) await this.#recordAll([each]);
      return null;
    });
    if (recorded !== null) await this.#done(prepared, recorded, { ...lease, created: now });
  }

  #prepare(each: Waiting): Prepared {
    const { event } = each;
    const bodies = new Map<string, Body>();
    const stations: Station[] = [];
    for (const { webhook, dialect } of this.#routes.get(routeOf(event)) ?? []) {
      const station = this.#options.stations.get(webhook);
      if (station !== undefined && this.#options.stations.mayLease(station)) stations.push(station);
      const { contentType, body } = dialectOf(dialect);
      if (!bodies.has(dialect)) bodies.set(dialect, { contentType, body: body(event) });
    }
    return { ...each, bodies, stations };
  }

  async #done(prepared: readonly Prepared[], { made, incomplete, known }: Recorded, lease: Lease): Promise<void> {
    this.#options.accepted(made.count);
    const ofEvents: Made[][] = prepared.map(() => []);
    for (const each of unpack(made)) ofEvents[each.event]?.push(each);
    const waits: string[] = [];
    await inPieces(prepared, (each, index) => {
      const ofEvent = ofEvents[index] ?? [];
      const wasKnown = known.includes(index);
      each.resolve(wasKnown ? null : each.event.id);
      if (!wasKnown) this.#remember(each.event, ofEvent);
      for (const station of each.stations) this.#options.stations.leaseEnded(station);
      const born: (readonly [Station, Made])[] = [];
      for (const one of ofEvent) {
        const station = one.leased ? each.stations.find(({ webhook }) => webhook === one.webhook) : undefined;
        if (station === undefined) waits.push(one.webhook);
        else born.push([station, one]);
      }
      if (born.length > 1) born.sort(([one], [other]) => byRank(one, other));
      for (const [station, one] of born) this.#arrive(station, one, { ...each, lease });
    });
    if (waits.length > 0 || incomplete.length > 0) this.#options.made(waits, incomplete.length === 0);
  }

  /** What was born leased is sent from memory. */
  #arrive(station: Station, { delivery, dialect, revision }: Made, { event, bodies, lease }: Prepared & { readonly lease: Lease }): void {
    const body = bodies.get(dialect);
    if (body === undefined) return;
    const { stations, reopen } = this.#options;
    const arrive = (): void => {
      stations.arrived(station, { delivery, event: event.id, kind: event.kind, attempt: 1, lane: lanes.first, ...lease, ...body });
      stations.look(station);
    };
    if (station.target.revision === revision) arrive();
    else void reopen(station.webhook).finally(arrive);
  }

  #remember(event: GatepostEvent, made: readonly Made[]): void {
    const name = routeOf(event);
    const known = this.#routes.get(name);
    const isSame = known?.length === made.length && made.every(({ webhook, dialect }, index) => sameRoute(known[index], webhook, dialect));
    if (isSame) return;
    if (known === undefined && this.#routes.size >= routesHeldMax) this.#routes.delete(this.#routes.keys().next().value ?? '');
    const route = made.map(({ webhook, dialect }) => ({ webhook, dialect }));
    this.#routes.set(name, route);
  }
}

/** What goes to the database: the events, their first rows, the bodies that are rendered already, and who may be sent to at once. */
function rowsOf(prepared: readonly Prepared[]): Pick<RecordInput, 'events' | 'firsts' | 'bodies' | 'leases'> {
  const events = prepared.map(({ event }): EventToRecord => {
    const { id, organization, kind, project, repository = null, ref = null, facts, created } = event;
    return { id, organization, kind, project, repository, ref, facts: JSON.stringify(facts), created };
  });
  const bodies: (BodyText & OfEvent)[] = [];
  const leases: (OfEvent & { readonly webhook: string })[] = [];
  prepared.forEach((each, event) => {
    for (const [dialect, { contentType, body }] of each.bodies) {
      bodies.push({
        event,
        dialect,
        contentType,
        body: latin1.text(keptOf(body, events[event]?.facts ?? '', relayedIn(each.event.facts))),
      });
    }
    for (const { webhook } of each.stations) leases.push({ event, webhook });
  });
  return { events: pack(events), firsts: firstsOf(prepared), bodies: pack(bodies), leases: pack(leases) };
}

/** Those with the same columns go together. */
function firstsOf(prepared: readonly Prepared[]): readonly FirstRows[] {
  const all = new Map<string, { readonly table: FirstRow['table']; readonly events: number[]; readonly rows: FirstRow['values'][] }>();
  prepared.forEach(({ first }, event) => {
    if (first === null) return;
    const { table, values } = first;
    const name = `${table} ${Object.keys(values).join(' ')}`;
    let group = all.get(name);
    if (group === undefined) all.set(name, (group = { table, events: [], rows: [] }));
    group.events.push(event);
    group.rows.push(cutOut(values));
  });
  return [...all.values()].map(({ table, events, rows }) => ({ table, events, rows: pack(rows) }));
}

/** Bytes in memory of their own: in a message they would be copied with all that they were cut from. */
function cutOut(values: FirstRow['values']): FirstRow['values'] {
  if (!Object.values(values).some((value) => value instanceof Uint8Array)) return values;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value instanceof Uint8Array ? new Uint8Array(value) : value]),
  );
}

function sameRoute(one: Route[number] | undefined, webhook: string, dialect: string): boolean {
  return one?.webhook === webhook && one.dialect === dialect;
}

function routeOf({ organization, kind, project, repository = null, ref }: GatepostEvent): string {
  const route = `${organization} ${kind} ${project ?? ''}`;
  return repository === null ? route : `${route} ${repository} ${ref ?? ''}`;
}
