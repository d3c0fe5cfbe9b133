import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { steadyNow } from '../delivery/process.ts';
import type { DeliveryServer } from '../delivery/server.ts';
import { startDeliveryServer } from '../delivery/server.ts';
import type { Shim } from '../delivery/shim.ts';
import { createShim } from '../delivery/shim.ts';
import { makeTenant } from '../delivery/tenants.ts';
import type { Books } from './books.ts';
import { checkBooks, nothingWaits, within } from './books.ts';
import type { Load } from './load.ts';
import { startLoad } from './load.ts';
import type { Witness, Witnessed } from './witness.ts';
import { startWitness } from './witness.ts';

// A server's wall clock goes back and forward under it, and between two of its lives. One receiver is healthy, the other fails for a while
// before each change and works again after it, so that there are always retries that were planned by another clock.

export interface Change {
  readonly name: string;
  /** The wall clock is so far off from now on. */
  readonly offMs: number;
  /** The server is stopped before and started after it. */
  readonly restarts: boolean;
}

const hourMs = 3_600_000;
export const changes: readonly Change[] = [
  { name: 'an hour back', offMs: -hourMs, restarts: false },
  { name: 'a day forward', offMs: 24 * hourMs, restarts: false },
  { name: 'a day back, over a restart', offMs: 0, restarts: true },
  { name: 'an hour back, over a restart', offMs: -hourMs, restarts: true },
  { name: 'a day forward, over a restart', offMs: 24 * hourMs, restarts: true },
  { name: 'a day back', offMs: 0, restarts: false },
];

export interface ClockOutcome {
  readonly accepted: number;
  readonly arrived: number;
  readonly changes: readonly ChangeOutcome[];
  /** The longest from the answer to an event until it had come to the healthy receiver. */
  readonly freshMsMax: number;
  /** Signatures whose time was not the wall clock's then. */
  readonly wrongTimestamps: number;
  readonly refused: readonly (readonly [string, number])[];
  readonly books: Books;
}

export interface ChangeOutcome {
  readonly name: string;
  /** From the change (or the start after it) until everything had come to the receiver that failed and works again; infinite: it did not. */
  readonly retriedMs: number;
  /** The most attempts at the failing receiver in one of the windows before, and in the window after the change. */
  readonly attemptsBefore: number;
  readonly attemptsAfter: number;
}

export const retryIntervalMs = 500;
/** As long as it fails before each change. */
const failingMs = 1_000;
const windowMs = 500;
/** Signing, sending, and the grain of a second. */
const timestampMsMax = 2_000;
const retriedMsMax = 15_000;
const healthy = '/ok/healthy';
const failing = '/ok/failing';

interface Run {
  readonly location: DatabaseLocation;
  readonly shim: Shim;
  readonly witness: Witness;
  readonly load: Load;
  /** What the wall clock was off, since when. */
  readonly offs: { readonly since: number; readonly offMs: number }[];
  server: DeliveryServer;
}

export async function runClocks(location: DatabaseLocation, rounds: number): Promise<ClockOutcome> {
  const shim = createShim();
  const witness = await startWitness();
  try {
    const tenant = await makeTenant(location, { urls: [witness.url('ok', 'healthy'), witness.url('ok', 'failing')] });
    const load = startLoad({ organization: tenant.id, clients: 2, pauseMs: 50 });
    const run: Run = { location, shim, witness, load, offs: [], server: await start(location, shim) };
    load.to([run.server.url]);
    const outcomes: ChangeOutcome[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      for (const change of changes) outcomes.push(await changed(run, change));
    }
    await load.stop();
    await within(() => nothingWaits(location), retriedMsMax);
    const witnessed = await witness.witnessed();
    const webhooks = new Map([healthy, failing].map((path, number) => [path, tenant.webhooks[number]?.id ?? '']));
    const books = await checkBooks({ location, accepted: load.accepted, webhooks, witnessed });
    await run.server.stop();
    return {
      accepted: load.accepted.length,
      arrived: witnessed.ids.length,
      changes: outcomes,
      freshMsMax: freshMsMax(witnessed, load),
      wrongTimestamps: wrongTimestamps(witnessed, run.offs),
      refused: [...load.refused],
      books,
    };
  } finally {
    await witness.close();
    shim.close();
  }
}

function start(location: DatabaseLocation, shim: Shim): Promise<DeliveryServer> {
  const settings = { ...shim.environment, GATEPOST_LOG: 'fatal', GATEPOST_RETRY_INTERVAL: `${retryIntervalMs}ms` };
  return startDeliveryServer({ location, settings });
}

async function changed(run: Run, { name, offMs, restarts }: Change): Promise<ChangeOutcome> {
  const { witness, load, shim, location } = run;
  await witness.behave(failing, 'status-503');
  await sleep(failingMs);
  if (restarts) {
    load.to([]);
    await run.server.stop();
  }
  const at = steadyNow();
  shim.shiftClock(offMs);
  run.offs.push({ since: at, offMs });
  if (restarts) {
    run.server = await start(location, shim);
    load.to([run.server.url]);
  }
  const began = steadyNow();
  await sleep(windowMs);
  const attempts = attemptsAround(await witness.witnessed(), began);
  // Asked anew after it works again: what is under way just now still fails.
  await witness.behave(failing, null);
  const tags = load.accepted.map(({ tag }) => tag);
  let retriedMs = Infinity;
  await within(async () => {
    const last = await lastTaken(witness, tags);
    if (last !== null) retriedMs = Math.max(0, last - began);
    return last !== null;
  }, retriedMsMax);
  return { name, retriedMs, ...attempts };
}

/** When the last of these numbers was taken by the receiver that fails now and then; null while one is missing. */
async function lastTaken(witness: Witness, tags: readonly number[]): Promise<number | null> {
  const { at, tags: arrived, statuses, path, paths } = await witness.witnessed();
  const taken = new Map<number, number>();
  for (const [number, tag] of arrived.entries()) {
    const isTaken = statuses[number] === 204 && paths[path[number] ?? 0] === failing;
    if (isTaken && !taken.has(tag)) taken.set(tag, at[number] ?? 0);
  }
  let last = 0;
  for (const tag of tags) last = Math.max(last, taken.get(tag) ?? Infinity);
  return last === Infinity ? null : last;
}

function attemptsAround({ at, path, paths, statuses }: Witnessed, began: number): Pick<ChangeOutcome, 'attemptsBefore' | 'attemptsAfter'> {
  const times = [...at].filter((_, number) => paths[path[number] ?? 0] === failing && statuses[number] === 503);
  const within = (from: number): number => times.filter((time) => time >= from && time < from + windowMs).length;
  const before = times.filter((time) => time < began - windowMs).map(within);
  return { attemptsBefore: Math.max(0, ...before), attemptsAfter: within(began) };
}

function freshMsMax({ tags, at, path, paths }: Witnessed, load: Load): number {
  const first = new Map<number, number>();
  for (const [number, tag] of tags.entries()) {
    if (paths[path[number] ?? 0] === healthy && !first.has(tag)) first.set(tag, at[number] ?? 0);
  }
  return load.accepted.reduce((max, event) => Math.max(max, (first.get(event.tag) ?? Infinity) - event.at), 0);
}

function wrongTimestamps({ at, walls, timestamps }: Witnessed, offs: Run['offs']): number {
  const offsets = (from: number, to: number): readonly number[] => {
    const before = offs.findLast(({ since }) => since <= from)?.offMs ?? 0;
    return [before, ...offs.filter(({ since }) => since > from && since <= to).map(({ offMs }) => offMs)];
  };
  return [...at].filter((time, number) => {
    const off = (timestamps[number] ?? 0) * 1000 - (walls[number] ?? 0);
    return offsets(time - timestampMsMax, time).every((offMs) => Math.abs(off - offMs) > timestampMsMax);
  }).length;
}
