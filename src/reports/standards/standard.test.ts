import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assessable } from './assessed.ts';
import { cweCatalogue, descendantsOf, mappingUsage, weaknessName } from './catalogue.ts';
import { categoriesOf, findStandard, newestStandards, standards } from './standard.ts';
import type { Standard } from './standard.ts';

function standard(type: string, edition: number): Standard {
  return findStandard(type, edition) ?? assert.fail(`${type} ${edition} is missing`);
}

function ids(of: Standard, finding: { cwes?: number[]; owasp?: { edition: number; id: string }[] }): string[] {
  const { direct } = categoriesOf(of, { cwes: finding.cwes ?? [], owasp: finding.owasp ?? [] });
  return direct.map((index) => of.categories[index]?.id ?? '?');
}

const tool = { name: 'Some scanner', rules: 1, ruleCwes: [], ruleOwasp: [] };

test('there are seven editions of the CWE Top 25 and three of the OWASP Top 10, the newest of each by default', () => {
  assert.deepEqual(
    standards.map((each) => `${each.type} ${each.edition}`),
    [
      ...[2019, 2020, 2021, 2022, 2023, 2024, 2025].map((year) => `CWE Top 25 ${year}`),
      ...[2017, 2021, 2025].map((year) => `OWASP Top 10 ${year}`),
    ],
  );
  assert.deepEqual(
    newestStandards.map((each) => `${each.type} ${each.edition}`),
    ['CWE Top 25 2025', 'OWASP Top 10 2025'],
  );
});

test('each Top 25 has 25 distinct weaknesses by rank, each with a name; each Top 10 has ten categories', () => {
  for (const each of standards) {
    const size = each.type === 'CWE Top 25' ? 25 : 10;
    assert.equal(new Set(each.categories.map((category) => category.id)).size, size, `${each.type} ${each.edition}`);
    assert.deepEqual(
      each.categories.map((category) => category.rank),
      Array.from({ length: size }, (_, index) => index + 1),
    );
    for (const category of each.categories) assert.notEqual(category.name, '');
  }
});

test('ranks and the number of CWEs are those that were published', () => {
  const ranked = (edition: number) => standard('CWE Top 25', edition).categories.map((category) => category.cwes[0]);
  assert.deepEqual(
    ranked(2025),
    [79, 89, 352, 862, 787, 22, 416, 125, 78, 94, 120, 434, 476, 121, 502, 122, 863, 20, 284, 200, 306, 918, 77, 639, 770],
  );
  assert.deepEqual(ranked(2019).slice(0, 5), [119, 79, 20, 200, 125]);
  const listed = (edition: number) => standard('OWASP Top 10', edition).categories.map((category) => category.cwes.length);
  assert.deepEqual(listed(2017), [9, 9, 11, 2, 5, 3, 1, 1, 0, 2]);
  assert.deepEqual(listed(2021), [34, 30, 33, 40, 20, 3, 22, 10, 4, 1]);
  assert.deepEqual(listed(2025), [40, 16, 6, 32, 37, 39, 36, 14, 5, 24]);
});

test('OWASP ids are padded with a zero, but for 2017, as OWASP writes them', () => {
  assert.equal(standard('OWASP Top 10', 2017).categories[0]?.id, 'A1');
  assert.equal(standard('OWASP Top 10', 2021).categories[0]?.id, 'A01');
  assert.equal(standard('OWASP Top 10', 2025).categories[9]?.id, 'A10');
});

test('descendants are all weaknesses below, at any depth', () => {
  assert.deepEqual(descendantsOf(79), [80, 81, 82, 83, 84, 85, 86, 87]);
  assert.deepEqual(descendantsOf(787), [121, 122, 123, 124]);
  assert.equal(descendantsOf(284).length, 166);
  assert.deepEqual(descendantsOf(416), []);
  assert.deepEqual(descendantsOf(99_999), []);
});

test('the catalogue knows names and mapping usage', () => {
  assert.equal(cweCatalogue, '4.15 (2024-07-16)');
  assert.equal(weaknessName(787), 'Out-of-bounds Write');
  assert.equal(weaknessName(310), undefined, 'CWE-310 is a category, no weakness');
  assert.equal(mappingUsage(20), 'Discouraged');
  assert.equal(mappingUsage(79), null);
  assert.equal(mappingUsage(1), null);
});

test('CWE Top 25: only exactly the CWEs that are named count directly, those below are told apart', () => {
  const top = standard('CWE Top 25', 2025);
  assert.deepEqual(ids(top, { cwes: [79] }), ['CWE-79']);
  assert.deepEqual(ids(top, { cwes: [80] }), []);
  const { below } = categoriesOf(top, { cwes: [80], owasp: [] });
  assert.deepEqual(
    below.map((hit) => [top.categories[hit.category]?.id, hit.cwe]),
    [['CWE-79', 80]],
  );
});

test('CWE Top 25: one CWE may be a category itself and stand below another', () => {
  const top = standard('CWE Top 25', 2025);
  assert.deepEqual(ids(top, { cwes: [78] }), ['CWE-78']);
  assert.deepEqual(
    categoriesOf(top, { cwes: [78], owasp: [] }).below.map((hit) => top.categories[hit.category]?.id),
    ['CWE-77'],
  );
});

test('OWASP 2021: CWE-259 is in two categories', () => {
  assert.deepEqual(ids(standard('OWASP Top 10', 2021), { cwes: [259] }), ['A02', 'A07']);
});

test("the tool's own OWASP tags of that edition beat the CWE, tags of another edition do not", () => {
  const owasp = standard('OWASP Top 10', 2021);
  assert.deepEqual(ids(owasp, { cwes: [79] }), ['A03']);
  assert.deepEqual(ids(owasp, { cwes: [79], owasp: [{ edition: 2021, id: 'A05' }] }), ['A05']);
  assert.deepEqual(ids(owasp, { cwes: [79], owasp: [{ edition: 2017, id: 'A5' }] }), ['A03']);
  assert.deepEqual(ids(owasp, { cwes: [79], owasp: [{ edition: 2021, id: 'A99' }] }), ['A03'], 'a category that does not exist is no tag');
  assert.deepEqual(ids(standard('OWASP Top 10', 2017), { owasp: [{ edition: 2017, id: 'A05' }] }), ['A5']);
});

test('OWASP tags do not put a finding into the CWE Top 25', () => {
  assert.deepEqual(ids(standard('CWE Top 25', 2025), { owasp: [{ edition: 2025, id: 'A01' }] }), []);
});

test('a category can be assessed by a CWE or a tag of a listed rule, or by a scanner that is known', () => {
  const top = standard('CWE Top 25', 2025);
  const owasp = standard('OWASP Top 10', 2021);
  const named = (of: Standard, which: Parameters<typeof assessable>[1][number]) =>
    [...assessable(of, [which])].map((index) => of.categories[index]?.id);
  assert.deepEqual(named(top, { ...tool, ruleCwes: [79] }), ['CWE-79']);
  assert.deepEqual(named(top, { ...tool, ruleCwes: [80] }), [], 'what names only CWE-80 says nothing about CWE-79');
  assert.deepEqual(named(owasp, { ...tool, ruleOwasp: [{ edition: 2021, id: 'A06' }] }), ['A06']);
  assert.deepEqual(named(owasp, { ...tool, ruleOwasp: [{ edition: 2021, id: 'A06' }], ruleCwes: [79] }).sort(), ['A03', 'A06']);
  assert.ok(named(top, { ...tool, name: 'bandit' }).includes('CWE-89'));
  assert.ok(named(top, { ...tool, name: 'Flawfinder' }).includes('CWE-120'));
  assert.deepEqual(named(top, { ...tool, name: 'ESLint' }), []);
});
