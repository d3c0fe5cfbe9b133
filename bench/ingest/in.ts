import { startChild } from '../../test/delivery/process.ts';
import type { Context, Figure } from '../delivery/context.ts';
import { between, median, percentile, spread, threeOf } from '../delivery/figures.ts';
import type { Caller } from './place.ts';
import { startPlace } from './place.ts';

const ratioMin = 0.5;
const p99MsMax = 50;
const perSecond = 1_000;
export const connections = 64;
const bareSecret = 'sixteen-chars-ok';

/** Signed webhooks in: verified, on disk, answered; nobody is told. Beside a route that reads and verifies the same bytes. */
export async function inRow(context: Context, caller: Caller): Promise<readonly Figure[]> {
  const { size } = context;
  const ratios: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < size.rounds; round += 1) {
    const before = await bareRate(context, caller);
    const rate = await gatepostRate(context, caller);
    const bare = Math.max(before, await bareRate(context, caller));
    rates.push(rate);
    ratios.push(rate / bare);
    context.say(`in: ${rate.toFixed(0)}/s, bare ${bare.toFixed(0)}/s`);
  }
  const times = await atRate(context, caller);
  return [
    {
      what: 'signed webhooks in, durable, answered',
      found: `${spread(rates)}/s, ${spread(ratios, 3)} of a bare route`,
      must: `≥ ${ratioMin} of bare`,
      held: median(ratios) >= ratioMin,
    },
    {
      what: `answered at ${perSecond} a second`,
      found: `${threeOf(times)} ms (p50 / p95 / p99)`,
      must: `p99 ≤ ${p99MsMax} ms`,
      held: percentile(times, 0.99) <= p99MsMax,
    },
  ];
}

async function bareRate({ size }: Context, caller: Caller): Promise<number> {
  const bare = await startChild<number>({ module: new URL('bare-server.ts', import.meta.url), args: [bareSecret] });
  try {
    const to = { port: bare.ready, path: '/ingest', secret: bareSecret };
    return await warmRate(caller, { ...to, warmUp: size.warmUp, count: size.messages });
  } finally {
    await bare.kill();
  }
}

async function gatepostRate(context: Context, caller: Caller): Promise<number> {
  const { port, path, secret } = await startPlace(context, 0);
  try {
    return await warmRate(caller, { port, path, secret, warmUp: context.size.warmUp, count: context.size.messages });
  } finally {
    await context.clear();
  }
}

interface Target {
  readonly port: number;
  readonly path: string;
  readonly secret: string;
  readonly warmUp: number;
  readonly count: number;
}

async function warmRate(caller: Caller, { port, path, secret, warmUp, count }: Target): Promise<number> {
  await caller.prepare({ port, path, secret, count: warmUp });
  await caller.call({ port, connections });
  await caller.prepare({ port, path, secret, count, firstTag: warmUp });
  const { began, ended } = await caller.call({ port, connections });
  return count / ((ended - began) / 1000);
}

async function atRate(context: Context, caller: Caller): Promise<Float64Array> {
  const { port, path, secret } = await startPlace(context, 0);
  try {
    const { warmUp, seconds } = context.size;
    await caller.prepare({ port, path, secret, count: warmUp });
    await caller.call({ port, connections });
    await caller.prepare({ port, path, secret, count: perSecond * seconds, firstTag: warmUp });
    const { called, answered } = await caller.call({ port, connections, perSecond });
    return between(called, answered);
  } finally {
    await context.clear();
  }
}
