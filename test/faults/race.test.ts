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

// Deliveries wait because their receivers were down, and events that no node has made deliveries for. Two nodes start at once, when the receivers
// are well again, and race for them, then for what clients bring to both. As nobody fails, each delivery is taken exactly once.

const deliveries = roundsOf('race');
const paths = ['/ok/one', '/within-10/other'] as const;
/** Each sweep makes the deliveries of a few such events; they race for that, too. */
const unseen = 100;
const loadMs = 1_500;
const settledMsMax = 30_000 + deliveries * 5;
const firstTagOf = { unseen: 1_000_000, load: 2_000_000 } as const;

test(`two nodes that race for ${deliveries} deliveries send each once`, { timeout: 3_000_000 }, async (t) => {
  const location = await newLocation({ after: (step) => atEnd(t, step) }, 'postgres');
  const witness = await startWitness();
  atEnd(t, witness.close);
  const tenant = await makeTenant(location, { urls: paths.map((path) => `http://127.0.0.1:${witness.port}${path}`) });
  for (const path of paths) await witness.behave(path, 'status-503');
  await leaveBacklog(location, tenant.id);
  const recorded = await recordUnseen(location, tenant.id);
  const nodes = await Promise.all(['one', 'two'].map((name) => startNode({ location, name, held: true })));
  for (const node of nodes) atEnd(t, node.stop);
  for (const path of paths) await witness.behave(path, null);
  await Promise.all(nodes.map((node) => node.server.start()));
  const load = startLoad({ organization: tenant.id, clients: 8, pauseMs: 5, firstTag: firstTagOf.load });
  load.to(nodes.map((node) => node.server.url));
  await sleep(loadMs);
  await load.stop();
  await within(() => nothingWaits(location), settledMsMax);
  const witnessed = await witness.witnessed();
  const webhooks = new Map(paths.map((path, number) => [path, tenant.webhooks[number]?.id ?? '']));
  const books = await checkBooks({ location, accepted: [...recorded, ...load.accepted], webhooks, witnessed });
  const [one = 0, two = 0] = nodes.map((node) => node.attempts().length);
  const taken = witnessed.ids.filter((_, number) => witnessed.statuses[number] === 204);
  const twice = taken.length - new Set(taken).size;
  tell(t, 'two nodes race', {
    deliveries: books.deliveries,
    'taken by the receivers': taken.length,
    'sent by one': one,
    'sent by the other': two,
    'sent twice': twice,
    lost: books.disagreements.undelivered.count + books.disagreements.missingDeliveries.count,
  });
  assert.deepEqual(books.disagreements, agreed);
  assert.deepEqual([...load.refused], []);
  assert.equal(load.unanswered, 0);
  assert.equal(books.deliveries, deliveries + (recorded.length + load.accepted.length) * paths.length);
  assert.equal(twice, 0, `${twice} deliveries were taken twice`);
  assert.ok(Math.min(one, two) > deliveries / 20, `${one} and ${two} attempts: that was no race`);
});

/** What a node recorded while nobody took it, and left. */
async function leaveBacklog(location: DatabaseLocation, organization: string): Promise<void> {
  const node = await startNode({ location, name: 'before' });
  const targets = [{ organization, project: null }];
  await node.server.load({ targets, count: deliveries / paths.length, writers: 16 });
  await node.stop();
}

/** Events whose deliveries nobody has made yet. */
async function recordUnseen(location: DatabaseLocation, organization: string): Promise<readonly Accepted[]> {
  const ids = createIdentifiers();
  return withDatabase(location, (database) =>
    database.write(async (tx) => {
      const all: Accepted[] = [];
      for (let tag: number = firstTagOf.unseen; tag < firstTagOf.unseen + unseen; tag += 1) {
        const facts = taggedFacts(organization, tag);
        const id = await recordEvent({ tx, organization, kind: 'report.ingested', project: null, facts, ids, clock: systemClock });
        all.push({ id, tag, at: 0 });
      }
      return all;
    }),
  );
}
