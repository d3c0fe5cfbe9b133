// Projects beyond the 10,000 that a search can be paged to, at a stand-in that has the real limits and messages: exactly all findings arrive, and
// where they cannot, how many are missing is said.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import type { StubFacts } from '../../../../test/sonarqube/facts.ts';
import { codesOf, fetching, readFetched } from '../../../../test/sonarqube/fetched.ts';

const expectedNotices = ['branches_not_supported', 'rules_without_standards'];

/** The fingerprints that the facts' issues and hotspots must come to. */
function fingerprintsOf({ projects }: StubFacts): readonly string[] {
  const keys = projects.flatMap((project) => [...project.issues, ...project.hotspots]).map(({ key }) => key);
  return keys.map((key) => hash('sha256', JSON.stringify(['sonarqube', key]), 'hex').slice(0, 32)).toSorted();
}

/** Pages, a call for each rule, and what every fetch asks once. */
function leastRequests(facts: StubFacts): number {
  const [project] = facts.projects;
  assert.ok(project);
  const rules = new Set([...project.issues, ...project.hotspots].map(({ rule }) => rule.key)).size;
  return Math.ceil(project.issues.length / 500) + Math.max(1, Math.ceil(project.hotspots.length / 500)) + rules;
}
const onceMax = 19;

const cases = [
  ['26.9', 12_345, 10_500],
  ['9.9', 10_001, 3_000],
] as const;
for (const [flavour, issues, ofOneRule] of cases) {
  test(`${flavour}: ${issues} issues, ${ofOneRule} of one rule, are fetched exactly, hotspots too`, async (t) => {
    const { stub, fetch } = await fetching(t, { flavour, issues, ofOneRule, inOneFile: 2_500, hotspots: 66 });
    const fetched = await fetch();
    const { findings, facts } = await readFetched(fetched.file);
    assert.deepEqual(findings.map(({ fingerprint }) => fingerprint).toSorted(), fingerprintsOf(stub.facts));
    assert.equal(fetched.findings, issues + 66);
    assert.equal(fetched.complete, true);
    assert.deepEqual(
      Object.keys(codesOf(fetched)).filter((code) => !expectedNotices.includes(code)),
      [],
    );
    assert.deepEqual(
      { version: fetched.version, versionFrom: fetched.versionFrom, dateText: fetched.dateText, revision: fetched.revision },
      {
        version: '1.1.0',
        versionFrom: 'analysis',
        dateText: '2026-05-04T08:15:04+00:00',
        revision: stub.facts.projects[0]?.analyses[0]?.revision,
      },
    );
    assert.equal(facts.totals.review, stub.facts.projects[0]?.hotspots.filter(({ status }) => status === 'TO_REVIEW').length);
    assert.equal(facts.sonarqube?.mode, flavour === '9.9' ? 'standard' : 'mqr');
    const least = leastRequests(stub.facts) + 16;
    assert.ok(stub.asked.length <= (least + onceMax) * 1.2, `${stub.asked.length} requests, least ${least}`);
  });
}

test('an aborted fetch goes on where it was', async (t) => {
  const { stub, fetch, directory } = await fetching(t, { issues: 6_000 });
  const stop = new AbortController();
  stub.onRequest = (count) => {
    if (count === 14) stop.abort();
  };
  await assert.rejects(fetch({ signal: stop.signal }), { code: 'stopped' });
  stub.onRequest = null;
  const pages = (await readdir(join(directory, 'pages'))).filter((name) => name.endsWith('.ndjson')).length;
  assert.ok(pages >= 2, `${pages} pages`);
  const before = stub.asked.length;
  const fetched = await fetch();
  assert.deepEqual((await readFetched(fetched.file)).findings.map(({ fingerprint }) => fingerprint).toSorted(), fingerprintsOf(stub.facts));
  const paged = stub.asked.slice(before).filter((path) => path.includes('ps=500') && path.startsWith('api/issues')).length;
  assert.ok(paged <= 14 - pages, `${paged} pages again, ${pages} were there`);
});
