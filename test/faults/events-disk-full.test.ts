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
import { tell } from './counts.ts';
import { startLoad } from './load.ts';
import { roundsOf } from './rounds.ts';
import { startOnSmallDisk } from './small-disk.ts';
import { startWitness } from './witness.ts';

// The disk fills up while events are recorded and delivered: they are refused clearly, nothing is answered for that is not there, and it goes on
// when there is room.

const fills = roundsOf('fills');
const diskBytes = (24 + 8 * fills) * 2 ** 20;
const healthy = '/within-10/healthy';
const againMsMax = 5_000;
const settledMsMax = 30_000;

test(`a disk that fills up ${fills} times while events come in refuses them clearly and loses none that it took`, {
  timeout: 3_000_000,
}, async (t) => {
  const seed = await mkdtemp(join(tmpdir(), 'gatepost-seed-'));
  atEnd(t, () => rm(seed, { recursive: true, force: true }));
  const witness = await startWitness();
  atEnd(t, witness.close);
  const tenant = await makeTenant({ directory: seed }, { urls: [witness.url('within-10', 'healthy')] });
  const settings = { GATEPOST_LOG: 'fatal', GATEPOST_RETRY_INTERVAL: '300ms' };
  const start = ({ directory, through }: { readonly directory: string; readonly through: readonly string[] }) =>
    startDeliveryServer({ location: { directory }, settings, through });
  const disk = await startOnSmallDisk({ seed, diskBytes, start });
  atEnd(t, disk.close);
  const location = { directory: disk.directory };
  const load = startLoad({ organization: tenant.id, clients: 6, pauseMs: 15 });
  atEnd(t, load.stop);
  load.to([disk.server.url]);
  const refusals = (): number => [...load.refused.values()].reduce((sum, each) => sum + each, 0);
  let againMs = 0;
  for (let fill = 1; fill <= fills; fill += 1) {
    await sleep(500);
    const before = refusals();
    await disk.fill();
    await until(() => refusals() > before, 20_000, 'an event is refused on a full disk');
    await sleep(1_000);
    await disk.free();
    const free = steadyNow();
    const taken = load.accepted.length;
    await until(() => load.accepted.length > taken, 20_000, 'an event is accepted when there is room again');
    againMs = Math.max(againMs, steadyNow() - free);
  }
  await sleep(300);
  await load.stop();
  await within(() => nothingWaits(location), settledMsMax);
  const witnessed = await witness.witnessed();
  const webhooks = new Map([[healthy, tenant.webhooks[0]?.id ?? '']]);
  const { disagreements, deliveries } = await checkBooks({ location, accepted: load.accepted, webhooks, witnessed });
  tell(t, 'the disk fills up', {
    fills,
    accepted: load.accepted.length,
    refused: refusals(),
    deliveries,
    repeated: witnessed.ids.length - new Set(witnessed.ids).size,
    lost: disagreements.lostEvents.count + disagreements.undelivered.count + disagreements.missingDeliveries.count,
    'accepts again after ms': Math.round(againMs),
  });
  t.diagnostic(`refused: ${JSON.stringify([...load.refused])}`);
  assert.deepEqual(
    [...load.refused.keys()].filter((answer) => !/^507 storage_(full|unwritable)$/.test(answer)),
    [],
  );
  assert.deepEqual(disagreements, agreed);
  assert.equal(load.unanswered, 0);
  assert.equal(disk.server.child.process.exitCode, null, 'the server ended');
  assert.ok(againMs <= againMsMax, `${againMs} ms until an event was accepted again`);
});
