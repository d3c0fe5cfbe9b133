import { sql } from 'kysely';
import type { Database } from '../../src/storage/database/database.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import type { Accepted } from './load.ts';
import type { Witnessed } from './witness.ts';

// What the database says about deliveries, held against what was accepted and what arrived.

/** Every list must be empty; a few examples are kept of each. */
export interface Disagreements {
  /** Accepted and not there. */
  readonly lostEvents: Some;
  /** Events and webhooks without a delivery, or with more than one. */
  readonly missingDeliveries: Some;
  readonly doubledDeliveries: Some;
  /** Not delivered in the end. */
  readonly undelivered: Some;
  /** Delivered, and nothing arrived. */
  readonly phantom: Some;
  /** Arrived under an id that is no delivery, or at another webhook than the delivery's. */
  readonly strangers: Some;
  /** Attempts without their delivery, and deliveries whose count is not that of their attempts, or that are settled without one. */
  readonly orphanedAttempts: number;
  readonly miscounted: Some;
  /** Numbers of attempts that a delivery has twice. */
  readonly doubledAttempts: number;
  readonly forged: Some;
}

export interface Some {
  readonly count: number;
  readonly examples: readonly string[];
}

const examplesMax = 5;

export interface Books {
  readonly deliveries: number;
  readonly attempts: number;
  readonly disagreements: Disagreements;
  /** The delivery's id by `event webhook`. */
  readonly idOf: ReadonlyMap<string, string>;
}

export interface CheckOptions {
  readonly location: DatabaseLocation;
  /** Left out, there is only one. */
  readonly organization?: string;
  readonly accepted: readonly Accepted[];
  /** Which webhook each path of the witness is, by its id. */
  readonly webhooks: ReadonlyMap<string, string>;
  readonly witnessed: Witnessed;
}

/** Nothing at all that disagrees: what a test expects. */
export const none: Some = { count: 0, examples: [] };
export const agreed: Disagreements = {
  lostEvents: none,
  missingDeliveries: none,
  doubledDeliveries: none,
  undelivered: none,
  phantom: none,
  strangers: none,
  orphanedAttempts: 0,
  miscounted: none,
  doubledAttempts: 0,
  forged: none,
};

interface DeliveryRow {
  readonly id: string;
  readonly event: string;
  readonly webhook: string;
  readonly state: string;
  readonly attempts: number;
}

/** Reads beside a running server; all that was accepted must have arrived by then. */
export function checkBooks(options: CheckOptions): Promise<Books> {
  return withDatabase(options.location, async (database) => {
    const { read } = database;
    const { organization } = options;
    const ofOne = organization === undefined ? sql<boolean>`1 = 1` : sql<boolean>`organization = ${organization}`;
    const columns = ['id', 'event', 'webhook', 'state', 'attempts'] as const;
    const rows: readonly DeliveryRow[] = await read.selectFrom('deliveries').select(columns).where(ofOne).execute();
    const made = await read.selectFrom('attempts').select(['delivery', 'number']).where(ofOne).execute();
    const events = new Set((await read.selectFrom('events').select('id').execute()).map((row) => row.id));
    const byPlace = grouped(rows, ({ event, webhook }) => `${event} ${webhook}`);
    const wanted = options.accepted.flatMap(({ id }) => [...options.webhooks.values()].map((webhook) => `${id} ${webhook}`));
    const disagreements: Disagreements = {
      lostEvents: some(options.accepted.filter(({ id }) => !events.has(id)).map(({ id }) => id)),
      missingDeliveries: some(wanted.filter((place) => !byPlace.has(place))),
      doubledDeliveries: some([...byPlace].filter(([, all]) => all.length > 1).map(([place]) => place)),
      undelivered: some(rows.filter((row) => row.state !== 'delivered').map((row) => `${row.id} ${row.state} ${row.attempts}`)),
      ...arrivalsAgainst(rows, options),
      ...attemptsAgainst(rows, made),
      forged: some(options.witnessed.forged),
    };
    const idOf = new Map(rows.map((row) => [`${row.event} ${row.webhook}`, row.id]));
    return { deliveries: rows.length, attempts: made.length, disagreements, idOf };
  });
}

function arrivalsAgainst(
  rows: readonly DeliveryRow[],
  { witnessed, webhooks }: CheckOptions,
): Pick<Disagreements, 'phantom' | 'strangers'> {
  const webhookOf = new Map(rows.map((row) => [row.id, row.webhook]));
  const arrived = new Set(witnessed.ids);
  const strange = witnessed.ids.filter(
    (id, number) => webhookOf.get(id) !== webhooks.get(witnessed.paths[witnessed.path[number] ?? 0] ?? ''),
  );
  return {
    phantom: some(rows.filter((row) => row.state === 'delivered' && !arrived.has(row.id)).map((row) => row.id)),
    strangers: some(strange),
  };
}

function attemptsAgainst(
  rows: readonly DeliveryRow[],
  made: readonly { readonly delivery: string; readonly number: number }[],
): Pick<Disagreements, 'orphanedAttempts' | 'miscounted' | 'doubledAttempts'> {
  const known = new Set(rows.map((row) => row.id));
  const of = grouped(made, (attempt) => attempt.delivery);
  const countOf = (id: string): number => of.get(id)?.length ?? 0;
  const isSettled = (row: DeliveryRow): boolean => row.state === 'delivered' || row.state === 'exhausted';
  const wrong = rows.filter((row) => row.attempts !== countOf(row.id) || (isSettled(row) && row.attempts === 0));
  return {
    orphanedAttempts: made.filter((attempt) => !known.has(attempt.delivery)).length,
    miscounted: some(wrong.map((row) => `${row.id} ${row.state} counts ${row.attempts}, has ${countOf(row.id)}`)),
    doubledAttempts: made.length - new Set(made.map((attempt) => `${attempt.delivery} ${attempt.number}`)).size,
  };
}

/**
 * What was under way when the only server of this place died, by delivery, once none of its connections is left: on PostgreSQL a commit that
 * was on its way may still come through.
 */
export function leasedNow(location: DatabaseLocation): Promise<ReadonlyMap<string, string>> {
  return withDatabase(location, async (database) => {
    if (database.engine === 'postgres') {
      const others = sql<{ n: number }>`select count(*) as n from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()`;
      await until(async () => (await others.execute(database.read)).rows[0]?.n === 0, 10_000, 'connections of the dead server end');
    }
    const rows = await database.read.selectFrom('deliveries').select(['id', 'webhook']).where(sql<boolean>`state = 'leased'`).execute();
    return new Map(rows.map((row) => [row.id, row.webhook]));
  });
}

/** Whether every event has its deliveries, and every delivery is settled. */
export function nothingWaits(location: DatabaseLocation): Promise<boolean> {
  return withDatabase(location, async ({ read }) => {
    const unmade = await read.selectFrom('events').select('id').where('fanned_out', '=', 0).limit(1).execute();
    if (unmade.length > 0) return false;
    const open = read.selectFrom('deliveries').select('id').where('state', 'in', ['pending', 'leased']).limit(1);
    return (await open.execute()).length === 0;
  });
}

export async function withDatabase<T>(location: DatabaseLocation, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(location, 'tool');
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

const askAgainMs = 50;

/** Asks until it is true; fails with what was waited for. */
export async function until(isTrue: () => boolean | Promise<boolean>, msMax: number, what: string): Promise<void> {
  if (!(await within(isTrue, msMax))) throw new Error(`Not within ${msMax} ms: ${what}.`);
}

/** Asks until it is true, and answers whether it came true in time. */
export async function within(isTrue: () => boolean | Promise<boolean>, msMax: number): Promise<boolean> {
  const end = performance.now() + msMax;
  while (!(await isTrue())) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, askAgainMs));
  }
  return true;
}

export function grouped<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
}

export function some(all: readonly string[]): Some {
  return { count: all.length, examples: all.slice(0, examplesMax) };
}
