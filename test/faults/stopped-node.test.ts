import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { unitIdleMsMax } from '../../src/storage/database/postgres.ts';
import { atEnd } from '../app.ts';
import { newLocation } from '../databases.ts';
import { steadyNow } from '../delivery/process.ts';
import { makeTenant } from '../delivery/tenants.ts';
import { agreed, checkBooks, none, nothingWaits, some, within } from './books.ts';
import { tell } from './counts.ts';
import { startLoad } from './load.ts';
import { startNode } from './nodes.ts';
import { roundsOf } from './rounds.ts';
import { startWitness } from './witness.ts';

// One of two nodes is stopped (SIGSTOP) while it sends, for longer than its leases last, and continued: the other one delivers what it held
// while it stands still, and what it learns too late changes nothing.

const rounds = roundsOf('stops');
/** Twenty seconds in earnest; longer than a unit of a node that stands still may hold its locks. */
const leaseMs = unitIdleMsMax + 1_000;
/** How long after the leases' end the other node may take for all of it. */
const takenOverMsMax = 5_000;
const path = '/within-100/receiver';

test(`a node stopped ${rounds} times past its leases loses nothing, and its late outcomes are refused`, {
  timeout: 3_000_000,
}, async (t) => {
  const location = await newLocation({ after: (step) => atEnd(t, step) }, 'postgres');
  const witness = await startWitness();
  atEnd(t, witness.close);
  const tenant = await makeTenant(location, { urls: [witness.url('within-100', 'receiver')] });
  const settings = { DELIVERY_LEASE_MS: String(leaseMs) };
  const [stopped, other] = await Promise.all(['stopped', 'other'].map((name) => startNode({ location, name, settings })));
  assert.ok(stopped !== undefined && other !== undefined);
  for (const node of [stopped, other]) atEnd(t, node.stop);
  const load = startLoad({ organization: tenant.id, clients: 6, pauseMs: 50 });
  atEnd(t, load.stop);
  const held = new Set<string>();
  let takenOverMs = 0;
  for (let round = 1; round <= rounds; round += 1) {
    load.to([stopped.server.url, other.server.url]);
    await sleep(500 + Math.random() * 500);
    process.kill(stopped.server.pid, 'SIGSTOP');
    const stoppedAt = steadyNow();
    load.to([other.server.url]);
    const tags = load.accepted.map(({ tag }) => tag);
    // A commit that was on its way when it was stopped is through by then.
    await sleep(100);
    for (const id of await stopped.held()) held.add(id);
    // The other one has taken and delivered it all before the first one goes on, which is then told of its own attempts too late.
    const isTakenOver = async (): Promise<boolean> => (await stopped.held()).length === 0 && (await witness.lastOf(path, tags)) !== null;
    const wasTakenOver = await within(isTakenOver, leaseMs + takenOverMsMax);
    takenOverMs = Math.max(takenOverMs, wasTakenOver ? steadyNow() - stoppedAt : Infinity);
    await sleep(300);
    process.kill(stopped.server.pid, 'SIGCONT');
    // On a busy machine it takes a while until it has told of what it had under way.
    await within(async () => stopped.attempts().some(({ outcome }) => outcome === 'lease_lost'), takenOverMsMax);
  }
  await load.stop();
  await within(() => nothingWaits(location), leaseMs + takenOverMsMax);
  const witnessed = await witness.witnessed();
  const webhooks = new Map([[path, tenant.webhooks[0]?.id ?? '']]);
  const books = await checkBooks({ location, accepted: load.accepted, webhooks, witnessed });
  const counted = await leasesLost(stopped.server.url);
  const late = stopped.attempts().filter(({ outcome }) => outcome === 'lease_lost');
  const made = new Set(
    other
      .attempts()
      .filter(({ outcome }) => outcome === 'delivered')
      .map(({ delivery }) => delivery),
  );
  const seen = new Set<string>();
  const repeated = witnessed.ids.filter((id) => seen.size === seen.add(id).size);
  tell(t, 'a node stopped past its leases', {
    stops: rounds,
    accepted: load.accepted.length,
    deliveries: books.deliveries,
    'held when it was stopped': held.size,
    'late outcomes refused': late.length,
    repeated: repeated.length,
    lost: books.disagreements.undelivered.count + books.disagreements.missingDeliveries.count,
    'all arrived after ms': Math.round(takenOverMs),
  });
  assert.deepEqual(books.disagreements, agreed);
  assert.deepEqual([...load.refused], []);
  assert.ok(held.size > 0, 'it held nothing when it was stopped');
  assert.ok(late.length > 0, 'no late outcome was refused');
  assert.equal(counted, late.length, 'gatepost_delivery_leases_lost_total');
  assert.deepEqual(
    some(late.map(({ delivery }) => delivery).filter((id) => !made.has(id))),
    none,
    'refused, and not delivered by the other',
  );
  assert.deepEqual(some(repeated.filter((id) => !held.has(id))), none, 'repeated, though it was not held by the node that was stopped');
  assert.ok(takenOverMs <= leaseMs + takenOverMsMax, `${takenOverMs} ms from the stop until the other node had delivered everything`);
});

async function leasesLost(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^gatepost_delivery_leases_lost_total (\d+)$/m.exec(text)?.[1]);
}
