import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { recordEvent } from '../../src/events/record.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { atEnd } from '../app.ts';
import { newLocation } from '../databases.ts';
import { taggedFacts } from '../delivery/facts.ts';
import { makeTenant } from '../delivery/tenants.ts';
import { agreed, checkBooks, nothingWaits, withDatabase, within } from './books.ts';
import { tell } from './counts.ts';
import type { Accepted } from './load.ts';
import { startLoad } from './load.ts';
import { startNode } from './nodes.ts';
import { roundsOf } from './rounds.ts';
import { startWitness } from './witness.ts';

// Events wait that no node has made deliveries for. Two nodes start at once and race for them, then for what clients bring to both. As nobody
// fails, nobody repeats: each delivery arrives exactly once.

const deliveries = roundsOf('race');
const webhooksPerEvent = 2;
const loadMs = 1_500;
const settledMsMax = 20_000 + deliveries * 5;
const firstTagOfLoad = 1_000_000;

test(`two nodes that race for ${deliveries} deliveries send each once`, { timeout: 3_000_000 }, async (t) => {
  const location = await newLocation({ after: (step) => atEnd(t, step) }, 'postgres');
  const witness = await startWitness();
  atEnd(t, witness.close);
  const paths = ['/ok/one', '/within-10/other'];
  const tenant = await makeTenant(location, { urls: [witness.url('ok', 'one'), witness.url('within-10', 'other')] });
  const nodes = await Promise.all(['one', 'two'].map((name) => startNode({ location, name, held: true })));
  for (const node of nodes) atEnd(t, node.stop);
  const recorded = await recordUnseen(location, tenant.id, deliveries / webhooksPerEvent);
  await Promise.all(nodes.map((node) => node.server.start()));
  const load = startLoad({ organization: tenant.id, clients: 8, pauseMs: 5, firstTag: firstTagOfLoad });
  load.to(nodes.map((node) => node.server.url));
  await sleep(loadMs);
  await load.stop();
  await within(() => nothingWaits(location), settledMsMax);
  const accepted = [...recorded, ...load.accepted];
  const witnessed = await witness.witnessed();
  const webhooks = new Map(paths.map((path, number) => [path, tenant.webhooks[number]?.id ?? '']));
  const books = await checkBooks({ location, accepted, webhooks, witnessed });
  const [one = [], two = []] = nodes.map((node) => node.attempts());
  const twice = witnessed.ids.length - new Set(witnessed.ids).size;
  tell(t, 'two nodes race', {
    events: accepted.length,
    deliveries: books.deliveries,
    'sent by one': one.length,
    'sent by the other': two.length,
    'sent twice': twice,
    lost: books.disagreements.undelivered.count + books.disagreements.missingDeliveries.count,
  });
  assert.deepEqual(books.disagreements, agreed);
  assert.deepEqual([...load.refused], []);
  assert.equal(load.unanswered, 0);
  assert.equal(books.deliveries, accepted.length * webhooksPerEvent);
  assert.equal(twice, 0, `${twice} deliveries were sent again`);
  assert.ok(one.length > 0 && two.length > 0, `${one.length} and ${two.length} attempts: that was no race`);
});

/** Events whose deliveries nobody has made yet. */
async function recordUnseen(location: DatabaseLocation, organization: string, count: number): Promise<readonly Accepted[]> {
  const ids = createIdentifiers();
  const pieceMax = 100;
  const all: Accepted[] = [];
  await withDatabase(location, async (database) => {
    while (all.length < count) {
      const tags = Array.from({ length: Math.min(pieceMax, count - all.length) }, (_, number) => all.length + number);
      const recorded = await database.write(async (tx) => {
        const piece: Accepted[] = [];
        for (const tag of tags) {
          const facts = taggedFacts(organization, tag);
          const id = await recordEvent({ tx, organization, kind: 'report.ingested', project: null, facts, ids, clock: systemClock });
          piece.push({ id, tag, at: 0 });
        }
        return piece;
      });
      all.push(...recorded);
    }
  });
  return all;
}
