import type { Context, Figure } from '../delivery/context.ts';
import { between, firstArrivals, median, percentile, spread, threeOf } from '../delivery/figures.ts';
import { tellProfiles } from '../delivery/profile.ts';
import { connections } from './in.ts';
import type { Caller, Place } from './place.ts';
import { startPlace } from './place.ts';

const ratioMin = 0.25;
const ratioAim = 0.3;
const cpuSecondsMax = 0.17;
const arriveMsMax = 120_000;
const p95MsMax = 80;
const perSecond = 500;

/** Signed webhooks in over HTTP, each delivered to one webhook. */
export async function throughRow(context: Context, caller: Caller): Promise<readonly Figure[]> {
  const ratios: number[] = [];
  const rates: number[] = [];
  const cpus: number[] = [];
  for (let round = 0; round < context.size.rounds; round += 1) {
    const before = await context.bareRate();
    const { rate, cpu } = await onPlace(context, caller, (place) => through(context, caller, place));
    const bare = Math.max(before, await context.bareRate());
    rates.push(rate);
    cpus.push(cpu);
    ratios.push(rate / bare);
    context.say(`in and out: ${rate.toFixed(0)}/s, bare ${bare.toFixed(0)}/s`);
  }
  return [
    {
      what: 'in and delivered, 64 at once',
      found: `${spread(rates)}/s, ${spread(ratios, 3)} of the bare client`,
      must: `≥ ${ratioMin} of bare (aim ${ratioAim})`,
      held: median(ratios) >= ratioMin,
    },
    {
      what: 'in and delivered, CPU of all threads',
      found: `${spread(cpus, 3)} s per 1,000`,
      must: `≤ ${cpuSecondsMax} s`,
      held: median(cpus) <= cpuSecondsMax,
    },
  ];
}

/** From the call to the arrival of the delivery, at a steady rate. */
export async function latencyRow(context: Context, caller: Caller): Promise<readonly Figure[]> {
  const { warmUp, seconds } = context.size;
  return onPlace(context, caller, async ({ port, path, secret }) => {
    const count = perSecond * seconds;
    await caller.prepare({ port, path, secret, count, firstTag: warmUp });
    await context.receiver.forget();
    const { called } = await caller.call({ port, connections, perSecond });
    const { arrived } = await context.receiver.until(count, arriveMsMax);
    const times = between(called, firstArrivals(await context.receiver.arrivals(), warmUp, count));
    return [
      {
        what: `in to out at ${perSecond} a second`,
        found: `${threeOf(times)} ms (p50 / p95 / p99); ${arrived} of ${count} arrived`,
        must: `p95 ≤ ${p95MsMax} ms`,
        held: percentile(times, 0.95) <= p95MsMax && arrived >= count,
      },
    ];
  });
}

/** Where the time goes; a run of its own, since looking costs time as well. */
export async function profileRow(context: Context, caller: Caller): Promise<readonly Figure[]> {
  return onPlace(context, caller, async (place) => {
    const profiles = await place.server.profileWhile(async () => void (await through(context, caller, place)));
    return [{ what: 'where the time goes', found: tellProfiles(profiles) }];
  });
}

/** A new server that has warmed up. */
async function onPlace<T>(context: Context, caller: Caller, work: (place: Place) => Promise<T>): Promise<T> {
  const place = await startPlace(context, 1);
  const { warmUp } = context.size;
  try {
    const { port, path, secret } = place;
    await caller.prepare({ port, path, secret, count: warmUp });
    await caller.call({ port, connections });
    await context.receiver.until(warmUp, arriveMsMax);
    return await work(place);
  } finally {
    await context.clear();
  }
}

async function through(context: Context, caller: Caller, { server, port, path, secret }: Place): Promise<{ rate: number; cpu: number }> {
  const { warmUp, messages } = context.size;
  await caller.prepare({ port, path, secret, count: messages, firstTag: warmUp });
  await context.receiver.forget();
  const { cpuMs } = await server.usage();
  const { began } = await caller.call({ port, connections });
  const { arrived, lastAt } = await context.receiver.until(messages, arriveMsMax);
  const usage = await server.usage();
  if (arrived < messages) throw new Error(`Of ${messages} there were ${arrived} arrivals.`);
  return { rate: messages / ((lastAt - began) / 1000), cpu: (usage.cpuMs - cpuMs) / messages };
}
