// Projects that cannot be cut by facets, at a stand-in that has the real limits: they are cut by file, by date or by category, and exactly all
// findings arrive; where not even that helps, how many are missing is said.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import test from 'node:test';
import type { StubFacts } from '../../../../test/sonarqube/facts.ts';
import { fetching, readFetched } from '../../../../test/sonarqube/fetched.ts';

/** The fingerprints that the facts' issues and hotspots must come to. */
function fingerprintsOf({ projects }: StubFacts): readonly string[] {
  const keys = projects.flatMap((project) => [...project.issues, ...project.hotspots]).map(({ key }) => key);
  return keys.map((key) => hash('sha256', JSON.stringify(['sonarqube', key]), 'hex').slice(0, 32)).toSorted();
}

test('10,100 findings of one rule in one second: by file they are all fetched', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 10_100, rules: 1, files: 90, sameDate: true });
  const fetched = await fetch();
  assert.deepEqual([fetched.findings, fetched.complete], [10_100, true]);
  assert.deepEqual((await readFetched(fetched.file)).findings.map(({ fingerprint }) => fingerprint).toSorted(), fingerprintsOf(stub.facts));
});

test('one rule, more files than a facet lists: the slices are by date, and complete', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 10_500, rules: 1, files: 5_000 });
  const fetched = await fetch();
  assert.deepEqual([fetched.findings, fetched.complete], [10_500, true]);
  assert.ok(stub.asked.length < 60, `${stub.asked.length} requests`);
});

test('a slice that cannot be split is read from both ends, and what is missing of it is said', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 20_345, rules: 1, files: 1, sameDate: true });
  const fetched = await fetch();
  assert.deepEqual(
    fetched.notices.filter(({ code }) => code === 'slice_not_complete'),
    [{ code: 'slice_not_complete', count: 345, pointer: 'issues: all' }],
  );
  assert.deepEqual([fetched.findings, fetched.complete], [20_000, false]);
  assert.equal(stub.asked.filter((path) => path.includes('&p=21&')).length, 0);
});

test('10,100 hotspots are told apart by status and category', async (t) => {
  const { stub, fetch } = await fetching(t, { flavour: '9.9', issues: 0, hotspots: 10_100 });
  const fetched = await fetch();
  assert.equal(fetched.findings, 10_100);
  assert.deepEqual((await readFetched(fetched.file)).findings.map(({ fingerprint }) => fingerprint).toSorted(), fingerprintsOf(stub.facts));
});
