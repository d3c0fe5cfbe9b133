import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd } from '../app.ts';
import { steadyNow } from '../delivery/process.ts';
import { startDeliveryServer } from '../delivery/server.ts';
import { makeTenant } from '../delivery/tenants.ts';
import { agreed, checkBooks, nothingWaits, until, within } from './books.ts';
import type { FaultyPostgres } from './cluster.ts';
import { startFaultyPostgres } from './cluster.ts';
import { tell } from './counts.ts';
import type { Load } from './load.ts';
import { startLoad } from './load.ts';
import { roundsOf } from './rounds.ts';
import { startWitness } from './witness.ts';

// PostgreSQL is taken away under a server that delivers and is never touched itself: it goes on when the database is back, what it had answered
// for is there, and whatever was refused was refused clearly.

const faults: Readonly<Record<string, (postgres: FaultyPostgres) => Promise<unknown>>> = {
  'connections cut': (postgres) => postgres.cut(),
  'restarted, fast': (postgres) => postgres.restart('fast'),
  'restarted, immediate': (postgres) => postgres.restart('immediate'),
  'killed, started again': (postgres) => postgres.kill(),
};

const times = roundsOf('restarts');
const healthy = '/within-10/healthy';
/** Accepts again, and all has arrived, so soon after the database is back. */
const againMsMax = 5_000;
const arrivedMsMax = 30_000;
/** What a client may be told meanwhile: try later, or that something failed; never what sounds like its own mistake. */
const isOurFault = (answer: string): boolean => /^(500|503) /.test(answer);

test(`PostgreSQL is restarted, killed and cut off under load, ${times} times each, and the server goes on by itself with nothing lost`, {
  timeout: 3_000_000,
}, async (t) => {
  const postgres = await startFaultyPostgres();
  atEnd(t, postgres.stop);
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-test-'));
  atEnd(t, () => rm(directory, { recursive: true, force: true }));
  const location = { directory, url: postgres.url };
  const witness = await startWitness();
  atEnd(t, witness.close);
  const tenant = await makeTenant(location, { urls: [witness.url('within-10', 'healthy')] });
  const server = await startDeliveryServer({ location, settings: { GATEPOST_LOG: 'fatal', GATEPOST_RETRY_INTERVAL: '300ms' } });
  atEnd(t, async () => void (await server.stop()));
  const load = startLoad({ organization: tenant.id, clients: 8, pauseMs: 15 });
  atEnd(t, load.stop);
  load.to([server.url]);

  for (const [fault, happen] of Object.entries(faults)) {
    const before = load.accepted.length;
    let againMs = 0;
    for (let time = 1; time <= times; time += 1) {
      await sleep(300 + Math.random() * 500);
      await happen(postgres);
      againMs = Math.max(againMs, await accepting(load));
    }
    tell(t, 'PostgreSQL taken away under load', {
      fault,
      times,
      accepted: load.accepted.length - before,
      'accepts again after ms': Math.round(againMs),
    });
    assert.ok(againMs <= againMsMax, `${fault}: nothing accepted for ${againMs} ms after the database was back`);
  }
  await sleep(500);
  await load.stop();
  const ended = steadyNow();
  const tags = load.accepted.map(({ tag }) => tag);
  // What has not come by then is told by the books.
  await within(async () => (await witness.lastOf(healthy, tags)) !== null, arrivedMsMax);
  const arrivedMs = Math.max(0, ((await witness.lastOf(healthy, tags)) ?? Infinity) - ended);
  await within(() => nothingWaits(location), arrivedMsMax);
  const witnessed = await witness.witnessed();
  const webhooks = new Map([[healthy, tenant.webhooks[0]?.id ?? '']]);
  const { disagreements, deliveries } = await checkBooks({ location, accepted: load.accepted, webhooks, witnessed });
  tell(t, 'PostgreSQL taken away under load, in all', {
    accepted: load.accepted.length,
    refused: [...load.refused.values()].reduce((sum, each) => sum + each, 0),
    unanswered: load.unanswered,
    deliveries,
    repeated: witnessed.ids.length - new Set(witnessed.ids).size,
    lost: disagreements.undelivered.count + disagreements.lostEvents.count + disagreements.phantom.count,
    'last arrived after ms': Math.round(arrivedMs),
  });
  t.diagnostic(`refused: ${JSON.stringify([...load.refused])}`);
  assert.deepEqual(disagreements, agreed);
  assert.equal(server.child.process.exitCode, null, 'the server ended');
  assert.deepEqual(
    [...load.refused.keys()].filter((answer) => !isOurFault(answer)),
    [],
  );
  assert.ok(arrivedMs <= againMsMax, `${arrivedMs} ms until the last had arrived`);
});

/** How long until an event is accepted again, from now. */
async function accepting(load: Load): Promise<number> {
  const began = steadyNow();
  const before = load.accepted.length;
  await until(() => load.accepted.length > before, 60_000, 'an event is accepted again');
  return steadyNow() - began;
}
