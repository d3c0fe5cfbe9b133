import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPeriodic } from './periodic.ts';

test('what runs now and then never runs twice at once, and goes on after an error', async () => {
  let runs = 0;
  const { promise: third, resolve: ran } = Promise.withResolvers<void>();
  let underWay = 0;
  let most = 0;
  const errors: unknown[] = [];
  const periodic = createPeriodic({
    name: 'test',
    everyMs: 2,
    firstAfterMs: 1,
    log: { error: (facts) => void errors.push(facts['err']) },
    async run() {
      runs += 1;
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(5);
      underWay -= 1;
      if (runs === 3) ran();
      if (runs === 1) throw new Error('away');
    },
  });
  periodic.start();
  await third;
  await periodic.stop();
  const after = runs;
  assert.equal(underWay, 0, 'stop waits for the run under way');
  await sleep(20);
  assert.equal(runs, after, 'no further run');
  assert.equal(most, 1);
  assert.equal(errors.length, 1);
});

test('a stop tells the run under way to end', async () => {
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  let aborted = false;
  const periodic = createPeriodic({
    name: 'test',
    everyMs: 1000,
    firstAfterMs: 1,
    log: { error: () => undefined },
    async run(signal) {
      start();
      while (!signal.aborted) await sleep(1);
      aborted = true;
    },
  });
  periodic.start();
  await started;
  await periodic.stop();
  assert.equal(aborted, true);
});
