// docs/architecture.md is held to the code: the six files of a delivery's way have what it names, and the drawings have the code's own states.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DeliveryState } from '../../src/storage/database/schema.ts';
import type { Standing } from '../../src/webhooks/delivery/health.ts';
import { lanes } from '../../src/webhooks/delivery/unit-rows.ts';

const docs = new URL('../../docs/', import.meta.url);
const delivery = new URL('../../src/webhooks/delivery/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, docs), 'utf8');
const page = read('architecture.md');

/** A few screens. */
const linesMax = 400;
/** Complete by their types. */
const states: Readonly<Record<DeliveryState, true>> = { pending: true, leased: true, delivered: true, exhausted: true, cancelled: true };
const standings: Readonly<Record<Standing, true>> = { healthy: true, probing: true, resting: true };

test('the way of a delivery goes through at most six files, each a few screens, which have what the page says to read', () => {
  const rows = [...page.matchAll(/^\| \d \| `([\w.-]+)` \| ([^|]+) \|/gm)];
  assert.ok(rows.length > 3 && rows.length <= 6, `${rows.length} files`);
  const drawing = read('architecture-delivery.svg');
  for (const [, file = '', names = ''] of rows) {
    const text = readFileSync(new URL(file, delivery), 'utf8');
    assert.ok(text.split('\n').length <= linesMax, `${file} is longer than a few screens`);
    assert.ok(drawing.includes(`>${file}`), `the drawing lacks ${file}`);
    for (const [, name = ''] of names.matchAll(/`([^`]+)`/g)) {
      assert.match(text, new RegExp(`(^|[^\\w.])${name}(\\(|:| = )`, 'm'), `${file} has no ${name}`);
    }
  }
});

test('every file that the page names is there', () => {
  const places = ['../src/webhooks/delivery/', '../src/events/', '../src/reports/', '../src/'].map((place) => new URL(place, docs));
  const named = [...page.matchAll(/`(?:events\/)?([\w-]+\.ts)`/g)].map(([, name = '']) => name);
  assert.deepEqual(
    named.filter((name) => !places.some((place) => existsSync(new URL(name, place)))),
    [],
  );
  const linked = [...page.matchAll(/\]\(([\w/.-]+)\)/g)].map(([, name = '']) => name);
  assert.ok(linked.length > 4);
  assert.deepEqual(
    linked.filter((name) => !existsSync(new URL(name, docs))),
    [],
  );
});

test('the drawings of states name every state, lane, standing and reason of the code', () => {
  const ofDelivery = read('architecture-delivery-states.svg');
  for (const state of Object.keys(states)) assert.ok(ofDelivery.includes(`>${state}<`), state);
  for (const [name, lane] of Object.entries(lanes)) assert.ok(ofDelivery.includes(`>${lane} ${name}: `), name);
  const ofWebhook = read('architecture-webhook-states.svg');
  for (const standing of Object.keys(standings)) assert.ok(ofWebhook.includes(`>${standing}<`), standing);
  for (const reason of ['by_hand', 'gone', 'failing']) assert.ok(ofWebhook.includes(`>${reason}: `), reason);
});
