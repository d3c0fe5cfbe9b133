// An event that stands or falls with a row of its own: on both databases, alone, among others, twice in one unit, and where the row is wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import type { Engine } from '../../../test/webhooks/engine.ts';
import { createEngine, ids, lastFirst, startReceiver, until } from '../../../test/webhooks/engine.ts';
import type { FirstRow, NewEvent } from '../../events/record.ts';
import type { Database } from '../../storage/database/database.ts';

const source = ids.next();

function firstRow(organization: string, key: string, more: FirstRow['values'] = {}): FirstRow {
  const values = {
    id: ids.next(),
    organization,
    project: 'p',
    branch: '',
    version: '',
    date_text: '2026-11-22T00:00:00Z',
    date: 1,
    properties: '{}',
    body_sha256: '',
    body_bytes: 0,
    kind: 'sonarqube',
    source,
    source_key: key,
    payload: Buffer.from(`{"taskId":"${key}"}`),
    status: 'pending',
    created: 1,
    ...more,
  };
  return { table: 'analyses', values };
}

function eventOf({ organization }: Engine): NewEvent {
  return { organization, kind: 'report.ingested', project: null, facts: { organizationId: organization, reports: [] } };
}

const analysesOf = (database: Database) => database.read.selectFrom('analyses').selectAll().orderBy('source_key').execute();
const eventsOf = (database: Database) => database.read.selectFrom('events').select('id').orderBy('id').execute();

eachDatabase((open, engine) => {
  test(`an event comes with its first row, and neither a second time (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database });
    await it.addWebhook(receiver.url);
    await it.worker.start();
    const first = firstRow(it.organization, 'task:1');
    const id = await it.worker.record(eventOf(it), first);
    assert.equal(await it.worker.record(eventOf(it), firstRow(it.organization, 'task:1')), null);
    assert.deepEqual(await eventsOf(database), [{ id }]);
    const [row, more] = await analysesOf(database);
    assert.equal(more, undefined);
    assert.equal(row?.id, first.values['id']);
    assert.equal(row?.payload?.toString(), '{"taskId":"task:1"}');
    await it.worker.record(eventOf(it));
    await receiver.count(2);
    await until(
      async () => (await database.read.selectFrom('deliveries').select('id').where('settled', 'is not', null).execute()).length === 2,
    );
    assert.equal(receiver.arrived.length, 2);
  });

  test(`of many that come at once each row is there once, and exactly its event (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const receiver = await startReceiver(t);
    const it = await createEngine(t, { database });
    await it.addWebhook(receiver.url);
    await it.worker.start();
    const keys = Array.from({ length: 120 }, (_, index) => `task:${String(index % 40).padStart(2, '0')}`);
    const recorded = await Promise.all(
      // Two sets of columns, and events that stand alone in between.
      keys.flatMap((key, index) => [
        it.worker.record(eventOf(it), firstRow(it.organization, key, index % 3 === 0 ? { revision: 'r' } : {})),
        ...(index % 4 === 0 ? [it.worker.record(eventOf(it))] : []),
      ]),
    );
    const made = recorded.filter((id) => id !== null);
    assert.equal(made.length, 40 + 30);
    assert.deepEqual(
      (await analysesOf(database)).map((row) => row.source_key),
      [...new Set(keys)].toSorted(),
    );
    assert.deepEqual(
      (await eventsOf(database)).map((row) => row.id),
      made.toSorted(),
    );
    await receiver.count(70);
  });

  test(`a first row that the database refuses takes no other with it (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const outcomes = await Promise.allSettled([
      it.worker.record(eventOf(it), firstRow(it.organization, 'task:1')),
      it.worker.record(eventOf(it), firstRow(it.organization, 'task:2', { project: null })),
      it.worker.record(eventOf(it), firstRow(it.organization, 'task:3')),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(
      (await analysesOf(database)).map((row) => row.source_key),
      ['task:1', 'task:3'],
    );
    assert.equal((await eventsOf(database)).length, 2);
  });
});
