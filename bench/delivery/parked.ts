import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { steadyNow } from '../../test/delivery/process.ts';
import { makeTenant } from '../../test/delivery/tenants.ts';
import type { Database } from '../../src/storage/database/database.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import type { Context, Row } from './context.ts';
import { median, spread } from './figures.ts';
import { endToEnd } from './recorded.ts';
import { insertParked, withDatabase } from './rows.ts';

const deadWebhooks = 100;
const ratioMin = 0.9;
const longerMsMax = 2_000;

/** A backlog on webhooks whose port refuses: the same webhooks and the same load without it and with it. */
export const parked: Row = {
  name: 'parked',
  async run(context) {
    const { parked: count } = context.size;
    const location = await context.newLocation();
    const healthy = await makeTenant(location, { urls: [context.receiver.url('ok', 'healthy')] });
    const refused = await refusedUrl();
    const dead = await makeTenant(location, { name: 'Dead', urls: Array.from({ length: deadWebhooks }, () => refused) });
    return withDatabase(location, async (database) => {
      const place = { location, database, organization: healthy.id, webhook: healthy.webhooks[0]?.id ?? '' };
      const without = await runs(context, place);
      context.say(`parked: inserting ${count} deliveries`);
      await insertParked(database, { webhooks: dead.webhooks, count });
      const beside = await runs(context, place);
      const ratio = median(beside.rates) / median(without.rates);
      const longerMs = median(beside.startMs) - median(without.startMs);
      return [
        {
          what: `${count} deliveries parked on ${deadWebhooks} dead webhooks, end to end of the healthy`,
          found: `${spread(beside.rates)}/s, ${ratio.toFixed(2)} of ${spread(without.rates)}/s without`,
          must: `≥ ${ratioMin} of the run without`,
          held: ratio >= ratioMin,
        },
        {
          what: `start-up with ${count} parked`,
          found: `${(median(beside.startMs) / 1000).toFixed(2)} s, ${(longerMs / 1000).toFixed(2)} s longer`,
          must: `≤ ${longerMsMax / 1000} s longer`,
          held: longerMs <= longerMsMax,
        },
        {
          what: 'memory with the parked',
          found: `RSS ${(beside.rssBytes / 2 ** 20).toFixed(0)} MB, without ${(without.rssBytes / 2 ** 20).toFixed(0)} MB`,
        },
      ];
    });
  },
};

interface Place {
  readonly location: DatabaseLocation;
  readonly database: Database;
  readonly organization: string;
  readonly webhook: string;
}

/** Servers started one after the other, each measured once warm. */
async function runs(context: Context, { location, database, organization, webhook }: Place) {
  const rates: number[] = [];
  const startMs: number[] = [];
  let rssBytes = 0;
  const targets = [{ organization, project: null }];
  const watched = { webhooks: [webhook] };
  for (let round = 0; round < context.size.rounds; round += 1) {
    const began = steadyNow();
    const server = await context.startServer(location);
    startMs.push(steadyNow() - began);
    const options = { server, database, way: 'inside the server', targets, watched } as const;
    await endToEnd(context, { ...options, count: context.size.warmUp });
    const run = await endToEnd(context, { ...options, count: context.size.messages });
    rates.push(run.perSecond);
    rssBytes = Math.max(rssBytes, run.rssBytes);
    context.say(`parked: ${run.perSecond.toFixed(0)}/s, up after ${startMs.at(-1)?.toFixed(0)} ms`);
    await server.stop();
  }
  return { rates, startMs, rssBytes };
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
