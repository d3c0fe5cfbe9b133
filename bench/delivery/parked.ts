import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { steadyNow } from '../../test/delivery/process.ts';
import { makeTenant } from '../../test/delivery/tenants.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import type { Context, Row } from './context.ts';
import { median, spread } from './figures.ts';
import { endToEnd } from './recorded.ts';
import { insertParked, withDatabase } from './rows.ts';

const deadWebhooks = 100;
const ratioMin = 0.9;
const longerMsMax = 2_000;

/** A backlog on webhooks whose port refuses: two databases alike but for the backlog, measured in turn. */
export const parked: Row = {
  name: 'parked',
  async run(context) {
    const { parked: count } = context.size;
    const refused = await refusedUrl();
    const [without, beside] = [await prepare(context, refused, 0), await prepare(context, refused, count)];
    const ratios: number[] = [];
    for (let round = 0; round < context.size.rounds; round += 1) {
      const base = await run(context, without);
      ratios.push((await run(context, beside)) / base);
    }
    const ratio = median(ratios);
    const longerMs = median(beside.startMs) - median(without.startMs);
    const megabytes = ({ rssBytes }: Place): string => (Math.max(...rssBytes) / 2 ** 20).toFixed(0);
    return [
      {
        what: `${count} deliveries parked on ${deadWebhooks} dead webhooks, end to end of the healthy`,
        found: `${spread(beside.rates)}/s, ${spread(ratios, 2)} of ${spread(without.rates)}/s without`,
        must: `≥ ${ratioMin} of the run without`,
        held: ratio >= ratioMin,
      },
      {
        what: `start-up with ${count} parked`,
        found: `${(median(beside.startMs) / 1000).toFixed(2)} s, ${(longerMs / 1000).toFixed(2)} s longer`,
        must: `≤ ${longerMsMax / 1000} s longer`,
        held: longerMs <= longerMsMax,
      },
      { what: 'memory with the parked', found: `RSS ${megabytes(beside)} MB, without ${megabytes(without)} MB` },
    ];
  },
};

/** A database, and what was measured on it. */
interface Place {
  readonly location: DatabaseLocation;
  readonly organization: string;
  readonly webhook: string;
  readonly rates: number[];
  readonly startMs: number[];
  readonly rssBytes: number[];
}

async function prepare(context: Context, refused: string, count: number): Promise<Place> {
  const location = await context.newLocation();
  const healthy = await makeTenant(location, { urls: [context.receiver.url('ok', 'healthy')] });
  const dead = await makeTenant(location, { name: 'Dead', urls: Array.from({ length: deadWebhooks }, () => refused) });
  if (count > 0) {
    context.say(`parked: inserting ${count} deliveries`);
    await withDatabase(location, (database) => insertParked(database, { webhooks: dead.webhooks, count }));
  }
  return { location, organization: healthy.id, webhook: healthy.webhooks[0]?.id ?? '', rates: [], startMs: [], rssBytes: [] };
}

/** One server's life: its start, and its rate once it is warm. */
async function run(context: Context, place: Place): Promise<number> {
  const { location, organization, webhook } = place;
  return withDatabase(location, async (database) => {
    const began = steadyNow();
    const server = await context.startServer(location);
    place.startMs.push(steadyNow() - began);
    const options = {
      server,
      database,
      way: 'inside the server',
      targets: [{ organization, project: null }],
      watched: { webhooks: [webhook] },
    } as const;
    await endToEnd(context, { ...options, count: context.size.warmUp });
    const { perSecond, rssBytes } = await endToEnd(context, { ...options, count: context.size.messages });
    place.rates.push(perSecond);
    place.rssBytes.push(rssBytes);
    context.say(`parked: ${perSecond.toFixed(0)}/s, up after ${place.startMs.at(-1)?.toFixed(0)} ms`);
    await server.stop();
    return perSecond;
  });
}

/** Of a port that was ours a moment ago: whoever calls there is refused at once. */
async function refusedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return `http://127.0.0.1:${port}/dead`;
}
