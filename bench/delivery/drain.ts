import type { Receiver } from '../../test/delivery/receiver.ts';
import type { MadeWebhook } from '../../test/delivery/tenants.ts';
import { makeTenant, makeTenants } from '../../test/delivery/tenants.ts';
import type { Context, Figure, Row } from './context.ts';
import { median, spread } from './figures.ts';
import { insertWaiting, withDatabase } from './rows.ts';
import { settledAt, tally } from './settled.ts';

const ratioMin = 0.4;
const ratioAim = 0.5;
const arriveMsMax = 120_000;

/**
 * Recorded events wait; then the server starts. The first of them warm it up, as the bare client is warmed up; from there until the last outcome is
 * on disk.
 */
export const drain: Row = {
  name: 'drain',
  async run(context) {
    return [await drainTo(context, 1), await drainTo(context, 100)];
  },
};

async function drainTo(context: Context, webhooks: number): Promise<Figure> {
  const rates: number[] = [];
  const late: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < context.size.rounds; round += 1) {
    const before = await context.bareRate();
    const { rate, secondHalf } = await drainOnce(context, webhooks);
    const bare = Math.max(before, await context.bareRate());
    rates.push(rate);
    late.push(secondHalf);
    ratios.push(rate / bare);
    context.say(
      `drain to ${webhooks}: ${rate.toFixed(0)}/s (arrivals of the second half ${secondHalf.toFixed(0)}/s), bare ${bare.toFixed(0)}/s`,
    );
  }
  return {
    what: `drain, ${webhooks === 1 ? 'one webhook' : `${webhooks} webhooks`}`,
    found: `${spread(rates)}/s, ${spread(ratios, 3)} of bare; the second half arrives at ${spread(late)}/s`,
    must: `≥ ${ratioMin} of bare (aim ${ratioAim})`,
    held: median(ratios) >= ratioMin,
  };
}

/** One organization with one webhook, or as many organizations as webhooks. */
export async function makeReceivers(
  { receiver }: { readonly receiver: Receiver },
  location: Parameters<typeof makeTenant>[0],
  webhooks: number,
): Promise<readonly MadeWebhook[]> {
  if (webhooks === 1) return (await makeTenant(location, { urls: [receiver.url('ok', '0')] })).webhooks;
  return makeTenants(
    location,
    Array.from({ length: webhooks }, (_, number) => receiver.url('ok', String(number))),
  );
}

async function drainOnce(context: Context, count: number): Promise<{ readonly rate: number; readonly secondHalf: number }> {
  const { receiver, size } = context;
  const all = size.warmUp + size.messages;
  const location = await context.newLocation();
  const webhooks = await makeReceivers(context, location, count);
  try {
    return await withDatabase(location, async (database) => {
      await insertWaiting(database, { webhooks, count: all });
      const server = await context.startServer(location, { held: true });
      await server.start();
      await receiver.until(all, arriveMsMax);
      const settled = await settledAt(database);
      const { at } = await receiver.arrivals();
      const { delivered, attempts } = await tally(database);
      if (delivered !== all || attempts !== all || at.length !== all) {
        throw new Error(`Of ${all} there were ${at.length} arrivals, ${delivered} delivered, ${attempts} attempts.`);
      }
      await server.kill();
      const half = size.warmUp + Math.floor(size.messages / 2);
      const seconds = (from: number | undefined, to: number | undefined): number => ((to ?? Number.NaN) - (from ?? Number.NaN)) / 1000;
      return { rate: size.messages / seconds(at[size.warmUp], settled), secondHalf: (at.length - half) / seconds(at[half], at.at(-1)) };
    });
  } finally {
    await context.clear();
  }
}
