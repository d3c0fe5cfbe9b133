// A whole log: what is told of it, in what order, what is refused and where, and what happens at the limits.
import assert from 'node:assert/strict';
import test from 'node:test';
import { logOf, oneResult, parts, read, refusal } from '../../../test/sarif/log.ts';
import type { Finding } from '../finding.ts';
import {
  artifactCharactersMax,
  componentsMax,
  keptCharactersMax,
  referenceOverhead,
  resultsMax,
  ruleOverhead,
  rulesMax,
  runsMax,
  taxaOfComponentMax,
} from './limits.ts';
import { readSarif } from './read.ts';

const result = { ruleId: 'r', message: { text: 'm' } };
const run = { tool: { driver: { name: 'S' } }, results: [result] };

function logOfRuns(...runs: readonly unknown[]): object {
  return { version: '2.1.0', runs };
}

test('findings come in the order of the log, each with its pointer, one after the other', async () => {
  const order: string[] = [];
  let busy = false;
  await readSarif({
    open: () => parts(Buffer.from(JSON.stringify(logOfRuns({ ...run, results: [result, { ...result, kind: 'pass' }, result] }, run))), 7),
    onFinding: async (finding) => {
      assert.equal(busy, false);
      busy = true;
      await new Promise((resolve) => setImmediate(resolve));
      busy = false;
      order.push(finding.pointer);
    },
  });
  assert.deepEqual(order, ['/runs/0/results/0', '/runs/0/results/2', '/runs/1/results/0']);
});

test('what onFinding throws ends the reading', async () => {
  for (const onFinding of [
    () => {
      throw new Error('full');
    },
    () => Promise.reject(new Error('full')),
  ]) {
    await assert.rejects(readSarif({ open: () => parts(Buffer.from(JSON.stringify(logOfRuns(run))), 100), onFinding }), /^Error: full$/);
  }
});

test('what reading the bytes throws ends the reading', async () => {
  // oxlint-disable-next-line typescript/require-await -- a stream that breaks
  const open = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('{"version":"2.1.0","runs":[');
    throw new Error('gone');
  };
  await assert.rejects(readSarif({ open, onFinding: () => {} }), /^Error: gone$/);
});

test('the parts the bytes come in make no difference', async () => {
  const log = Buffer.from(
    JSON.stringify(oneResult({ message: { text: 'é\n"😀"' }, properties: { cwe: 'CWE-79' } }, { rules: [{ id: 'r' }] })),
  );
  const whole = await read(log);
  for (const partBytes of [1, 2, 3, 64]) assert.deepEqual(await read(log, partBytes), whole);
});

test('a byte order mark, white space and any $schema are fine', async () => {
  const text = JSON.stringify({ $schema: 'https://example.org/sarif-1.0.0.json', ...logOfRuns(run) }, null, 4);
  assert.equal((await read(`\ufeff \r\n${text}\n\n`)).findings.length, 1);
});

test('results before everything else are read against it all the same', async () => {
  const text = `{"runs":[{"results":[{"ruleId":"r","message":{"id":"x"}}],"tool":{"driver":{"rules":[{"messageStrings":{"x":{"text":"found"}},"id":"r"}],"name":"Late"}}}],"version":"2.1.0"}`;
  const { findings } = await read(text);
  assert.equal(findings[0]?.message, 'found');
  assert.equal(findings[0]?.tool, 'Late');
});

test('totals tell of every result, and with CWE only of findings', async () => {
  const cwe = { properties: { cwe: 'CWE-79' } };
  const kinds = [
    {},
    { kind: 'review', ...cwe },
    { kind: 'open' },
    { kind: 'pass', ...cwe },
    { kind: 'informational' },
    { baselineState: 'absent', ...cwe },
    { suppressions: [{ kind: 'inSource' }] },
  ];
  const { facts, findings } = await read(logOf({ results: kinds }));
  assert.deepEqual(facts.totals, { results: 7, open: 1, review: 2, suppressed: 1, absent: 1, ignored: 2, withCwe: 2 });
  assert.equal(findings.length, 5);
});

test('a tool is told with its version, address and what its rules could find', async () => {
  const driver = {
    name: 'S',
    version: '1.2',
    semanticVersion: '1.2.0',
    informationUri: 'https://example.org/s',
    rules: [{ id: 'a', properties: { tags: ['CWE-79', 'CWE-22', 'A03:2021'] } }, { id: 'b' }],
  };
  const extensions = [{ name: 'P', rules: [{ id: 'p', properties: { tags: ['CWE-79', 'CWE-5'] } }] }];
  const { facts } = await read(logOfRuns({ tool: { driver, extensions }, results: [] }));
  assert.deepEqual(facts.tools, [
    { name: 'S', version: '1.2', url: 'https://example.org/s', rules: 3, ruleCwes: [5, 22, 79], ruleOwasp: [{ edition: 2021, id: 'A03' }] },
  ]);
});

test('a tool in several runs stands once, with the rules of all of them', async () => {
  const of = (name: string, version: string | undefined, ...ids: readonly number[]) => ({
    tool: { driver: { name, semanticVersion: version, rules: ids.map((id) => ({ id: `r${id}`, properties: { tags: [`CWE-${id}`] } })) } },
    results: [],
  });
  const { facts } = await read(logOfRuns(of('S', '1', 1, 2), of('S', '1', 2, 3), of('S', '2', 4), of('T', undefined)));
  assert.deepEqual(
    facts.tools.map((tool) => [tool.name, tool.version, tool.rules, tool.ruleCwes]),
    [
      ['S', '1', 3, [1, 2, 3]],
      ['S', '2', 1, [4]],
      ['T', undefined, 0, []],
    ],
  );
});

test('a driver without a name is told', async () => {
  for (const tool of [undefined, null, {}, { driver: null }, { driver: {} }, { driver: { name: 7 } }]) {
    const { facts, findings } = await read(logOfRuns({ ...run, tool }));
    assert.equal(findings[0]?.tool, 'unnamed tool');
    assert.deepEqual(facts.notices, [{ code: 'tool_unnamed', pointer: '/runs/0/tool/driver', count: 1 }]);
  }
});

test('when the scan ended, its commit and its branch are taken from the log', async () => {
  const { facts } = await read(
    logOfRuns(
      {
        ...run,
        invocations: [{ endTimeUtc: '2026-01-02T03:04:05Z' }, { endTimeUtc: '2026-01-02T03:04:05.5Z' }, { endTimeUtc: 'yesterday' }],
      },
      {
        ...run,
        invocations: [{ endTimeUtc: '2025-01-01T00:00:00Z' }, null, 7, { endTimeUtc: 2030 }],
        versionControlProvenance: [{}, { revisionId: 'abc', branch: 'refs/heads/main' }],
      },
    ),
  );
  assert.deepEqual([facts.scannedAt, facts.revision, facts.branch], ['2026-01-02T03:04:05.5Z', 'abc', 'main']);
  const none = (await read(logOfRuns(run))).facts;
  assert.deepEqual(Object.keys(none).sort(), ['notices', 'runsWithoutResults', 'tools', 'totals']);
});

test('a log without runs, and one in which nothing was scanned, are refused as such', async () => {
  for (const runs of ['[]', 'null'])
    await assert.rejects(read(`{"version":"2.1.0","runs":${runs}}`), refusal('sarif_without_runs', { pointer: '/runs' }));
  await assert.rejects(read('{"version":"2.1.0"}'), refusal('sarif_without_runs'));
  for (const runs of ['[{}]', '[{"results":null}]', '[{},{"tool":{}}]'])
    await assert.rejects(read(`{"version":"2.1.0","runs":${runs}}`), refusal('nothing_scanned', { pointer: '/runs/0/results' }));
});

test('a scan that found nothing is a scan', async () => {
  const { facts, findings } = await read(logOfRuns({ ...run, results: [] }));
  assert.equal(findings.length, 0);
  assert.equal(facts.totals.results, 0);
  assert.equal(facts.runsWithoutResults, 0);
});

test('a run that scanned nothing beside others is told, and its rules vouch for nothing', async () => {
  const { facts } = await read(logOfRuns(run, { tool: { driver: { name: 'T', rules: [{ id: 'x', properties: { tags: ['CWE-79'] } }] } } }));
  assert.equal(facts.runsWithoutResults, 1);
  assert.deepEqual(facts.notices, [{ code: 'run_without_results', pointer: '/runs/1', count: 1 }]);
  assert.deepEqual(
    facts.tools.map((tool) => tool.name),
    ['S'],
  );
});

test('another version is refused, a missing one is no SARIF', async () => {
  for (const version of ['2.0.0', '1.0.0', '2.2', '2.1.00', '2', ''])
    await assert.rejects(read({ version, runs: [run] }), refusal('sarif_version_unsupported', { pointer: '/version', version }));
  await assert.rejects(read({ version: 2.1, runs: [run] }), refusal('sarif_version_unsupported', { version: '2.1' }));
  await assert.rejects(read({ runs: [run] }), refusal('not_sarif', { pointer: '/version' }));
  assert.equal((await read({ version: '2.1.0-rtm.5', runs: [run] })).findings.length, 1);
});

test('what is JSON but no SARIF is refused with its place', async () => {
  for (const text of ['[]', '"x"', '7', 'null', 'true', '{}', '{"a":1}']) await assert.rejects(read(text), refusal('not_sarif'));
  await assert.rejects(read('{"version":"2.1.0","runs":{}}'), refusal('not_sarif', { pointer: '/runs' }));
  await assert.rejects(read('{"version":"2.1.0","runs":[7]}'), refusal('not_sarif', { pointer: '/runs/0' }));
  await assert.rejects(read('{"version":"2.1.0","runs":[null]}'), refusal('not_sarif', { pointer: '/runs/0' }));
  await assert.rejects(read('{"version":"2.1.0","runs":[{"results":{}}]}'), refusal('not_sarif', { pointer: '/runs/0/results' }));
  for (const odd of ['7', 'null', '[]', '"x"'])
    await assert.rejects(
      read(`{"version":"2.1.0","runs":[{"results":[{},${odd}]}]}`),
      refusal('not_sarif', { pointer: '/runs/0/results/1' }),
    );
});

test('what is no JSON is refused before the first finding is handed out, wherever it breaks', async () => {
  const text = JSON.stringify(logOfRuns(run, run));
  const findings: Finding[] = [];
  const onFinding = (finding: Finding) => void findings.push(finding);
  for (const broken of [
    `${text}x`,
    text.slice(0, -1),
    text.replace(/"m"/, '"m'),
    text.replace(/\}\]\}\]\}$/, '},]}]}'),
    '',
    '<html></html>',
    'PK\u0003\u0004',
  ]) {
    await assert.rejects(readSarif({ open: () => parts(Buffer.from(broken), 10), onFinding }), { name: 'GatepostError' });
  }
  assert.equal(findings.length, 0);
});

test('a log cut anywhere is refused as cut', async () => {
  const text = JSON.stringify(oneResult({ ruleId: 'r' }, { rules: [{ id: 'r' }] }));
  for (let length = 1; length < text.length; length += 1)
    await assert.rejects(read(text.slice(0, length)), refusal('sarif_truncated', { offset: length }));
});

test('a property that stands twice counts once, the last one, and is told', async () => {
  const two = async (text: string) => {
    const { facts, findings } = await read(text);
    return {
      messages: findings.map((finding) => finding.message),
      tool: facts.tools[0],
      notices: facts.notices,
      totals: facts.totals.results,
    };
  };
  const one = (message: string) => `[{"message":{"text":"${message}"}}]`;
  const results = await two(`{"version":"2.1.0","runs":[{"results":${one('first')},"results":${one('second')}}]}`);
  assert.deepEqual([results.messages, results.totals], [['second'], 1]);
  assert.deepEqual(results.notices[0], { code: 'duplicate_key', pointer: '/runs/0/results', count: 1 });

  const runs = await two(
    `{"runs":[{"results":${one('first')}},{"results":${one('more')}}],"version":"2.0.0","version":"2.1.0","runs":[{"results":${one('second')}}]}`,
  );
  assert.deepEqual([runs.messages, runs.totals], [['second'], 1]);
  assert.deepEqual(runs.notices[0], { code: 'duplicate_key', pointer: '/version', count: 2 });

  const rules = '"rules":[{"id":"a","properties":{"tags":["CWE-1"]}}],"rules":[{"id":"b","properties":{"tags":["CWE-2"]}}]';
  const tools = await two(
    `{"version":"2.1.0","runs":[{"results":${one('m')},"tool":{"driver":{"name":"old"}},"tool":{"driver":{"name":"new",${rules}}}}]}`,
  );
  assert.deepEqual([tools.tool?.name, tools.tool?.rules, tools.tool?.ruleCwes], ['new', 1, [2]]);
  assert.deepEqual(tools.notices, [{ code: 'duplicate_key', pointer: '/runs/0/tool', count: 2 }]);

  const inside = await two(
    '{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"S"}},"results":[{"message":{"text":"first"},"message":{"text":"second"}}]}]}',
  );
  assert.deepEqual([inside.messages, inside.notices], [['second'], []]);
});

test('results that stand twice, the last time as null, were not scanned', async () => {
  await assert.rejects(read('{"version":"2.1.0","runs":[{"results":[{}],"results":null}]}'), refusal('nothing_scanned'));
  await assert.rejects(read('{"version":"2.1.0","runs":[{"results":[{}]}],"runs":null}'), refusal('sarif_without_runs'));
});

test('names of the prototype are names like any other', async () => {
  const text =
    '{"__proto__":{"version":"2.1.0"},"constructor":1,"version":"2.1.0","runs":[{"__proto__":{"results":[{}]},"tool":{"driver":{"name":"S","rules":[{"id":"__proto__","messageStrings":{"__proto__":{"text":"proto"}},"properties":{"__proto__":{"tags":["CWE-1"]}}}]}},"results":[{"ruleId":"__proto__","message":{"id":"__proto__"},"__proto__":{"level":"error","kind":"pass"},"fingerprints":{"__proto__":"f"}}]}]}';
  const { findings } = await read(text);
  assert.equal(findings.length, 1);
  assert.deepEqual(
    [findings[0]?.message, findings[0]?.severity, findings[0]?.cwes, findings[0]?.rule],
    ['proto', 'MAJOR', [], '__proto__'],
  );
  assert.equal(Object.hasOwn(Object.prototype, 'level'), false);
});

test('properties of another type are passed over and told, and the findings are there', async () => {
  const odd = {
    tool: { driver: { name: 'S', rules: {}, taxa: 'x' }, extensions: 7 },
    taxonomies: {},
    artifacts: { 'a.c': {} },
    invocations: 'x',
    originalUriBaseIds: [],
    versionControlProvenance: {},
  };
  const { facts, findings } = await read(logOfRuns({ ...odd, results: [result] }));
  assert.equal(findings.length, 1);
  assert.deepEqual(facts.notices, [{ code: 'part_not_read', pointer: '/runs/0/tool/driver/rules', count: 6 }]);
});

test('what the tool says of its own trouble is told', async () => {
  const invocations = [
    {
      executionSuccessful: false,
      toolExecutionNotifications: [{ level: 'error' }, { level: 'warning' }, null],
      toolConfigurationNotifications: [{ level: 'error' }],
    },
    { executionSuccessful: true },
  ];
  assert.deepEqual((await read(logOfRuns({ ...run, invocations }))).facts.notices, [
    { code: 'scan_not_successful', pointer: '/runs/0/invocations/0', count: 1 },
    { code: 'tool_reported_errors', pointer: '/runs/0/invocations/0/toolExecutionNotifications/0', count: 2 },
  ]);
});

test('properties kept elsewhere are never fetched, but told', async () => {
  const external = { externalPropertyFileReferences: { results: [{ location: { uri: 'http://127.0.0.1:9/' } }] } };
  const { facts } = await read({ ...logOfRuns({ ...run, ...external }), inlineExternalProperties: [{ results: [result] }] });
  assert.deepEqual(facts.notices.map((notice) => notice.code).sort(), [
    'external_properties_not_read',
    'inline_external_properties_not_read',
  ]);
  await assert.rejects(read(logOfRuns({ tool: run.tool, ...external })), refusal('nothing_scanned'));
});

test('bytes that are no UTF-8 are shown as U+FFFD, and told', async () => {
  const [before, after] = JSON.stringify(logOf({ results: [result, { message: { text: 'a#b' } }] })).split('#');
  const { facts, findings } = await read(
    Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from(after ?? '')]),
  );
  assert.equal(findings[1]?.message, 'a\ufffd(\ufffdb');
  assert.deepEqual(facts.notices, [{ code: 'invalid_utf8', pointer: '/runs/0/results/1', count: 1 }]);
});

test('as many runs as the limit says, and no more', async () => {
  const runs = (count: number) => logOfRuns(...Array.from({ length: count }, () => run));
  assert.equal((await read(runs(runsMax))).facts.totals.results, runsMax);
  await assert.rejects(read(runs(runsMax + 1)), refusal('sarif_too_many_runs', { max: runsMax }));
});

/** A log whose run holds `count` times an entry, between two texts. */
function long(before: string, entry: string, count: number, after: string): string {
  return `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"S"}},${before}${Array.from({ length: count }, () => entry).join(',')}${after}}]}`;
}

test('as many results as the limit says, over all runs, and no more', async () => {
  // Results that count for nothing, so that two million of them take seconds.
  const entry = '{"kind":"pass"}';
  assert.equal((await read(long('"results":[', entry, resultsMax, ']'))).facts.totals.ignored, resultsMax);
  await assert.rejects(read(long('"results":[', entry, resultsMax + 1, ']')), refusal('sarif_too_many_results', { max: resultsMax }));
  await assert.rejects(
    read(long('"results":[', entry, resultsMax, ']},{"results":[{}]')),
    refusal('sarif_too_many_results', { max: resultsMax }),
  );
});

test('as many rules as the limit says, over all components, and no more', async () => {
  const rules = (count: number, after = '') =>
    `{"version":"2.1.0","runs":[{"results":[],"tool":{"driver":{"name":"S","rules":[${Array.from({ length: count }, () => '{}').join(',')}]}${after}}}]}`;
  const refused = refusal('sarif_too_many_rules', { max: rulesMax });
  assert.equal((await read(rules(rulesMax))).facts.tools[0]?.rules, rulesMax);
  await assert.rejects(read(rules(rulesMax + 1)), refused);
  await assert.rejects(read(rules(rulesMax, ',"extensions":[{"rules":[{}]}]')), refused);
});

test('as many components as the limit says, and no more', async () => {
  const components = (count: number) =>
    `{"version":"2.1.0","runs":[{"results":[],"tool":{"driver":{"name":"S"},"extensions":[${Array.from({ length: count - 1 }, () => '{}').join(',')}]}}]}`;
  assert.equal((await read(components(componentsMax))).facts.tools.length, 1);
  await assert.rejects(read(components(componentsMax + 1)), refusal('sarif_too_many_components', { max: componentsMax }));
});

test('as many entries of a taxonomy as the limit says, and no more', async () => {
  const taxa = (count: number) => long('"results":[],"taxonomies":[{"taxa":[', '{}', count, ']}]');
  assert.equal((await read(taxa(taxaOfComponentMax))).facts.totals.results, 0);
  await assert.rejects(read(taxa(taxaOfComponentMax + 1)), refusal('sarif_too_many_taxa', { max: taxaOfComponentMax }));
});

test('what is kept of rules is bounded, to the character', async () => {
  const name = 'n'.repeat(1_000);
  const each = ruleOverhead + name.length;
  const count = Math.floor((keptCharactersMax - ruleOverhead) / each);
  const rest = keptCharactersMax - count * each - ruleOverhead;
  const rules = (last: number) => [...Array.from({ length: count }, () => `{"name":"${name}"}`), `{"id":"${'i'.repeat(last)}"}`].join(',');
  const log = (last: number) => `{"version":"2.1.0","runs":[{"results":[],"tool":{"driver":{"name":"S","rules":[${rules(last)}]}}}]}`;
  assert.ok(rest < 1_024);
  assert.equal((await read(log(rest))).facts.tools[0]?.rules, count + 1);
  await assert.rejects(read(log(rest + 1)), refusal('sarif_metadata_too_large', { charactersMax: keptCharactersMax }));
});

test('artifacts beyond what is kept are told, and cost only results that name them by index alone', async () => {
  const uri = `${'d/'.repeat(2_000)}a.c`;
  const kept = Math.floor(artifactCharactersMax / (referenceOverhead + uri.length));
  const results = [kept - 1, kept].map((index) => `{"locations":[{"physicalLocation":{"artifactLocation":{"index":${index}}}}]}`).join(',');
  const { facts, findings } = await read(long(`"results":[${results}],"artifacts":[`, `{"location":{"uri":"${uri}"}}`, kept + 1, ']'));
  assert.deepEqual(
    findings.map((finding) => finding.place !== undefined),
    [true, false],
  );
  assert.deepEqual(facts.notices, [{ code: 'artifacts_left_out', pointer: `/runs/0/artifacts/${kept}`, count: 1 }]);
});
