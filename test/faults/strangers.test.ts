import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { atEnd } from '../app.ts';
import { newLocation } from '../databases.ts';
import type { DeliveryServer } from '../delivery/server.ts';
import { startDeliveryServer } from '../delivery/server.ts';
import { makeTenant, webhookSecret } from '../delivery/tenants.ts';
import { agreed, checkBooks, grouped, nothingWaits, withDatabase, within } from './books.ts';
import { tell } from './counts.ts';
import type { Load } from './load.ts';
import { startLoad } from './load.ts';
import { roundsOf } from './rounds.ts';
import type { StrangerName, Strangers } from './strangers.ts';
import { outcomes, slowNames, startStrangers, strangerNames } from './strangers.ts';
import type { Witnessed } from './witness.ts';
import { startWitness } from './witness.ts';

// One server sends to receivers that hang, flood, cut and talk rubbish, all at the same time, and to a healthy one. Each attempt at a bad one
// ends with its right outcome; the healthy one notices nothing; the server's memory stays flat.

const eventsOfSlow = roundsOf('strangers');
const eventsOfQuick = 5 * eventsOfSlow;
const isSlow = (name: StrangerName): boolean => slowNames.includes(name);
const eventsOf = (name: StrangerName): number => (isSlow(name) ? eventsOfSlow : eventsOfQuick);
const healthy = '/ok/healthy';
const aloneMs = 1_500;
/** What hangs is tried one after the other once it is known to hang. */
const settledMsMax = 30_000 + eventsOfSlow * 11_000;
const attemptMsMax = 10_500;
const healthyMsMax = 250;
const growthBytesMax = 150 * 2 ** 20;
const sampleMs = 250;

test('receivers that do not behave end each with its right outcome, and neither a healthy one nor memory feels them', {
  timeout: 3_000_000,
}, async (t) => {
  const location = await newLocation({ after: (step) => atEnd(t, step) }, 'sqlite');
  const [witness, strangers] = await Promise.all([startWitness(), startStrangers()]);
  atEnd(t, witness.close);
  atEnd(t, strangers.close);
  const well = await makeTenant(location, { name: 'Well', urls: [witness.url('ok', 'healthy')] });
  const slow = await makeTenant(location, { name: 'Slow', urls: [] });
  const quick = await makeTenant(location, { name: 'Quick', urls: [] });
  const server = await startDeliveryServer({ location, settings: { GATEPOST_LOG: 'fatal', GATEPOST_RETRY_INTERVAL: '200ms' } });
  atEnd(t, async () => void (await server.stop()));
  const names = new Map([
    ...(await addStrangers(server, { token: slow.token, strangers, names: strangerNames.filter(isSlow) })),
    ...(await addStrangers(server, { token: quick.token, strangers, names: strangerNames.filter((name) => !isSlow(name)) })),
  ]);
  const load = startLoad({ organization: well.id, clients: 2, pauseMs: 15 });
  atEnd(t, load.stop);
  load.to([server.url]);
  await sleep(aloneMs);
  const alone = load.accepted.length;
  const before = (await server.usage()).rssBytes;

  await server.load({ targets: [{ organization: slow.id, project: null }], count: eventsOfSlow, writers: eventsOfSlow });
  await server.load({ targets: [{ organization: quick.id, project: null }], count: eventsOfQuick, writers: 1 });
  let peak = before;
  let sampled = 0;
  const settled = await within(async () => {
    if (performance.now() - sampled < sampleMs) return false;
    sampled = performance.now();
    peak = Math.max(peak, (await server.usage()).rssBytes);
    return settledOf(location, [slow.id, quick.id]);
  }, settledMsMax);
  await load.stop();
  await within(() => nothingWaits(location), 5_000);

  const witnessed = await witness.witnessed();
  const webhooks = new Map([[healthy, well.webhooks[0]?.id ?? '']]);
  const ended = await endedOf(location, names);
  const latencies = [p95(latenciesOf(load, witnessed).slice(0, alone)), p95(latenciesOf(load, witnessed).slice(alone))] as const;
  const grownMiB = Math.round((peak - before) / 2 ** 20);
  tell(t, 'receivers that do not behave', {
    kinds: names.size,
    deliveries: [...names.values()].reduce((sum, name) => sum + eventsOf(name), 0),
    'with another outcome': ended.wrong.length,
    'slowest attempt ms': ended.slowestMs,
    'healthy p95 ms before': latencies[0],
    'healthy p95 ms meanwhile': latencies[1],
    'memory grown by MiB': grownMiB,
  });
  assert.deepEqual(ended.wrong, [], 'deliveries with another outcome than they should have');
  assert.ok(settled, 'not all were settled in time');
  assert.ok(ended.slowestMs <= attemptMsMax, `an attempt took ${ended.slowestMs} ms`);
  assert.ok(latencies[1] <= healthyMsMax, `the healthy receiver waited ${latencies[1]} ms at p95`);
  assert.ok(grownMiB * 2 ** 20 <= growthBytesMax, `memory grew by ${grownMiB} MiB`);
  const { disagreements } = await checkBooks({ location, organization: well.id, accepted: load.accepted, webhooks, witnessed });
  assert.deepEqual(disagreements, agreed);
});

/** One webhook for each, which is tried once. */
async function addStrangers(
  server: DeliveryServer,
  of: { readonly token: string; readonly strangers: Strangers; readonly names: readonly StrangerName[] },
): Promise<ReadonlyMap<string, StrangerName>> {
  const { token, strangers } = of;
  const names = new Map<string, StrangerName>();
  for (const name of of.names) {
    const answer = await fetch(`${server.url}/v1/webhooks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name, url: strangers.url(name), events: ['report.ingested'], secret: webhookSecret, retry: 'none' }),
    });
    assert.equal(answer.status, 201, await answer.clone().text());
    names.set(((await answer.json()) as { readonly id: string }).id, name);
  }
  return names;
}

function settledOf(location: DatabaseLocation, organizations: readonly string[]): Promise<boolean> {
  return withDatabase(location, async ({ read }) => {
    const open = read
      .selectFrom('deliveries')
      .select('id')
      .where('organization', 'in', organizations)
      .where('settled', 'is', null)
      .limit(1);
    return (await open.execute()).length === 0;
  });
}

/** What each delivery ended with, where it is not what it should be, and how long the slowest attempt took. */
function endedOf(
  location: DatabaseLocation,
  names: ReadonlyMap<string, StrangerName>,
): Promise<{ readonly wrong: readonly string[]; readonly slowestMs: number }> {
  return withDatabase(location, async ({ read }) => {
    const rows = await read
      .selectFrom('deliveries')
      .select(['webhook', 'state', 'attempts', 'last_status', 'last_error'])
      .where('webhook', 'in', [...names.keys()])
      .execute();
    const wrong = rows.flatMap((row) => {
      const name = names.get(row.webhook) ?? 'hangs';
      const { state, status, error } = outcomes[name];
      const should = `${state} ${status} ${error} after 1`;
      const is = `${row.state} ${row.last_status} ${row.last_error} after ${row.attempts}`;
      return is === should ? [] : [`${name}: ${is}, not ${should}`];
    });
    for (const [webhook, name] of names) {
      const count = grouped(rows, (row) => row.webhook).get(webhook)?.length ?? 0;
      if (count !== eventsOf(name)) wrong.push(`${name}: ${count} deliveries, not ${eventsOf(name)}`);
    }
    const slowest = await read.selectFrom('attempts').select('duration_ms').orderBy('duration_ms', 'desc').limit(1).execute();
    return { wrong, slowestMs: slowest[0]?.duration_ms ?? 0 };
  });
}

/** From the answer to the arrival at the healthy receiver, in the order in which they were accepted. */
function latenciesOf(load: Load, { tags, at }: Witnessed): readonly number[] {
  const arrived = new Map([...tags].map((tag, number) => [tag, at[number] ?? Infinity]));
  return load.accepted.map((event) => Math.max(0, (arrived.get(event.tag) ?? Infinity) - event.at));
}

function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length * 0.95)] ?? 0) * 10) / 10;
}
