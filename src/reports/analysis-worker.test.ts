import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { createAnalysisBench } from '../../test/analyses.ts';
import { eachDatabase } from '../../test/databases.ts';
import type { Database } from '../storage/database/database.ts';
import { createAnalysisWorker, smallBytesMax } from './analysis-worker.ts';

// Which analyses are worked on at once, with a making of reports that ends when the test says so; on both databases.

const waitMsMax = 8_000;

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + waitMsMax;
  while (!(await what())) {
    assert.ok(performance.now() < end, 'it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A worker of `concurrency` places whose makings are named by their project and stay until they are let go. */
async function workbench(t: TestContext, database: Database, concurrency: number) {
  const bench = await createAnalysisBench(t, database);
  const underWay = new Map<string, () => void>();
  bench.next({
    content: 'a',
    meanwhile: ({ project }) => new Promise<void>((resolve) => underWay.set(project.key, resolve)),
  });
  const log = { info() {}, warn() {}, error() {} };
  const worker = createAnalysisWorker({
    ...bench.deps,
    log,
    metrics: { ended() {} },
    concurrency,
    recorded: () => undefined,
    afterwards: () => Promise.resolve(),
  });
  t.after(() => worker.stop());
  return {
    underWay: () => [...underWay.keys()].toSorted(),
    /** Comes in; its file is of so many bytes. */
    async arrive(key: string, bytes: number): Promise<void> {
      const { id } = await bench.arrive({ key });
      await database.write((tx) => tx.updateTable('analyses').set({ body_bytes: bytes }).where('id', '=', id).execute());
      worker.nudge();
    },
    async begins(...keys: readonly string[]): Promise<void> {
      await until(() => keys.every((key) => underWay.has(key)));
    },
    /** Ends it, and waits until that is on disk. */
    async ends(key: string): Promise<void> {
      const ended = async () => (await database.read.selectFrom('analyses').select('id').where('status', '=', 'done').execute()).length;
      const before = await ended();
      underWay.get(key)?.();
      underWay.delete(key);
      await until(async () => (await ended()) > before);
    },
    /** Long enough for the worker to have looked for more. */
    looks: () => new Promise((resolve) => setTimeout(resolve, 150)),
    start: () => worker.start(),
  };
}

const large = smallBytesMax + 1;
const small = smallBytesMax;

eachDatabase((open, engine) => {
  test(`a small analysis does not wait for a large one, a large one for another does (${engine})`, async (t) => {
    const { underWay, arrive, begins, ends, looks, start } = await workbench(t, await open(t), 1);
    await arrive('large-1', large);
    start();
    await begins('large-1');
    await arrive('large-2', large);
    await arrive('small-1', small);
    await arrive('small-2', small);
    await begins('small-1');
    await looks();
    assert.deepEqual(underWay(), ['large-1', 'small-1'], 'one beside the large one, and no more');
    await ends('small-1');
    await begins('small-2');
    assert.deepEqual(underWay(), ['large-1', 'small-2']);
    // The oldest is next, whatever its size.
    await arrive('small-3', small);
    await ends('small-2');
    await begins('small-3');
    await ends('large-1');
    await ends('small-3');
    await begins('large-2');
    await ends('large-2');
    await looks();
    assert.deepEqual(underWay(), []);
  });

  test(`where a place is left by large ones there is no more than the places; a small one waits for its turn (${engine})`, async (t) => {
    const { underWay, arrive, begins, ends, looks, start } = await workbench(t, await open(t), 2);
    await arrive('large-1', large);
    await arrive('small-1', small);
    await arrive('small-2', small);
    start();
    await begins('large-1', 'small-1');
    await looks();
    assert.deepEqual(underWay(), ['large-1', 'small-1']);
    await ends('small-1');
    await begins('small-2');
    await arrive('large-2', large);
    await arrive('large-3', large);
    await ends('small-2');
    await begins('large-2');
    await looks();
    assert.deepEqual(underWay(), ['large-1', 'large-2']);
    await arrive('small-3', small);
    await begins('small-3');
    await ends('small-3');
    await ends('large-1');
    await begins('large-3');
    assert.deepEqual(underWay(), ['large-2', 'large-3']);
    await ends('large-2');
    await ends('large-3');
  });
});
