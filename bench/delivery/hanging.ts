import { makeTenants } from '../../test/delivery/tenants.ts';
import type { Context, Figure, Row } from './context.ts';
import { between, firstArrivals, median, percentile, threeOf } from './figures.ts';
import { withDatabase } from './rows.ts';

const webhooks = 2_000;
const perSecondHealthy = 200;
/** Longer than the deadline twice over: what hangs must have timed out, and be tried again. */
const secondsMin = 30;
const ratioMax = 1.2;
const moreMsMax = 1;
const arriveMsMax = 20_000;
const pairsMax = 2;

/** Half of all webhooks hang until the deadline. The healthy ones get the same load with them and without. */
export const hanging: Row = {
  name: 'hanging',
  async run(context) {
    const alone: Seen[] = [];
    const beside: Seen[] = [];
    for (let pair = 0; pair < Math.min(pairsMax, context.size.rounds); pair += 1) {
      alone.push(await lookAt(context, false));
      beside.push(await lookAt(context, true));
    }
    const p95Of = (all: readonly Seen[]): number => median(all.map(({ times }) => percentile(times, 0.95)));
    const told = (all: readonly Seen[]): string => threeOf(Float64Array.from(all.flatMap(({ times }) => [...times])));
    const p95 = p95Of(beside);
    const base = p95Of(alone);
    const missing = beside.reduce((sum, one) => sum + one.missing, 0);
    const figure: Figure = {
      what: `${webhooks} webhooks, half of which hang, ${perSecondHealthy} a second to the healthy and as many to the others: event to arrival of the healthy`,
      found: `${told(beside)} ms (p50 / p95 / p99; ${missing} not arrived); without the hanging ${told(alone)} ms: ${(p95 / base).toFixed(2)} times, ${(p95 - base).toFixed(2)} ms more`,
      must: `p95 ≤ ${ratioMax} times or ${moreMsMax} ms more`,
      held: missing === 0 && (p95 <= base * ratioMax || p95 <= base + moreMsMax),
    };
    return [figure, { what: 'connections at the receiver, at most', found: String(Math.max(...beside.map((one) => one.connections))) }];
  },
};

interface Seen {
  readonly times: Float64Array;
  readonly missing: number;
  readonly connections: number;
}

async function lookAt(context: Context, withHanging: boolean): Promise<Seen> {
  const { receiver } = context;
  const location = await context.newLocation();
  const isHanging = (number: number): boolean => number % 2 === 1;
  const urls = Array.from({ length: webhooks }, (_, number) => receiver.url(isHanging(number) ? 'hang' : 'ok', String(number)));
  context.say(`hanging: making ${webhooks} organizations`);
  const made = await makeTenants(location, urls);
  const targets = made
    .filter((_, number) => withHanging || !isHanging(number))
    .map(({ organization }) => ({ organization, project: null }));
  const perSecond = withHanging ? perSecondHealthy * 2 : perSecondHealthy;
  const count = perSecond * Math.max(context.size.seconds, context.size.rounds === 1 ? 12 : secondsMin);
  try {
    return await withDatabase(location, async () => {
      const server = await context.startServer(location);
      // Each webhook's first connection is no matter of who hangs.
      await context.drive(server, { targets, count: perSecond, perSecond, firstTag: count });
      let connections = 0;
      const timer = setInterval(() => {
        void receiver.count().then((counts) => {
          connections = Math.max(connections, counts.connections);
        });
      }, 500);
      const loaded = await context.drive(server, { targets, count, perSecond });
      await receiver.until(count, withHanging ? 2_000 : arriveMsMax);
      clearInterval(timer);
      const arrivals = firstArrivals(await receiver.arrivals(), 0, count);
      const healthy = (_: number, number: number): boolean => !withHanging || !isHanging(number);
      const times = between(loaded.called, arrivals).filter(healthy);
      return { times, missing: times.filter(Number.isNaN).length, connections };
    });
  } finally {
    await context.clear();
  }
}
