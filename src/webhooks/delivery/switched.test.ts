// A webhook that is switched off and on again: what waited for it, or was under way, goes on at once and not whenever somebody looks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import type { Engine } from '../../../test/webhooks/engine.ts';
import { createEngine, ids, lastFirst, sealer, startReceiver, until } from '../../../test/webhooks/engine.ts';
import { systemClock } from '../../clock.ts';
import { updateWebhook } from '../subscriptions/change.ts';

async function turn(it: Engine, webhook: string, active: boolean): Promise<void> {
  const who = { organization: it.organization, onlyProject: null, webhook, sealer, actor: 'cli', ids, clock: systemClock } as const;
  await it.database.write((tx) => updateWebhook({ ...who, tx, change: { active } }));
  it.worker.wake(webhook);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

eachDatabase((open, engine) => {
  const statesOf = async (it: Engine): Promise<readonly string[]> =>
    (await it.database.read.selectFrom('deliveries').select('state').execute()).map(({ state }) => state);
  const delivered = (it: Engine) => until(async () => (await statesOf(it)).every((state) => state === 'delivered'));

  test(`a retry that fell due while its webhook was off is made when it is on again (${engine})`, async (context) => {
    const t = lastFirst(context);
    const receiver = await startReceiver(t, (response, _arrived, nth) => response.writeHead(nth === 1 ? 500 : 204).end());
    const it = await createEngine(t, { database: await open(t), intervalMs: 300 });
    const webhook = await it.addWebhook(receiver.url);
    await it.worker.start();
    await it.happen();
    await until(async () => (await it.database.read.selectFrom('attempts').select('id').execute()).length === 1);
    await turn(it, webhook, false);
    await pause(600);
    assert.equal(receiver.arrived.length, 1);
    const before = performance.now();
    await turn(it, webhook, true);
    await delivered(it);
    assert.ok(performance.now() - before < 5_000);
    assert.equal(receiver.arrived.length, 2);
  });

  test(`an attempt that fails after its webhook was switched off and on is made again in time (${engine})`, async (context) => {
    const t = lastFirst(context);
    const receiver = await startReceiver(t, (response, _arrived, nth) => {
      if (nth > 1) response.writeHead(204).end();
      else setTimeout(() => response.writeHead(500).end(), 600);
    });
    const it = await createEngine(t, { database: await open(t), intervalMs: 300 });
    const webhook = await it.addWebhook(receiver.url);
    await it.worker.start();
    await it.happen();
    await receiver.count(1);
    await it.happen();
    await turn(it, webhook, false);
    await pause(200);
    await turn(it, webhook, true);
    await delivered(it);
    assert.equal(receiver.arrived.length, 3);
  });
});
