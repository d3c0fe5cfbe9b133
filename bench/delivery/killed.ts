import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow } from '../../test/delivery/process.ts';
import type { Behaviour } from '../../test/delivery/receiver.ts';
import { makeTenant } from '../../test/delivery/tenants.ts';
import type { Context, Figure, Row } from './context.ts';
import { firstArrivals } from './figures.ts';

const backMsMax = 5_000;
const kills = 3;
const writers = 64;
const moreThanComes = 1_000_000;
const arriveMsMax = 60_000;

/**
 * Killed under full load, to a receiver that answers at once; and to one that takes its time, with two thirds of what that one can take at all
 * (64 at once, 20 ms each): with more, a backlog would grow for as long as the load lasts, whoever is killed.
 */
export const killed: Row = {
  name: 'killed',
  run: async (context) => [
    await killedWhileTo(context, { behaviour: 'ok', load: { writers } }),
    await killedWhileTo(context, { behaviour: 'slow-20', load: { perSecond: 2_000 } }),
  ],
};

interface Case {
  readonly behaviour: Behaviour;
  readonly load: { readonly writers: number } | { readonly perSecond: number };
}

interface Outcome {
  readonly accepted: number;
  readonly lost: number;
  readonly waiting: number;
  readonly upMs: number;
  readonly lastMs: number;
}

async function killedWhileTo(context: Context, { behaviour, load }: Case): Promise<Figure> {
  const location = await context.newLocation();
  const tenant = await makeTenant(location, { urls: [context.receiver.url(behaviour, 'one')] });
  const targets = [{ organization: tenant.id, project: null }];
  const outcomes: Outcome[] = [];
  let server = await context.startServer(location);
  let firstTag = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const loading = context.drive(server, { targets, count: moreThanComes, ...load, firstTag, untilFailure: true });
    await sleep((context.size.seconds / 4) * 1_000 * (0.5 + Math.random()));
    await server.kill();
    const loaded = await loading;
    const numbers = [...loaded.accepted.entries()].filter(([, at]) => !Number.isNaN(at)).map(([number]) => number);
    const span = loaded.called.findLastIndex((at) => !Number.isNaN(at)) + 1;
    const before = firstArrivals(await context.receiver.arrivals(), firstTag, span);
    const missing = numbers.filter((number) => Number.isNaN(before[number] ?? Number.NaN));
    const started = steadyNow();
    server = await context.startServer(location);
    const upMs = steadyNow() - started;
    const last = await allArrived(context, { missing, firstTag, span });
    outcomes.push({ accepted: numbers.length, lost: last.lost, waiting: missing.length, upMs, lastMs: Math.max(0, last.at - started) });
    context.say(`kill ${kill + 1}: ${JSON.stringify(outcomes.at(-1))}`);
    firstTag += span;
  }
  const { repeated } = await context.receiver.count();
  await context.clear();
  const most = (pick: (outcome: Outcome) => number): number => Math.max(...outcomes.map(pick));
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  return {
    what: `killed ${kills} times under load, receiver ${behaviour === 'ok' ? 'answers at once' : 'takes 20 ms, 2,000 a second'}`,
    found:
      `${sum((one) => one.accepted)} accepted, ${sum((one) => one.lost)} lost, ${repeated} repeated; up to ${most((one) => one.waiting)} waited; ` +
      `up after ${(most((one) => one.upMs) / 1000).toFixed(2)} s, the last arrived ${(most((one) => one.lastMs) / 1000).toFixed(2)} s after the start`,
    must: `all within ${backMsMax / 1000} s of the start, 0 lost`,
    held: sum((one) => one.lost) === 0 && most((one) => one.lastMs) <= backMsMax,
  };
}

interface Missing {
  readonly missing: readonly number[];
  readonly firstTag: number;
  readonly span: number;
}

/** Waits for what was accepted and had not arrived; answers when the last of it came, and how many never did. */
async function allArrived(context: Context, { missing, firstTag, span }: Missing): Promise<{ readonly at: number; readonly lost: number }> {
  const until = steadyNow() + arriveMsMax;
  for (;;) {
    const arrivals = firstArrivals(await context.receiver.arrivals(), firstTag, span);
    const lost = missing.filter((number) => Number.isNaN(arrivals[number] ?? Number.NaN)).length;
    if (lost === 0 || steadyNow() > until) return { at: Math.max(0, ...missing.map((number) => arrivals[number] ?? 0)), lost };
    await sleep(200);
  }
}
