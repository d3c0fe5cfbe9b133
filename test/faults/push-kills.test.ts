import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { atEnd } from '../app.ts';
import { engines, newLocation } from '../databases.ts';
import { tell } from './counts.ts';
import { runPushKills } from './push-kills.ts';
import { roundsOf } from './rounds.ts';

// The short form; `npm run test:faults -- --push-kills 100` runs the long one.

const kills = roundsOf('pushes');

await describe('a server that is pushed to is killed', { concurrency: true }, () => {
  for (const engine of engines) {
    test(`killed ${kills} times, every ref that moved has its one event, delivered, and no other has; git finds nothing amiss (${engine})`, {
      timeout: 10_000_000,
    }, async (t) => {
      const location = await newLocation({ after: (step) => atEnd(t, step) }, engine);
      const outcome = await runPushKills({ location, kills, lifeMsMax: 1_000, say: (line) => kills > 10 && t.diagnostic(line) });
      const { asked, answered, events, open, movedAtKill, repeated, ...wrong } = outcome;
      tell(t, 'killed while it is pushed to', {
        database: engine,
        kills,
        'moves asked for': asked,
        'answered ok': answered,
        events,
        'intents open at a kill': open,
        'refs moved of these': movedAtKill,
        'delivered twice': repeated,
        lost: wrong.lost.length,
        'no chain': wrong.broken.length,
      });
      assert.ok(answered > 0);
      const none = { kills, lost: [], broken: [], notReceived: [], strange: [], leftOpen: 0, fsck: '', stuck: [] };
      assert.deepEqual(wrong, none);
    });
  }
});
