// Which rule a result is of, and what is kept of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { read, readOne } from '../../../test/sarif/log.ts';

function log(result: object, tool: object): object {
  return { version: '2.1.0', runs: [{ tool, results: [{ message: { text: 'm' }, ...result }] }] };
}

const rule = (id: string, cwe: number) => ({ id, properties: { tags: [`CWE-${cwe}`] } });
const tool = {
  driver: { name: 'S', rules: [rule('a', 1), rule('b', 2), rule('b/c', 3), { properties: { tags: ['CWE-4'] } }] },
  extensions: [
    { name: 'P', guid: 'G-1', rules: [rule('p', 11), rule('q', 12)] },
    { name: 'Q', rules: [rule('a', 21), rule('s', 22)] },
  ],
};

const lookUps: readonly (readonly [string, object, number | undefined, string])[] = [
  ['by component index and rule index', { ruleId: 'q', ruleIndex: 0, rule: { index: 1, toolComponent: { index: 0 } } }, 12, 'q'],
  ['by component name', { rule: { index: 1, toolComponent: { name: 'Q' } } }, 22, 's'],
  ['by component guid, in any case', { rule: { index: 0, toolComponent: { guid: 'g-1' } } }, 11, 'p'],
  ['by component and id', { rule: { id: 'a', toolComponent: { index: 1 } } }, 21, 'a'],
  ['by rule.index without a component', { rule: { index: 1 } }, 2, 'b'],
  ['by a component that is the driver', { rule: { index: 1, toolComponent: { name: 'S' } } }, 2, 'b'],
  ['by ruleIndex', { ruleId: 'b', ruleIndex: 1 }, 2, 'b'],
  ['by ruleIndex without an id', { ruleIndex: 1 }, 2, 'b'],
  ['by id', { ruleId: 'b' }, 2, 'b'],
  ['by id, the driver before extensions', { ruleId: 'a' }, 1, 'a'],
  ['by id in an extension', { ruleId: 's' }, 22, 's'],
  ['by rule.id', { rule: { id: 'q' } }, 12, 'q'],
  ['by a hierarchical id that is listed', { ruleId: 'b/c' }, 3, 'b/c'],
  ['by a hierarchical id cut at its last slash', { ruleId: 'b/c/d' }, 3, 'b/c/d'],
  ['by a hierarchical id cut again', { ruleId: 'a/x/y' }, 1, 'a/x/y'],
  ['an index of -1 is none', { ruleId: 'b', ruleIndex: -1 }, 2, 'b'],
  ['an index that leads nowhere', { ruleId: 'b', ruleIndex: 99 }, 2, 'b'],
  ['a component that leads nowhere', { ruleId: 'q', rule: { index: 1, toolComponent: { index: 9 } } }, 2, 'q'],
  ['no rule of that id', { ruleId: 'z' }, undefined, 'z'],
  ['names of the prototype are no rules', { ruleId: 'constructor' }, undefined, 'constructor'],
  ['no id at all', {}, undefined, ''],
  ['an id that is no text', { ruleId: 7 }, undefined, ''],
  ['slashes alone', { ruleId: '//' }, undefined, '//'],
];
for (const [name, result, cwe, id] of lookUps) {
  test(`rule: ${name}`, async () => {
    const finding = await readOne(log(result, tool));
    assert.deepEqual(finding.cwes, cwe === undefined ? [] : [cwe]);
    assert.equal(finding.rule, id);
  });
}

test('an index that leads to a rule of another id counts, and is told', async () => {
  const mismatch = await read(log({ ruleId: 'b', ruleIndex: 0 }, tool));
  assert.deepEqual(mismatch.findings[0]?.cwes, [1]);
  assert.deepEqual(mismatch.facts.notices, [{ code: 'rule_index_mismatch', pointer: '/runs/0/results/0', count: 1 }]);
  assert.deepEqual((await read(log({ ruleId: 'a/sub', ruleIndex: 0 }, tool))).facts.notices, []);
});

test('a rule that is not listed is told where the tool lists rules', async () => {
  const codes = async (tool: object) => (await read(log({ ruleId: 'z' }, tool))).facts.notices.map((notice) => notice.code);
  assert.deepEqual(await codes(tool), ['rule_not_found']);
  assert.deepEqual(await codes({ driver: { name: 'S' } }), []);
});

test('of two rules with one id the first counts', async () => {
  assert.deepEqual((await readOne(log({ ruleId: 'd' }, { driver: { name: 'S', rules: [rule('d', 1), rule('d', 2)] } }))).cwes, [1]);
});

test('a rule is named by its name, or by its short description where the name repeats the id', async () => {
  const named = async (more: object) =>
    (await readOne(log({ ruleId: 'r' }, { driver: { name: 'S', rules: [{ id: 'r', ...more }] } }))).ruleName;
  assert.equal(await named({ name: 'N', shortDescription: { text: 'D' } }), 'N');
  assert.equal(await named({ name: 'r', shortDescription: { text: 'D' } }), 'D');
  assert.equal(await named({ name: 'r' }), undefined);
});

test('only http and https addresses are taken', async () => {
  const url = async (helpUri: unknown) =>
    (await readOne(log({ ruleId: 'r' }, { driver: { name: 'S', rules: [{ id: 'r', helpUri }] } }))).ruleUrl;
  assert.equal(await url('https://example.org/r#1'), 'https://example.org/r#1');
  assert.equal(await url('HTTP://example.org/"><script>'), 'http://example.org/%22%3E%3Cscript%3E');
  for (const other of [
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'ftp://example.org',
    '//example.org',
    'https://',
    '',
    7,
    null,
    `https://example.org/${'x'.repeat(3_000)}`,
  ]) {
    assert.equal(await url(other), undefined);
  }
});

test('a rule, a tag, a property bag of another type loses itself, not the finding', async () => {
  const rules = [
    null,
    7,
    'x',
    [],
    { id: 7, properties: [], relationships: {}, messageStrings: 'x', defaultConfiguration: 3 },
    rule('ok', 5),
  ];
  const { findings, facts } = await read(log({ ruleId: 'ok' }, { driver: { name: 'S', rules } }));
  assert.deepEqual(findings[0]?.cwes, [5]);
  assert.equal(facts.tools[0]?.rules, 6);
});

test('a rule that was not run, and a scan that did not end well, vouch for nothing', async () => {
  const rules = (enabled: boolean) => [{ id: 'r', defaultConfiguration: { enabled }, properties: { tags: ['CWE-79'] } }];
  const tools = async (run: object) => (await read({ version: '2.1.0', runs: [run] })).facts.tools;
  const ofRun = (enabled: boolean, more: object = {}) =>
    tools({ tool: { driver: { name: 'S', rules: rules(enabled) } }, results: [], ...more });
  assert.deepEqual(
    (await ofRun(true)).map((tool) => [tool.ruleCwes, tool.unsuccessful]),
    [[[79], undefined]],
  );
  assert.deepEqual(
    (await ofRun(false)).map((tool) => [tool.rules, tool.ruleCwes]),
    [[1, []]],
  );
  const failed = await ofRun(true, { invocations: [{ executionSuccessful: false }] });
  assert.deepEqual(
    failed.map((tool) => [tool.ruleCwes, tool.unsuccessful]),
    [[[], true]],
  );
});
