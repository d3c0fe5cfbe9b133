// A body that is the event's facts, byte for byte, is not kept twice: what is sent and shown is the same, whatever the characters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { createEngine, ids, lastFirst, startReceiver } from '../../../test/webhooks/engine.ts';
import { report } from '../../../test/webhooks/listed-report.ts';
import { keptOf, sentOf } from './body.ts';
import { listDeliveries, readBody } from './store.ts';

test('only a body of the very same bytes is left out', () => {
  for (const text of ['{"a":1}', '{"name":"日本 é \\u0000"}']) {
    assert.equal(keptOf(Buffer.from(text), text, null).length, 0);
    assert.equal(sentOf(keptOf(Buffer.from(text), text, null), () => text).toString(), text);
  }
  for (const [body, facts] of [
    [Buffer.from('{"a":1} '), '{"a":1}'],
    // The same characters in another encoding, and bytes that are no text.
    [Buffer.from('é', 'latin1'), 'é'],
    [Buffer.from([0xff, 0xfe, 0xfd]), '\uFFFD'],
  ] as const) {
    assert.equal(keptOf(body, facts, null), body);
    assert.equal(
      sentOf(body, () => facts),
      body,
    );
  }
});

test('a body that is passed on as it came is what the facts hold of it, and no other is', () => {
  const relayed = '{"project":{"name":"Shop \\u003c \\"relayed\\":"},"note":"日本"}';
  const facts = JSON.stringify({ organization: 'o', relayed });
  const kept = keptOf(Buffer.from(relayed), facts, relayed);
  assert.equal(kept.length, 0);
  assert.equal(sentOf(kept, () => facts).toString(), relayed);
  const other = Buffer.from(facts);
  assert.equal(keptOf(other, facts, relayed), other);
  const named = JSON.stringify({ organizationId: 'o', reports: [{ projectName: '"relayed":' }] });
  assert.equal(sentOf(keptOf(Buffer.from(named), named, null), () => named).toString(), named);
});

eachDatabase((open, engine) => {
  test(`what waits in the database is sent and shown as it was rendered (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database });
    await it.addWebhook(receiver.url);
    // As its facts stand, and with something among them that is not told.
    const reports = [{ ...report, projectName: '日本 é “x”' }];
    await it.happen({ reports });
    await it.happen({ reports: [{ ...report, id: ids.next(), secret: 'x' } as typeof report] });
    const kept = await database.read.selectFrom('event_bodies').select('body').orderBy('event').execute();
    assert.deepEqual(
      kept.map(({ body }) => body.length > 0),
      [false, true],
    );
    await it.worker.start();
    await receiver.count(2);
    const arrived = new Map(receiver.arrived.map(({ headers, body }) => [headers['webhook-id'], body]));
    assert.ok([...arrived.values()].includes(JSON.stringify({ organizationId: it.organization, reports })));
    const { organization } = it;
    for (const delivery of await listDeliveries({ read: database.read, organization, onlyProject: null, limit: 10, after: null })) {
      assert.equal(await readBody({ read: database.read, organization, delivery }), arrived.get(delivery.id));
    }
  });
});
