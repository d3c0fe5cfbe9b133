// What a fetched file's lines come to: states, severities of both modes, standards, places; and a file that is none, or not whole.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Finding } from '../finding.ts';
import { messageCharactersMax } from '../finding.ts';
import type { FileHeader, FindingLine, HotspotLine, IssueLine } from './fetch/file.ts';
import { readSonarqube } from './read.ts';

const rule = { rule: 'java:S1', name: 'One', cwes: [79, 20], owasp2017: ['a7'], owasp2021: ['a3', 'a10'], sonarsource: ['xss'], sans: [] };

function headerOf(lines: readonly FindingLine[], more: Partial<FileHeader> = {}): FileHeader {
  const sonarqube = {
    version: '26.9.0.1',
    mode: 'mqr',
    versionFrom: 'analysis',
    measures: {},
    serverUrl: 'https://s.example.test',
  } as const;
  const counts = {
    issues: lines.filter(({ kind }) => kind === 'issue').length,
    hotspots: lines.filter(({ kind }) => kind === 'hotspot').length,
  };
  return { format: 1, sonarqube, project: 'shop:api', rules: [rule], notices: [], ...counts, ...more };
}

const issue: IssueLine = {
  kind: 'issue',
  key: 'k',
  rule: 'java:S1',
  message: 'm',
  type: 'VULNERABILITY',
  severity: 'MINOR',
  status: 'OPEN',
};
const hotspot: HotspotLine = {
  kind: 'hotspot',
  key: 'h',
  rule: 'java:S9',
  message: 'm',
  category: 'xss',
  probability: 'HIGH',
  status: 'TO_REVIEW',
};

async function read(lines: readonly FindingLine[], more: Partial<FileHeader> = {}, pieceBytes = 7) {
  const bytes = Buffer.from([headerOf(lines, more), ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''));
  const findings: Finding[] = [];
  const facts = await readSonarqube({
    async *open() {
      for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
    },
    onFinding: (finding) => {
      findings.push(finding);
    },
  });
  return { findings, facts };
}

const stateOf = async (line: FindingLine) => (await read([line])).findings[0]?.state;

test('states: open, set aside, to be reviewed, reviewed, mended', async () => {
  assert.equal(await stateOf({ ...issue, status: 'CONFIRMED' }), 'open');
  assert.equal(await stateOf({ ...issue, status: 'RESOLVED', resolution: 'WONTFIX' }), 'suppressed');
  assert.equal(await stateOf({ ...issue, status: 'OPEN', issueStatus: 'IN_SANDBOX' }), 'review');
  assert.equal(await stateOf(hotspot), 'review');
  for (const resolution of ['SAFE', 'ACKNOWLEDGED'])
    assert.equal(await stateOf({ ...hotspot, status: 'REVIEWED', resolution }), 'suppressed');
  assert.equal(await stateOf({ ...hotspot, status: 'REVIEWED', resolution: 'FIXED' }), 'absent');
});

test('who, when and why stand with what was set aside', async () => {
  const reason = { by: 'ada', at: '2026-05-04T08:16:04+00:00', comment: 'not reachable' };
  const lines = [
    { ...issue, status: 'RESOLVED', resolution: 'FALSE-POSITIVE', reason },
    { ...hotspot, status: 'REVIEWED', resolution: 'SAFE', reason },
  ];
  const { findings } = await read(lines);
  const told = { kind: 'external', justification: 'not reachable', by: 'ada', at: reason.at };
  assert.deepEqual(
    findings.map(({ suppression }) => suppression),
    [{ ...told, kind: 'external', status: 'falsePositive' }, told].map((each) => ({ ...each })),
  );
});

test('the severity is the impact on security in MQR mode, and the own one in the other', async () => {
  const severityOf = async (line: FindingLine, mode: 'mqr' | 'standard') => {
    const { sonarqube } = headerOf([line]);
    return (await read([line], { sonarqube: { ...sonarqube, mode } })).findings[0]?.severity;
  };
  const both = { ...issue, impacts: { MAINTAINABILITY: 'BLOCKER', SECURITY: 'HIGH' } };
  assert.deepEqual([await severityOf(both, 'mqr'), await severityOf(both, 'standard')], ['CRITICAL', 'MINOR']);
  assert.equal(await severityOf({ ...issue, impacts: { RELIABILITY: 'MEDIUM', MAINTAINABILITY: 'LOW' } }, 'mqr'), 'MAJOR');
  assert.equal(await severityOf(issue, 'mqr'), 'MINOR');
  assert.equal(await severityOf(hotspot, 'standard'), 'CRITICAL');
});

test('CWEs and OWASP categories come from the rule, as OWASP writes them', async () => {
  const { findings, facts } = await read([issue, hotspot]);
  assert.deepEqual(findings[0]?.cwes, [79, 20]);
  assert.deepEqual(findings[0]?.owasp, [
    { edition: 2017, id: 'A7' },
    { edition: 2021, id: 'A03' },
    { edition: 2021, id: 'A10' },
  ]);
  assert.deepEqual([findings[1]?.cwes, findings[1]?.owasp, findings[1]?.ruleName], [[], [], undefined]);
  assert.deepEqual(facts.tools[0]?.ruleCwes, [20, 79]);
  assert.deepEqual([facts.totals.results, facts.totals.withCwe], [2, 1]);
});

test('what active rules look for could have been found, and beside it what rules found that were not among them', async () => {
  const active = { rules: 300, cwes: [22, 89], owasp2017: ['a1'], owasp2021: ['a3', 'a10'] };
  const toolOf = async (lines: readonly FindingLine[]) => {
    const { name, version, url, ...covered } = (await read(lines, { active })).facts.tools[0] ?? assert.fail();
    assert.ok(name === 'SonarQube' && version !== undefined && url !== undefined);
    return covered;
  };
  const tags = [
    { edition: 2017, id: 'A1' },
    { edition: 2021, id: 'A03' },
    { edition: 2021, id: 'A10' },
  ];
  assert.deepEqual(await toolOf([]), { rules: 300, ruleCwes: [22, 89], ruleOwasp: tags });
  assert.deepEqual((await toolOf([issue])).ruleCwes, [20, 22, 79, 89]);
  assert.deepEqual((await toolOf([{ ...issue, type: 'CODE_SMELL', impacts: { MAINTAINABILITY: 'LOW' } }])).ruleCwes, [22, 89]);
});

test('a path that leads out of the project is no place, and a finding without a range keeps its line', async () => {
  const placeOf = async (line: FindingLine) => (await read([line])).findings[0]?.place;
  for (const path of ['../x', '/etc/passwd', 'a/../../b']) assert.equal(await placeOf({ ...issue, path }), undefined);
  assert.deepEqual(await placeOf({ ...issue, path: 'a/b.js', line: 3 }), { path: 'a/b.js', startLine: 3 });
  assert.deepEqual(await placeOf({ ...issue, path: 'a' }), { path: 'a' });
});

test('links name the branch or the pull request; without a server there are none', async () => {
  const { findings } = await read([issue], { branch: { name: '45', type: 'PULL_REQUEST' } });
  assert.equal(findings[0]?.url, 'https://s.example.test/project/issues?id=shop%3Aapi&pullRequest=45&issues=k&open=k');
  const { sonarqube } = headerOf([]);
  const { serverUrl: _, ...without } = sonarqube;
  const bare = (await read([issue], { sonarqube: without })).findings[0];
  assert.deepEqual([bare?.url, bare?.ruleUrl], [undefined, undefined]);
});

test('texts that would break lines elsewhere arrive whole, in whatever pieces the bytes come; a message that is too long is cut and says so', async () => {
  const message = 'a\u2028b\u2029c\nd \u{1f600}';
  assert.equal((await read([{ ...issue, message }], {}, 1)).findings[0]?.message, message);
  const [cut] = (await read([{ ...issue, message: 'x'.repeat(messageCharactersMax + 1) }], {}, 4_096)).findings;
  assert.deepEqual([cut?.message.length, cut?.messageCut], [messageCharactersMax, true]);
  const [kept] = (await read([{ ...issue, message: 'x'.repeat(messageCharactersMax) }], {}, 4_096)).findings;
  assert.equal(kept?.messageCut, undefined);
});

test('the same issue has the same fingerprint wherever it moved, another one another', async () => {
  const { findings } = await read([issue, { ...issue, line: 9, path: 'other' }, { ...issue, key: 'k2' }]);
  assert.equal(findings[0]?.fingerprint, findings[1]?.fingerprint);
  assert.notEqual(findings[0]?.fingerprint, findings[2]?.fingerprint);
  assert.match(findings[0]?.fingerprint ?? '', /^[0-9a-f]{32}$/);
});

test('a file that is none, or that ends too early, is refused', async () => {
  const readText = (text: string) => readSonarqube({ open: () => one(text), onFinding: () => undefined });
  async function* one(text: string) {
    yield Buffer.from(text);
  }
  for (const text of ['', '{}', 'no JSON', '[]\n', '{"format":2,"rules":[]}']) {
    await assert.rejects(readText(text), { code: 'not_sonarqube_fetch' }, text);
  }
  await assert.rejects(readText(`${JSON.stringify(headerOf([issue]))}\n`), { code: 'sonarqube_fetch_truncated' });
  await assert.rejects(readText(`${JSON.stringify(headerOf([issue]))}\n{"kind":`), { code: 'not_sonarqube_fetch' });
});
