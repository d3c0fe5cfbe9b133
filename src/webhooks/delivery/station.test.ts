// In which order the deliveries of one event begin: as SonarQube sends them (its contract, section 2), though here nobody waits for the one before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Station } from './station.ts';
import { byRank } from './station.ts';

test('a project’s webhooks begin before the organization’s, each by name, byte by byte', () => {
  const stationOf = (rank: string) => ({ target: { rank } }) as Station;
  const ranks = ['1b', '0Б', '09', '010', '1A', '0a', '0A', '0b', '1a'];
  const sorted = ranks.map(stationOf).sort(byRank);
  assert.deepEqual(
    sorted.map(({ target }) => target.rank),
    ['010', '09', '0A', '0a', '0b', '0Б', '1A', '1a', '1b'],
  );
});
