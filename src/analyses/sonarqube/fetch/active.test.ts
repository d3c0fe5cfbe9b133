// What the active rules of a project's quality profiles cover: asked of a stand-in that has the real limits, and held against its rules.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import type { StubFacts } from '../../../../test/sonarqube/facts.ts';
import { codesOf, fetching, readFetched } from '../../../../test/sonarqube/fetched.ts';
import { cwesOfStandards } from '../../../reports/standards/standard.ts';
import type { Fetched } from './fetch.ts';
import { createRuleFile } from './rules.ts';

const asksForRules = (path: string) => path.startsWith('api/rules/search') && path.includes('qprofile=');

/** What must come out: of the rules about security, of the languages that the project has. */
function expected({ profiles }: StubFacts, languages = ['java', 'js']) {
  const rules = profiles.filter(({ language }) => languages.includes(language)).flatMap(({ active }) => [...active]);
  const security = rules.filter(({ type }) => type === 'VULNERABILITY' || type === 'SECURITY_HOTSPOT');
  const cwes = new Set(security.flatMap((rule) => rule.cwes).map(Number));
  return { rules: security.length, cwes: [...cwes].filter((cwe) => cwesOfStandards.includes(cwe)).toSorted((a, b) => a - b) };
}

async function found(fetched: Fetched) {
  const { facts } = await readFetched(fetched.file);
  return { rules: facts.sonarqube?.rules?.active, cwes: facts.tools[0]?.ruleCwes };
}

for (const flavour of ['9.9', '26.9'] as const) {
  test(`${flavour}: what a clean project's rules could have found is known, in a few questions`, async (t) => {
    const { stub, fetch } = await fetching(t, { flavour, issues: 0 });
    const fetched = await fetch();
    assert.deepEqual(await found(fetched), expected(stub.facts));
    assert.equal(codesOf(fetched)['active_rules_not_readable'], undefined);
    const { facts } = await readFetched(fetched.file);
    assert.deepEqual(
      facts.tools[0]?.ruleOwasp.map(({ edition, id }) => `${edition} ${id}`),
      ['A1', 'A2', 'A3', 'A4', 'A5', 'A7', 'A8']
        .map((id) => `2017 ${id}`)
        .concat(['A01', 'A02', 'A03', 'A05', 'A07', 'A08', 'A10'].map((id) => `2021 ${id}`)),
    );
    assert.equal(stub.asked.filter(asksForRules).length, 2, 'facets that are not full tell all');
  });
}

/** Rules of many CWEs, whose facet is full of some that no report asks about. */
const idleCwes = [...cwesOfStandards.filter((_, index) => index % 3 === 0), 9_999];
function crowd({ profiles, rules }: StubFacts): void {
  const java = profiles.find(({ language }) => language === 'java');
  const model = rules.find(({ key }) => key === 'madejava:I9999') ?? assert.fail();
  const others = Array.from({ length: 9 }, (_, number) => String(90_000 + number));
  for (const cwe of idleCwes.slice(0, 20)) {
    for (const kind of ['O', 'P']) java?.active.add({ ...model, cwes: [...others, String(cwe)], key: `madejava:${kind}${cwe}` });
  }
}

test('rules of more CWEs than a facet lists: each is found, and none that no rule has, in three questions', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 0, idleCwes });
  crowd(stub.facts);
  assert.deepEqual(await found(await fetch()), expected(stub.facts));
  assert.equal(stub.asked.filter((path) => asksForRules(path) && path.includes('profile-java')).length, 3);
});

test('where a facet lists ten of what was found and no more, the others are found by halves', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 0, idleCwes, narrowFacets: true });
  crowd(stub.facts);
  assert.deepEqual(await found(await fetch()), expected(stub.facts));
  const asked = stub.asked.filter(asksForRules).length;
  assert.ok(asked < cwesOfStandards.length / 2, `${asked} questions for ${cwesOfStandards.length} CWEs`);
});

test('the second fetch asks for the profiles alone; one whose rules changed is asked about again', async (t) => {
  const { stub, fetch, directory } = await fetching(t, { issues: 0 });
  await writeFile(join(directory, 'kept.profiles.json'), 'broken');
  // As after a restart: nothing but the files is left.
  const again = () => fetch({ rules: createRuleFile(join(directory, 'kept.json')) });
  const first = await found(await again());
  const before = stub.asked.length;
  assert.deepEqual(await found(await again()), first);
  assert.deepEqual(stub.asked.slice(before).filter(asksForRules), []);
  const [java] = stub.facts.profiles;
  java?.active.clear();
  if (java !== undefined) java.updated += 1000;
  const changed = stub.asked.length;
  assert.deepEqual(await found(await again()), expected(stub.facts));
  const asked = stub.asked.slice(changed).filter(asksForRules);
  assert.ok(asked.length > 0 && asked.every((path) => path.includes('profile-java')), asked.join('\n'));
  const wider = await found(await fetch({ rules: createRuleFile(join(directory, 'kept.json')), cwes: [...cwesOfStandards, 9_999] }));
  assert.deepEqual(wider, await found(await again()), 'other CWEs are another question');
});

test('rules about bugs and style cover nothing, active or not, nor does what they found', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 20, rules: 3 });
  const style = stub.facts.rules[2] ?? assert.fail();
  assert.equal(style.type, 'BUG');
  Object.assign(style, { cwes: ['476'] });
  for (const issue of stub.facts.projects[0]?.issues ?? []) Object.assign(issue, { rule: style });
  for (const profile of stub.facts.profiles) profile.active.clear();
  stub.facts.profiles[0]?.active.add(style);
  stub.changed();
  assert.deepEqual(await found(await fetch()), { rules: 0, cwes: [] });
});

test('rules that make hotspots do not count where hotspots cannot be read', async (t) => {
  const { stub, fetch, directory } = await fetching(t, { flavour: '9.9', issues: 0, rules: 0, hotspots: 4 });
  assert.equal((await found(await fetch())).rules, 4);
  stub.faults.push({ path: /hotspots\/search/, fault: { status: 403, message: 'Insufficient privileges' } });
  const kept = createRuleFile(join(directory, 'rules.json'));
  assert.equal((await found(await fetch({ directory: join(directory, 'another'), rules: kept }))).rules, 0);
});

const refusals = [
  ['the profiles', /qualityprofiles/, { status: 403, message: 'Insufficient privileges' }],
  ['a path it does not have', /qualityprofiles/, { status: 404, message: 'Unknown url : /api/qualityprofiles/search' }],
  ['the rules', /rules\/search/, { status: 403, message: 'Insufficient privileges' }],
  ['an answer of another shape', /qualityprofiles/, { body: '{"profile":[]}' }],
  ['rules of another shape', /rules\/search/, { body: '{"total":7,"rules":[]}' }],
] as const;
for (const [what, path, fault] of refusals) {
  test(`a server that does not tell (${what}): a notice says so, and nothing is guessed`, async (t) => {
    const { stub, fetch } = await fetching(t, { issues: 0 });
    stub.faults.push({ path, fault });
    const fetched = await fetch();
    assert.equal(codesOf(fetched)['active_rules_not_readable'], 1);
    assert.deepEqual(await found(fetched), { rules: undefined, cwes: [] });
    stub.faults.length = 0;
    assert.deepEqual(await found(await fetch()), expected(stub.facts));
  });
}

test('where the languages are not known, no profile is guessed', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 0 });
  stub.faults.push({ path: /measures/, fault: { status: 403, message: 'Insufficient privileges' } });
  assert.equal(codesOf(await fetch())['active_rules_not_readable'], 1);
  assert.equal(
    stub.asked.some((path) => path.includes('qualityprofiles')),
    false,
  );
});
