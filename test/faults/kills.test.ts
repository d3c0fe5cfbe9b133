import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engines, newLocation } from '../databases.ts';
import { tell } from './counts.ts';
import { runKills } from './kills.ts';
import { roundsOf } from './rounds.ts';

// The short form; `npm run test:faults` runs the long one.

const kills = roundsOf('analyses');

for (const engine of engines) {
  test(`killed ${kills} times while analyses come in, it loses none, lists none twice, and announces each (${engine})`, {
    timeout: 3_000_000,
  }, async (t) => {
    const steps: (() => Promise<void>)[] = [];
    const location = await newLocation({ after: (step) => void steps.push(step) }, engine);
    t.after(async () => {
      for (const step of steps.toReversed()) await step();
    });
    const outcome = await runKills({ location, kills, lifeMsMax: 2500, say: (line) => t.diagnostic(line) });
    tell(t, 'killed while analyses come in', { database: engine, ...outcome, notDone: outcome.notDone.length });
    assert.ok(outcome.accepted > 0);
    assert.deepEqual(
      {
        notDone: outcome.notDone,
        listed: outcome.listed,
        twice: outcome.twice,
        notReceived: outcome.notReceived,
        refused: outcome.refused,
      },
      { notDone: [], listed: outcome.expected, twice: 0, notReceived: 0, refused: 0 },
    );
  });
}
