import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { steadyNow } from '../delivery/process.ts';
import type { DeliveryServer } from '../delivery/server.ts';
import { startDeliveryServer } from '../delivery/server.ts';
import { makeTenant } from '../delivery/tenants.ts';
import type { Disagreements, Some } from './books.ts';
import { checkBooks, grouped, leasedNow, nothingWaits, some, within } from './books.ts';
import type { Load } from './load.ts';
import { startLoad } from './load.ts';
import type { Witness, Witnessed } from './witness.ts';
import { startWitness } from './witness.ts';

// A server that delivers is killed at random moments under load, again and again. One receiver is healthy, one answers 500 now and then; both
// are one process that nobody kills. In the end everything that was answered with 202 has arrived at both, and the database agrees.

export interface DeliveryKillOptions {
  readonly location: DatabaseLocation;
  readonly kills: number;
  /** How long a server takes load at most before it is killed. */
  readonly lifeMsMax: number;
  readonly say: (line: string) => void;
}

export interface DeliveryKillOutcome {
  readonly accepted: number;
  readonly unanswered: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly arrived: number;
  readonly deliveries: number;
  readonly attempts: number;
  /** Sent again after it had been answered with 2xx, each time a server was killed before it had written that down. */
  readonly repeated: number;
  /** Repeats that no kill explains: it was not under way when the server died. */
  readonly unexplained: Some;
  /** Deliveries of one webhook that were under way when a server died. */
  readonly underWayMax: number;
  readonly disagreements: Disagreements;
  /** From the last start, the process included, until all that was accepted had arrived at the healthy receiver. */
  readonly backMs: number;
}

interface Kill {
  readonly at: number;
  /** Webhook by delivery. */
  readonly underWay: ReadonlyMap<string, string>;
}

const healthy = '/within-10/healthy';
const unsteady = '/seldom-200/unsteady';
const settings = { GATEPOST_RETRY_INTERVAL: '100ms', GATEPOST_LOG: 'warn' };
const clients = 8;
const pauseMs = 15;
const allArrivedMsMax = 30_000;

export async function runDeliveryKills(options: DeliveryKillOptions): Promise<DeliveryKillOutcome> {
  const { location } = options;
  const witness = await startWitness();
  try {
    const base = `http://127.0.0.1:${witness.port}`;
    const tenant = await makeTenant(location, { urls: [base + healthy, base + unsteady] });
    const webhooks = new Map([healthy, unsteady].map((path, number) => [path, tenant.webhooks[number]?.id ?? '']));
    const load = startLoad({ organization: tenant.id, clients, pauseMs });
    const kills: Kill[] = [];
    for (let kill = 1; kill <= options.kills; kill += 1) {
      kills.push(await liveAndDie(options, load));
      options.say(`kill ${kill} of ${options.kills}: ${load.accepted.length} accepted so far`);
    }
    await load.stop();
    const { server, backMs } = await lastStart(location, { load, witness });
    // What is still open by then is told by the books.
    await within(() => nothingWaits(location), allArrivedMsMax);
    const witnessed = await witness.witnessed();
    const books = await checkBooks({ location, accepted: load.accepted, webhooks, witnessed });
    await server.stop();
    return {
      accepted: load.accepted.length,
      unanswered: load.unanswered,
      refused: load.refused,
      arrived: witnessed.ids.length,
      ...books,
      ...repeats(witnessed, kills),
      underWayMax: Math.max(
        0,
        ...kills.flatMap(({ underWay }) => [...grouped([...underWay.values()], String).values()].map((all) => all.length)),
      ),
      backMs,
    };
  } finally {
    await witness.close();
  }
}

async function liveAndDie({ location, lifeMsMax }: DeliveryKillOptions, load: Load): Promise<Kill> {
  const server = await startDeliveryServer({ location, settings });
  load.to([server.url]);
  await sleep(Math.random() * lifeMsMax);
  await server.kill();
  const at = steadyNow();
  load.to([]);
  return { at, underWay: await leasedNow(location) };
}

/** Answers how long it took until the healthy receiver had everything; the time out shows as what is missing in the books. */
async function lastStart(
  location: DatabaseLocation,
  { load, witness }: { readonly load: Load; readonly witness: Witness },
): Promise<{ readonly server: DeliveryServer; readonly backMs: number }> {
  const began = steadyNow();
  const server = await startDeliveryServer({ location, settings });
  const tags = load.accepted.map(({ tag }) => tag);
  let last: number | null = null;
  const arrived = async (): Promise<boolean> => (last = await witness.lastOf(healthy, tags)) !== null;
  await within(arrived, allArrivedMsMax);
  return { server, backMs: Math.max(0, (last ?? Infinity) - began) };
}

function repeats(witnessed: Witnessed, kills: readonly Kill[]): { readonly repeated: number; readonly unexplained: Some } {
  const taken = new Map<string, number>();
  const unexplained: string[] = [];
  let repeated = 0;
  for (const [number, id] of witnessed.ids.entries()) {
    const at = witnessed.at[number] ?? 0;
    const before = taken.get(id);
    if (before !== undefined) {
      repeated += 1;
      if (!kills.some((kill) => kill.at >= before && kill.at <= at && kill.underWay.has(id))) unexplained.push(id);
    }
    if (witnessed.statuses[number] !== 500) taken.set(id, at);
  }
  return { repeated, unexplained: some(unexplained) };
}
