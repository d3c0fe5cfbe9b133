import { makeTenant } from '../../test/delivery/tenants.ts';
import type { Context, Row } from './context.ts';
import { bareConnections } from './context.ts';
import { median } from './figures.ts';
import { withDatabase } from './rows.ts';
import { settledAt } from './settled.ts';

const webhooks = 1_000;
const events = 5;
const arriveMsMax = 60_000;

/** One event to as many webhooks as an organization may have, again and again: the first opens every connection. */
export const fanOut: Row = {
  name: 'fan-out',
  async run(context) {
    const location = await context.newLocation();
    const urls = Array.from({ length: webhooks }, (_, number) => context.receiver.url('ok', String(number)));
    const tenant = await makeTenant(location, { urls });
    const targets = [{ organization: tenant.id, project: null }];
    const runs = await withDatabase(location, async (database) => {
      const server = await context.startServer(location);
      const all: Ms[] = [];
      for (let event = 0; event < events; event += 1) {
        await context.receiver.forget();
        const { began, accepted } = await server.load({ targets, count: 1, firstTag: event });
        const { arrived } = await context.receiver.until(webhooks, arriveMsMax);
        if (arrived !== webhooks) throw new Error(`Only ${arrived} of ${webhooks} arrived.`);
        const { at } = await context.receiver.arrivals();
        const settled = await settledAt(database);
        all.push({
          accepted: (accepted[0] ?? Number.NaN) - began,
          first: (at[0] ?? Number.NaN) - began,
          last: (at.at(-1) ?? Number.NaN) - began,
          settled: settled - began,
        });
      }
      return all;
    });
    const bare = await bareMs(context);
    const [cold, ...warm] = runs;
    const of = (pick: (one: Ms) => number): string => median(warm.map(pick)).toFixed(0);
    return [
      {
        what: `one event to ${webhooks} webhooks`,
        found:
          `recorded after ${of((one) => one.accepted)} ms, first arrival ${of((one) => one.first)} ms, last ${of((one) => one.last)} ms, settled ${of((one) => one.settled)} ms ` +
          `(with every connection new: ${cold?.first.toFixed(0)} and ${cold?.last.toFixed(0)} ms)`,
        must: `beside the bare client: ${webhooks} in ${bare.toFixed(0)} ms, ${(median(warm.map((one) => one.last)) / bare).toFixed(1)} times`,
      },
    ];
  },
};

interface Ms {
  readonly accepted: number;
  readonly first: number;
  readonly last: number;
  readonly settled: number;
}

async function bareMs(context: Context): Promise<number> {
  await context.bareRate();
  const all: number[] = [];
  for (let run = 0; run < events; run += 1) {
    const { began, ended } = await context.bareSend({ path: '/ok/bare', count: webhooks, connections: bareConnections });
    all.push(ended - began);
  }
  await context.receiver.forget();
  return median(all);
}
