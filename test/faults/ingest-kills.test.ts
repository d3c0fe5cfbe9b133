import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { atEnd } from '../app.ts';
import { engines, newLocation } from '../databases.ts';
import { tell } from './counts.ts';
import { runIngestKills } from './ingest-kills.ts';
import { roundsOf } from './rounds.ts';

// The short form; `npm run test:faults -- --ingest-kills 50` runs the long one.

const kills = roundsOf('ingests');

await describe('a server that takes SonarQube in and fetches is killed', { concurrency: true }, () => {
  for (const engine of engines) {
    test(`killed ${kills} times, each analysis over there is here once, done, with its reports, and told of once (${engine})`, {
      timeout: 10_000_000,
    }, async (t) => {
      const location = await newLocation({ after: (step) => atEnd(t, step) }, engine);
      const outcome = await runIngestKills({ location, kills, lifeMsMax: 2_000, say: (line) => kills > 10 && t.diagnostic(line) });
      const { analyses, answered, fetching, requests, lost, twice, notDone, missing, toldWrong } = outcome;
      tell(t, 'killed while it takes SonarQube in and fetches', {
        database: engine,
        kills,
        analyses,
        answered,
        'fetches under way at a kill': fetching,
        lost: lost.length,
        twice: twice.length,
        'not done': notDone.length,
        missing: missing.length,
        requests,
      });
      assert.ok(answered > 0);
      const none = { lost: [], twice: [], notDone: [], missing: [], toldWrong: [] };
      assert.deepEqual({ lost, twice, notDone, missing, toldWrong }, none);
    });
  }
});
