// CWE and OWASP names, from every place where tools write them, and from none where a number means something else.
import assert from 'node:assert/strict';
import test from 'node:test';
import { oneResult, read, readOne } from '../../../test/sarif/log.ts';
import { cwesOfFindingMax } from '../finding.ts';
import { addCwesOfTaxon, addCwesOfText, textsIn } from './cwe.ts';
import { tagDepthMax } from './limits.ts';
import { owaspOfTaxon, owaspOfText } from './owasp.ts';

function cwesOf(text: string): readonly number[] {
  const cwes = new Set<number>();
  addCwesOfText(text, cwes);
  return [...cwes];
}

test('a CWE is found in the forms tools write it in', () => {
  for (const text of [
    'CWE-79',
    'cwe-079',
    'CWE 79',
    'CWE_79',
    'CWE:79',
    'cwe/79',
    'CWE79',
    'CWE-00079',
    'CWE-79: Cross-site Scripting',
    'external/cwe/cwe-079',
    'see CWE - 79.',
    'CWE-532 Insertion',
  ]) {
    assert.deepEqual(cwesOf(text), [Number(/0*(\d+)(?!.*\d)/.exec(text)?.[1])], text);
  }
  assert.deepEqual(cwesOf('CWE-119!/CWE-120, cwe-119'), [119, 120]);
});

test('what is no CWE is not taken for one', () => {
  for (const text of [
    '79',
    'cwe',
    'cwe-None',
    'CWE-0',
    'CWE-000',
    'CWE-123456',
    'xcwe-79',
    'CWE-79a',
    'scwe79',
    'CVE-2020-79',
    'CWE--x79',
    'external/owasp/owasp-a1',
  ]) {
    assert.deepEqual(cwesOf(text), [], text);
  }
});

test('a bare number is a CWE in a taxonomy of CWEs alone', () => {
  const taxon = (id: string) => {
    const cwes = new Set<number>();
    addCwesOfTaxon(id, cwes);
    return [...cwes];
  };
  assert.deepEqual(taxon('798'), [798]);
  assert.deepEqual(taxon(' 0022 '), [22]);
  assert.deepEqual(taxon('CWE-22'), [22]);
  assert.deepEqual(taxon('0'), []);
  assert.deepEqual(taxon('22a'), []);
});

const inRule: readonly (readonly [string, object])[] = [
  ['rule.properties.tags', { properties: { tags: ['security', 'external/cwe/cwe-078'] } }],
  ['nested rule.properties.tags', { properties: { tags: [['security', ['CWE-78: OS Command Injection']]] } }],
  ['rule.properties.cwe', { properties: { cwe: 'CWE-78' } }],
  ['rule.properties.cwe as a list', { properties: { cwe: ['CWE-78'] } }],
  ['rule.properties.cwes', { properties: { cwes: ['CWE-78'] } }],
  [
    'rule.relationships by name and id',
    { relationships: [{ target: { id: 'CWE-78', toolComponent: { name: 'CWE' } }, kinds: ['relevant'] }] },
  ],
  ['rule.relationships by name and bare id', { relationships: [{ target: { id: '78', toolComponent: { name: 'CWE' } } }] }],
  ['rule.relationships by the taxonomy index', { relationships: [{ target: { id: '78', toolComponent: { index: 1 } } }] }],
  ['rule.relationships by the taxon index', { relationships: [{ target: { index: 1, toolComponent: { index: 1 } } }] }],
  ['rule.relationships by guid', { relationships: [{ target: { id: '78', toolComponent: { guid: 'AAAA-1' } } }] }],
];

const taxonomies = [
  { name: 'Levels', taxa: [{ id: '1' }, { id: '2' }] },
  { name: 'CWE', guid: 'aaaa-1', version: '4.15', taxa: [{ id: '79' }, { id: '78' }] },
];

for (const [place, rule] of inRule) {
  test(`a CWE is found in ${place}`, async () => {
    for (const run of [
      oneResult({ ruleId: 'r' }, { rules: [{ id: 'r', ...rule }] }, { taxonomies }),
      // Results and taxonomies before the rules.
      oneResult({ ruleId: 'r' }, {}, { tool: undefined, taxonomies }),
    ]) {
      const log = JSON.parse(JSON.stringify(run)) as { runs: [Record<string, unknown>] };
      log.runs[0].tool ??= { driver: { name: 'Scanner', rules: [{ id: 'r', ...rule }] } };
      assert.deepEqual((await readOne(log)).cwes, [78]);
      assert.deepEqual((await read(log)).facts.tools[0]?.ruleCwes, [78]);
    }
  });
}

const inResult: readonly (readonly [string, object])[] = [
  ['result.taxa', { taxa: [{ id: 'CWE-78', toolComponent: { name: 'CWE' } }] }],
  ['result.taxa with a bare number', { taxa: [{ id: '78', toolComponent: { name: 'CWE' } }] }],
  ['result.taxa by index', { taxa: [{ index: 1, toolComponent: { index: 1 } }] }],
  ['result.properties.cwe', { properties: { cwe: 'CWE-78: Improper Neutralization' } }],
  ['result.properties.cwes', { properties: { cwes: ['CWE-78'] } }],
  ['result.properties.CWE', { properties: { CWE: ['CWE-78'] } }],
  ['result.properties.tags', { properties: { tags: ['CWE-78'] } }],
];

for (const [place, result] of inResult) {
  test(`a CWE is found in ${place}`, async () => {
    assert.deepEqual((await readOne(oneResult({ ruleId: 'r', ...result }, {}, { taxonomies }))).cwes, [78]);
  });
}

test('a number in another taxonomy, or in a property, is no CWE', async () => {
  const rule = {
    id: 'r',
    properties: { cwe: 78, cwes: ['78'], rank: 'CWE' },
    relationships: [{ target: { id: '78', toolComponent: { name: 'Levels' } } }],
  };
  const finding = await readOne(
    oneResult(
      { ruleId: 'r', message: { text: 'CWE-78' }, taxa: [{ id: '78' }, { index: 0, toolComponent: { index: 0 } }] },
      { rules: [rule] },
      { taxonomies },
    ),
  );
  assert.deepEqual(finding.cwes, []);
});

test('all places are joined, each CWE once, those of the result first', async () => {
  const rule = {
    id: 'r',
    properties: { tags: ['CWE-22', 'CWE-5'] },
    relationships: [{ target: { id: '4', toolComponent: { name: 'CWE' } } }],
  };
  const result = { ruleId: 'r', taxa: [{ id: '1', toolComponent: { name: 'CWE' } }], properties: { cwe: ['CWE-22', 'CWE-3'] } };
  assert.deepEqual((await readOne(oneResult(result, { rules: [rule] }))).cwes, [1, 22, 3, 4, 5]);
});

test('a finding keeps so many CWEs, and what is cut is told', async () => {
  const tags = (count: number) => ({ properties: { tags: Array.from({ length: count }, (_, index) => `CWE-${index + 1}`) } });
  const whole = await read(oneResult(tags(cwesOfFindingMax)));
  assert.equal(whole.findings[0]?.cwes.length, cwesOfFindingMax);
  assert.deepEqual(whole.facts.notices, []);
  const cut = await read(oneResult(tags(cwesOfFindingMax + 1)));
  assert.equal(cut.findings[0]?.cwes.length, cwesOfFindingMax);
  assert.deepEqual(cut.facts.notices, [{ code: 'cwes_cut', pointer: '/runs/0/results/0', count: 1 }]);
});

test('lists in lists are looked through to a bounded depth, in their order', () => {
  assert.deepEqual([...textsIn(['a', ['b', ['c'], 'd'], 7, null, { e: 'f' }, 'g'])], ['a', 'b', 'c', 'd', 'g']);
  let deep: unknown = 'x';
  for (let level = 0; level < tagDepthMax; level += 1) deep = [deep];
  assert.deepEqual([...textsIn(deep)], ['x']);
  assert.deepEqual([...textsIn([deep])], []);
});

test('an OWASP category is taken with its edition, in the form that edition writes it', () => {
  const forms: readonly (readonly [string, number, string])[] = [
    ['OWASP-A05:2021 - Security Misconfiguration', 2021, 'A05'],
    ['OWASP-A05:2021-Security Misconfiguration', 2021, 'A05'],
    ['OWASP-A1:2017-Injection', 2017, 'A1'],
    ['OWASP-A03:2017-Sensitive Data Exposure', 2017, 'A3'],
    ['A01:2021', 2021, 'A01'],
    ['A1:2021', 2021, 'A01'],
    ['A10:2021 - SSRF', 2021, 'A10'],
    ['A10:2017', 2017, 'A10'],
    ['owasp-a02-2025', 2025, 'A02'],
    ['owaspTop10-2021:a3', 2021, 'A03'],
    ['OWASP Top 10 2021 Category A03 - Injection', 2021, 'A03'],
    ['OWASP Top Ten 2017 A7', 2017, 'A7'],
    ['OWASP-2021-A09', 2021, 'A09'],
  ];
  for (const [text, edition, id] of forms) assert.deepEqual(owaspOfText(text), { edition, id }, text);
});

test('what names no edition, or is no category of the Top 10, is dropped', () => {
  for (const text of [
    'A9: Using Components with Known Vulnerabilities',
    'external/owasp/owasp-a1',
    'OWASP-A05',
    'API1:2023',
    'M1:2024',
    'LLM01:2025',
    'A01:2013',
    'A11:2021',
    'A0:2021',
    'A05:20211',
    'CAA1:2021',
  ]) {
    assert.equal(owaspOfText(text), undefined, text);
  }
});

test('in a taxonomy the edition may stand in its name', () => {
  assert.deepEqual(owaspOfTaxon('A03', 'OWASP Top 10 2021'), { edition: 2021, id: 'A03' });
  assert.deepEqual(owaspOfTaxon('A3 Injection', 'OWASP 2017'), { edition: 2017, id: 'A3' });
  assert.equal(owaspOfTaxon('A03', 'OWASP'), undefined);
  assert.equal(owaspOfTaxon('3', 'OWASP 2021'), undefined);
});

test('OWASP categories come from rule, result and taxonomies, each once', async () => {
  const rule = {
    id: 'r',
    properties: { tags: ['OWASP-A03:2021 - Injection', ['A1:2017']] },
    relationships: [{ target: { id: 'A05', toolComponent: { index: 0 } } }],
  };
  const result = { ruleId: 'r', properties: { 'owasp-web': 'A03:2021', owasp: 'A9: no edition' } };
  const log = oneResult(result, { rules: [rule] }, { taxonomies: [{ name: 'OWASP Top 10', version: '2025' }] });
  const { facts, findings } = await read(log);
  assert.deepEqual(findings[0]?.owasp, [
    { edition: 2021, id: 'A03' },
    { edition: 2025, id: 'A05' },
    { edition: 2017, id: 'A1' },
  ]);
  assert.deepEqual(facts.tools[0]?.ruleOwasp, [
    { edition: 2017, id: 'A1' },
    { edition: 2021, id: 'A03' },
    { edition: 2025, id: 'A05' },
  ]);
});
