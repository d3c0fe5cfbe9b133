// The sweep must take what nothing points to, and nothing else: the tests look at what is left in a real directory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, collect, organization, temporaryStore } from '../../../test/artifacts/store.ts';
import { sweepArtifacts } from './sweep.ts';

const hour = 3_600_000;

test('what nothing points to goes after the grace, not before; what something points to stays', async (t) => {
  const { store, clock } = await temporaryStore(t);
  const kept = await store.put(organization, bytesOf('kept'), { level: 0, bytesMax: 100 });
  const loose = await store.put(organization, bytesOf('loose'), { level: 6, bytesMax: 100 });
  const isReferenced = async (): Promise<Set<string>> => new Set([kept.sha256]);
  clock.advance(24 * hour);
  assert.deepEqual(await sweepArtifacts({ store, clock, isReferenced }), { seen: 2, removed: 0, leftovers: 0 });
  clock.advance(1_000);
  assert.deepEqual(await sweepArtifacts({ store, clock, isReferenced }), { seen: 2, removed: 1, leftovers: 0 });
  assert.equal(await store.head(organization, loose.sha256), null);
  assert.equal(await collect(store.read(organization, kept.sha256)), 'kept');
});

test('what was put again just now stays, though it is old and nothing points to it yet', async (t) => {
  const { store, clock } = await temporaryStore(t);
  const first = await store.put(organization, bytesOf('again'), { level: 6, bytesMax: 100 });
  clock.advance(48 * hour);
  const outcome = await sweepArtifacts({
    store,
    clock,
    async isReferenced() {
      // The put comes between the question and the removal: the row that will point to it is not committed yet.
      await store.put(organization, bytesOf('again'), { level: 6, bytesMax: 100 });
      return new Set();
    },
  });
  assert.equal(outcome.removed, 0);
  assert.equal(await collect(store.read(organization, first.sha256)), 'again');
});

test('puts and sweeps of the same bytes at the same time leave the object whenever a put answered last', async (t) => {
  const { store, clock } = await temporaryStore(t);
  const isReferenced = async (): Promise<Set<string>> => new Set();
  for (let round = 0; round < 30; round += 1) {
    const put = (): Promise<{ sha256: string }> => store.put(organization, bytesOf('contended'), { level: 6, bytesMax: 100 });
    await put();
    clock.advance(48 * hour);
    const [object] = await Promise.all([put(), sweepArtifacts({ store, clock, isReferenced })]);
    assert.equal(await collect(store.read(organization, object.sha256)), 'contended', `round ${round}`);
  }
});

test('a damaged object that nothing points to is swept like any other', async (t) => {
  const { store, clock, damage } = await temporaryStore(t);
  const object = await store.put(organization, bytesOf('some text'), { level: 0, bytesMax: 100 });
  await damage(organization, object.sha256);
  assert.equal(await store.verify(organization, object.sha256), 'damaged');
  clock.advance(48 * hour);
  assert.equal((await sweepArtifacts({ store, clock, isReferenced: async () => new Set() })).removed, 1);
  assert.equal(await store.verify(organization, object.sha256), 'missing');
});
