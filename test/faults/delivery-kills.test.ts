import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { atEnd } from '../app.ts';
import { engines, newLocation } from '../databases.ts';
import { agreed, none } from './books.ts';
import { tell } from './counts.ts';
import { runDeliveryKills } from './delivery-kills.ts';
import { roundsOf } from './rounds.ts';

// The short form; `npm run test:faults -- --kills 500` runs the long one.

const kills = roundsOf('kills');
/** Of one webhook, whatever its cap: what may be under way or answered and not yet written down when a server dies. */
const underWayMax = 256;
/** Far below a retry or a lease that ran out, and enough for a process to start on a busy machine; `npm run bench -- delivery` measures it. */
const backMsMax = 15_000;

// Each waits for its processes much of the time, so both databases are tried at once.
await describe('a server that delivers is killed', { concurrency: true }, () => {
  for (const engine of engines) {
    test(`killed ${kills} times while it delivers, it loses nothing and repeats only what was under way, under the same id (${engine})`, {
      timeout: 10_000_000,
    }, async (t) => {
      const location = await newLocation({ after: (step) => atEnd(t, step) }, engine);
      const outcome = await runDeliveryKills({ location, kills, lifeMsMax: 1_500, say: (line) => kills > 10 && t.diagnostic(line) });
      const { accepted, unanswered, deliveries, attempts, arrived, repeated, backMs } = outcome;
      tell(t, 'killed while it delivers', {
        database: engine,
        kills,
        accepted,
        unanswered,
        deliveries,
        arrived,
        lost: outcome.disagreements.undelivered.count + outcome.disagreements.lostEvents.count + outcome.disagreements.phantom.count,
        repeated,
        'under way at a kill': outcome.underWayMax,
        attempts,
        'back after ms': Math.round(backMs),
      });
      assert.ok(accepted > 2 * kills, `only ${accepted} were accepted: that is no load`);
      assert.deepEqual([...outcome.refused], []);
      assert.deepEqual(outcome.disagreements, agreed);
      assert.deepEqual(outcome.unexplained, none);
      assert.ok(outcome.underWayMax <= underWayMax, `${outcome.underWayMax} deliveries of one webhook were under way`);
      assert.ok(backMs <= backMsMax, `${backMs} ms from the last start until all had arrived`);
    });
  }
});
