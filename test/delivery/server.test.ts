import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atEnd } from '../app.ts';
import { engines, newLocation } from '../databases.ts';
import { taggedFacts } from './facts.ts';
import { startReceiver } from './receiver.ts';
import { startDeliveryServer } from './server.ts';
import { makeTenant } from './tenants.ts';

// What the fault tests and the bench lean on: a wrong harness would make them say anything.

for (const engine of engines) {
  test(`what a server in a process of its own accepts arrives once at the receiver (${engine})`, { timeout: 60_000 }, async (t) => {
    const location = await newLocation({ after: (step) => atEnd(t, step) }, engine);
    const receiver = await startReceiver();
    atEnd(t, receiver.close);
    const tenant = await makeTenant(location, { urls: [receiver.url('ok', 'one')] });
    const server = await startDeliveryServer({ location });
    atEnd(t, async () => void (await server.stop()));

    const answer = await fetch(`${server.url}/test/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(taggedFacts(tenant.id, 7)),
    });
    assert.equal(answer.status, 202, await answer.clone().text());
    const loaded = await server.load({ targets: [{ organization: tenant.id, project: null }], count: 20, writers: 4, firstTag: 100 });
    assert.ok(loaded.accepted.every((at, number) => at >= (loaded.called[number] ?? Number.NaN)));

    await receiver.until(21, 20_000);
    const { tags, paths, at } = await receiver.arrivals();
    assert.deepEqual(
      [...tags].toSorted((a, b) => a - b),
      [7, ...Array.from({ length: 20 }, (_, number) => 100 + number)],
    );
    assert.deepEqual(paths, ['/ok/one']);
    // Clocks of both processes are the same one: nothing arrives before it was asked for.
    assert.ok((at.at(-1) ?? 0) > (loaded.called[0] ?? Infinity));
    const { arrived, repeated } = await receiver.count();
    assert.deepEqual({ arrived, repeated }, { arrived: 21, repeated: 0 });
  });
}
