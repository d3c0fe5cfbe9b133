import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from './clock.ts';
import { createWorker } from './worker.ts';

const quiet = { error: (): void => undefined };
const common = { name: 'test', clock: systemClock, log: quiet };

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 3000;
  while (!condition() && Date.now() < end) await sleep(2);
  assert.ok(condition(), 'did not come to pass within 3 s');
}

test('a nudge ends the wait, also one that comes while claiming', async () => {
  const queue: number[] = [];
  const done: number[] = [];
  const worker = createWorker<number>({
    ...common,
    concurrency: 2,
    idleMs: 60_000,
    claim: async (count) => {
      const jobs = queue.splice(0, count);
      await sleep(10);
      return jobs;
    },
    work: async (job) => void done.push(job),
  });
  worker.start();
  queue.push(1);
  worker.nudge();
  await until(() => done.length === 1);
  await sleep(30);
  queue.push(2, 3, 4, 5, 6);
  worker.nudge();
  await until(() => done.length === 6);
  await worker.stop(1000);
});

test('no more jobs than the concurrency are under way, and all are done', async () => {
  const queue = Array.from({ length: 50 }, (_, at) => at);
  let underWay = 0;
  let most = 0;
  let done = 0;
  const worker = createWorker<number>({
    ...common,
    concurrency: 4,
    idleMs: 60_000,
    claim: async (count) => queue.splice(0, count),
    work: async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(1);
      underWay -= 1;
      done += 1;
    },
  });
  worker.start();
  await until(() => done === 50);
  await worker.stop(1000);
  assert.equal(most, 4);
});

test('a claim that throws is tried again after a growing wait, and work that throws does not end the loop', async () => {
  let claims = 0;
  let worked = 0;
  const errors: string[] = [];
  const worker = createWorker<number>({
    ...common,
    log: { error: (_facts, message) => void errors.push(message) },
    concurrency: 1,
    idleMs: 20,
    claim: async () => {
      claims += 1;
      if (claims <= 2) throw new Error('database away');
      return claims <= 4 ? [claims] : [];
    },
    work: async (job) => {
      worked += 1;
      if (job === 3) throw new Error('bug');
    },
  });
  worker.start();
  for (let index = 0; index < 20; index += 1) worker.nudge();
  await sleep(50);
  assert.equal(claims, 1, 'nudges do not hurry a loop that backs off');
  await until(() => worked === 2);
  await worker.stop(1000);
  assert.deepEqual(errors, ['claim failed', 'claim failed', 'work failed']);
});

test('stop lets what is under way end, claims nothing more, and aborts what takes longer than the grace', async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  let claims = 0;
  let aborted = false;
  const worker = createWorker<number>({
    ...common,
    concurrency: 1,
    idleMs: 1,
    claim: async () => {
      claims += 1;
      return [1];
    },
    work: async (_job, signal) => {
      start();
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => {
        aborted = true;
        resolve();
      });
      await promise;
    },
  });
  worker.start();
  await started;
  await worker.stop(20);
  assert.equal(aborted, true);
  assert.equal(claims, 1);
});

test('nudges while every place is taken do not spin the loop', async () => {
  const queue = [1, 2];
  let done = 0;
  const worker = createWorker<number>({
    ...common,
    concurrency: 1,
    idleMs: 60_000,
    claim: async (count) => queue.splice(0, count),
    work: async () => {
      worker.nudge();
      await sleep(20);
      worker.nudge();
      done += 1;
    },
  });
  worker.start();
  await until(() => done === 2);
  await worker.stop(1000);
});
