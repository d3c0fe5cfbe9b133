import type { Clock } from '../../clock.ts';
import type { GatepostEvent } from '../../events/event.ts';
import type { NewEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { dialectOf } from '../dialects/all.ts';
import { fanOutInlineMax } from './fan-out.ts';
import type { Job, Slot, Stations } from './stations.ts';
import type { BodyText, EventToRecord, Recorded } from './unit-rows.ts';
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

interface Prepared extends Waiting {
  readonly row: EventToRecord;
  readonly bodies: ReadonlyMap<string, { readonly contentType: string; readonly body: Buffer }>;
  readonly slots: ReadonlyMap<string, Slot>;
}

/** Who got events of a route last, and how they want them: a guess at who gets the next, never what decides it. */
type Route = readonly { readonly webhook: string; readonly dialect: string }[];

/**
 * Records events that are a unit of work of their own, many callers in one unit: whoever asks is answered once the commit is on disk. A delivery
 * whose webhook has room is born leased and sent right after it, with the body that is in memory already.
 */
export function createRecorder(options: RecorderOptions): (event: NewEvent) => Promise<string> {
  const { database, ids, clock, steady, stations } = options;
  const routes = new Map<string, Route>();
  const waiting: Waiting[] = [];
  let onTheirWay = 0;
  let planned = false;

  const plan = (): void => {
    if (planned || onTheirWay >= unitsAtOnce[database.engine]) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      const batch = waiting.splice(0, eventsOfUnitMax);
      if (batch.length === 0) return;
      onTheirWay += 1;
      void recordAll(batch).finally(() => {
        onTheirWay -= 1;
        if (waiting.length > 0) plan();
      });
    });
  };
  const recordAll = async (batch: readonly Waiting[]): Promise<void> => {
    const prepared = batch.map(prepare);
    const token = `${database.node}:${ids.random()}`;
    const now = steady.now();
    const leaseUntil = now + options.leaseMs;
    const input = { known: false, late: false, now, token, leaseUntil, retryUntil: now + options.retryForMs, limit: fanOutInlineMax };
    try {
      const recorded = await database.run(recordUnit, { ...input, events: prepared.map(({ row }) => row) });
      prepared.forEach((each, index) =>
        done(each, recorded[index] ?? { made: [], complete: true }, { token, leaseUntil, now, retryUntil: input.retryUntil }),
      );
    } catch (error) {
      for (const { slots } of prepared) for (const slot of slots.values()) stations.release(slot);
      // One that cannot be recorded must not take the others with it.
      if (batch.length === 1) batch[0]?.reject(error);
      else for (const each of batch) await recordAll([each]);
    }
  };
  const prepare = (each: Waiting): Prepared => {
    const { event } = each;
    const bodies = new Map<string, { readonly contentType: string; readonly body: Buffer }>();
    const slots = new Map<string, Slot>();
    for (const { webhook, dialect } of routes.get(routeOf(event)) ?? []) {
      const station = stations.get(webhook);
      const slot = station === undefined ? null : stations.reserve(station);
      if (slot !== null) slots.set(webhook, slot);
      const { contentType, body } = dialectOf(dialect);
      if (!bodies.has(dialect)) bodies.set(dialect, { contentType, body: body(event) });
    }
    const { id, organization, kind, project, created } = event;
    const texts: BodyText[] = [];
    for (const [dialect, { contentType, body }] of bodies) texts.push({ dialect, contentType, body: latin1.text(body) });
    const row = { id, organization, kind, project, facts: JSON.stringify(event.facts), created, lease: [...slots.keys()], bodies: texts };
    return { ...each, row, bodies, slots };
  };
  const done = (
    each: Prepared,
    { made, complete }: Recorded,
    lease: Pick<Job, 'token' | 'leaseUntil' | 'retryUntil'> & { readonly now: number },
  ): void => {
    const { event, slots, bodies } = each;
    each.resolve(event.id);
    remember(event, made);
    const pending: string[] = [];
    for (const { webhook, dialect, delivery, leased, revision } of made) {
      const slot = slots.get(webhook);
      const body = bodies.get(dialect);
      if (!leased || slot === undefined || body === undefined) {
        pending.push(webhook);
        continue;
      }
      const { token, leaseUntil, retryUntil, now } = lease;
      const common = {
        delivery,
        event: event.id,
        kind: event.kind,
        attempt: 1,
        created: now,
        retryUntil,
        token,
        leaseUntil,
        lane: lanes.first,
      };
      const job: Job = { ...common, contentType: body.contentType, body: body.body };
      if (slot.station.target.revision === revision) options.begin(job, slot);
      else void options.reopen(webhook).then(() => options.begin(job, slot));
    }
    if (slots.size > made.length - pending.length) {
      const begun = new Set(made.filter(({ leased }) => leased).map(({ webhook }) => webhook));
      for (const [webhook, slot] of slots) if (!begun.has(webhook)) stations.release(slot);
    }
    if (pending.length > 0 || !complete) options.made(pending, complete);
  };
  const remember = (event: GatepostEvent, made: Recorded['made']): void => {
    const name = routeOf(event);
    const known = routes.get(name);
    if (known?.length === made.length && made.every(({ webhook, dialect }, index) => same(known[index], webhook, dialect))) return;
    if (known === undefined && routes.size >= routesHeldMax) routes.delete(routes.keys().next().value ?? '');
    routes.set(
      name,
      made.map(({ webhook, dialect }) => ({ webhook, dialect })),
    );
  };
  return ({ organization, kind, project, facts }) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    waiting.push({ event: { id: ids.next(), organization, kind, project, facts, created: clock.now() }, resolve, reject });
    plan();
    return promise;
  };
}

function same(one: Route[number] | undefined, webhook: string, dialect: string): boolean {
  return one?.webhook === webhook && one.dialect === dialect;
}

function routeOf({ organization, kind, project }: GatepostEvent): string {
  return `${organization} ${kind} ${project ?? ''}`;
}
