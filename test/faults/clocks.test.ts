import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { atEnd } from '../app.ts';
import { engines, newLocation } from '../databases.ts';
import { agreed } from './books.ts';
import { changes, retryIntervalMs, runClocks } from './clocks.ts';
import { tell } from './counts.ts';
import { roundsOf } from './rounds.ts';

const rounds = roundsOf('clocks');
/** A fresh event is sent at once, whatever the clock says. */
const freshMsMax = 3_000;
/** A retry comes no later than its interval and this, once its receiver works again. */
const laterMsMax = 4_000;
/** Beyond what came in any window before. */
const burstMax = 10;

// They wait most of the time, so both databases are tried at once.
await describe('a wall clock that is set an hour back and a day forward', { concurrency: true }, () => {
  for (const engine of engines) {
    test(`brings neither storm nor standstill, while the server runs and over a restart (${engine})`, { timeout: 3_000_000 }, async (t) => {
      const location = await newLocation({ after: (step) => atEnd(t, step) }, engine);
      const outcome = await runClocks(location, rounds);
      const { disagreements } = outcome.books;
      tell(t, 'the clock is set', {
        database: engine,
        changes: changes.length * rounds,
        accepted: outcome.accepted,
        arrived: outcome.arrived,
        lost: disagreements.lostEvents.count + disagreements.undelivered.count + disagreements.missingDeliveries.count,
        'fresh events within ms': Math.round(outcome.freshMsMax),
        'retries within ms': Math.round(Math.max(...outcome.changes.map((change) => change.retriedMs))),
        'wrong timestamps': outcome.wrongTimestamps,
      });
      t.diagnostic(JSON.stringify(outcome.changes));
      assert.deepEqual(outcome.refused, []);
      assert.deepEqual(disagreements, agreed);
      assert.ok(outcome.freshMsMax <= freshMsMax, `a fresh event took ${outcome.freshMsMax} ms`);
      assert.deepEqual(
        outcome.changes.filter((change) => change.retriedMs > retryIntervalMs + laterMsMax),
        [],
        'retries that came late',
      );
      assert.deepEqual(
        outcome.changes.filter((change) => change.attemptsAfter > change.attemptsBefore + burstMax),
        [],
        'a burst of attempts',
      );
      assert.equal(outcome.wrongTimestamps, 0);
    });
  }
});
