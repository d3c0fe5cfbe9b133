import type { Loaded } from '../../test/delivery/load.ts';
import type { DeliveryServer } from '../../test/delivery/server.ts';
import type { Database } from '../../src/storage/database/database.ts';
import type { Context, Figure, Row } from './context.ts';
import { makeReceivers } from './drain.ts';
import { median, spread } from './figures.ts';
import { tellProfiles } from './profile.ts';
import { withDatabase } from './rows.ts';
import type { Watched } from './settled.ts';
import { settledAt, tally } from './settled.ts';

const ratioMin = 0.25;
const ratioAim = 0.3;
const cpuSecondsMax = 0.15;
export const writers = 64;
const arriveMsMax = 120_000;

export type Way = 'inside the server' | 'over HTTP';

export interface EndToEnd {
  readonly perSecond: number;
  readonly cpuSecondsPerThousand: number;
  readonly rssBytes: number;
  readonly loaded: Loaded;
}

/** Recorded by 64 at once and delivered meanwhile: from the first call until the last outcome is on disk. */
export const recorded: Row = {
  name: 'recorded',
  async run(context) {
    const figures: Figure[] = [];
    for (const way of ['inside the server', 'over HTTP'] as const) figures.push(...(await recordedBy(context, way, 1)));
    figures.push(...(await recordedBy(context, 'inside the server', 100)));
    return figures;
  },
};

export const profile: Row = {
  name: 'profile',
  run: async (context) => {
    const figures: Figure[] = [];
    for (const way of ['inside the server', 'over HTTP'] as const) {
      figures.push({ what: `where the time goes, ${way}`, found: await profiled(context, way) });
    }
    return figures;
  },
};

async function recordedBy(context: Context, way: Way, webhooks: number): Promise<readonly Figure[]> {
  const runs: EndToEnd[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < context.size.rounds; round += 1) {
    const before = await context.bareRate();
    const run = await onNewServer(context, webhooks, (server, database, targets) =>
      endToEnd(context, { server, database, way, targets, count: context.size.messages }),
    );
    const bare = Math.max(before, await context.bareRate());
    runs.push(run);
    ratios.push(run.perSecond / bare);
    context.say(`recorded ${way}, ${webhooks}: ${run.perSecond.toFixed(0)}/s, bare ${bare.toFixed(0)}/s`);
  }
  const cpu = runs.map((run) => run.cpuSecondsPerThousand);
  const name = `recorded by ${writers} ${way}${webhooks === 1 ? '' : `, ${webhooks} webhooks`}`;
  return [
    {
      what: `${name}, end to end`,
      found: `${spread(runs.map((run) => run.perSecond))}/s, ${spread(ratios, 3)} of bare`,
      must: `≥ ${ratioMin} of bare (aim ${ratioAim})`,
      held: median(ratios) >= ratioMin,
    },
    {
      what: `${name}, CPU of all threads`,
      found: `${spread(cpu, 3)} s per 1,000; RSS ${(median(runs.map((run) => run.rssBytes)) / 2 ** 20).toFixed(0)} MB`,
      must: `≤ ${cpuSecondsMax} s`,
      held: median(cpu) <= cpuSecondsMax,
    },
  ];
}

type Targets = readonly { readonly organization: string; readonly project: null }[];

/** A new database with so many webhooks, a server that has warmed up, and the end of both. */
export async function onNewServer<T>(
  context: Context,
  count: number,
  work: (server: DeliveryServer, database: Database, targets: Targets) => Promise<T>,
  options: { readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<T> {
  const location = await context.newLocation();
  const webhooks = await makeReceivers(context, location, count);
  const targets = webhooks.map(({ organization }) => ({ organization, project: null }));
  try {
    return await withDatabase(location, async (database) => {
      const server = await context.startServer(location, options);
      await endToEnd(context, { server, database, way: 'inside the server', targets, count: context.size.warmUp });
      return work(server, database, targets);
    });
  } finally {
    await context.clear();
  }
}

export interface EndToEndOptions {
  readonly server: DeliveryServer;
  readonly database: Database;
  readonly way: Way;
  readonly targets: Targets;
  readonly count: number;
  /** Where others wait for ever. */
  readonly watched?: Watched;
}

/** Records so many, waits until all are settled, and fails where not every one arrived. */
export async function endToEnd(
  context: Context,
  { server, database, way, targets, count, watched = {} }: EndToEndOptions,
): Promise<EndToEnd> {
  const { receiver } = context;
  await receiver.forget();
  const before = await tally(database);
  const { cpuMs } = await server.usage();
  const options = { targets, count, writers };
  const loaded = await (way === 'over HTTP' ? context.drive(server, options) : server.load(options));
  if (loaded.failure !== null) throw new Error(loaded.failure);
  const { arrived } = await receiver.until(count, arriveMsMax);
  const settled = await settledAt(database, watched);
  const usage = await server.usage();
  const after = await tally(database);
  if (arrived !== count || after.delivered - before.delivered !== count) {
    throw new Error(`Of ${count} there were ${arrived} arrivals, ${after.delivered - before.delivered} delivered.`);
  }
  return {
    perSecond: count / ((settled - loaded.began) / 1000),
    cpuSecondsPerThousand: (usage.cpuMs - cpuMs) / count,
    rssBytes: usage.rssBytes,
    loaded,
  };
}

/** A run of its own: looking costs time as well. */
function profiled(context: Context, way: Way): Promise<string> {
  return onNewServer(context, 1, async (server, database, targets) => {
    const options = { server, database, way, targets, count: context.size.messages };
    return tellProfiles(await server.profileWhile(async () => void (await endToEnd(context, options))));
  });
}
