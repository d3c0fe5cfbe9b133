import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { makeFacts, makeFinding, plainTool } from '../../../test/make/findings.ts';
import { readSarif } from '../../analyses/sarif/read.ts';
import type { Finding, Tool } from '../../analyses/finding.ts';
import { findStandard } from '../standards/standard.ts';
import { buildDocument } from './document.ts';
import { createEvaluator } from './evaluate.ts';
import { createFindingsSarif, rulesOfRunMax } from './findings-sarif.ts';

function write(t: TestContext, findings: Iterable<Finding>, tools: readonly Tool[] = [plainTool]): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-sarif-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'findings.sarif');
  const standard = findStandard('OWASP Top 10', 2021) ?? assert.fail();
  const evaluator = createEvaluator({ standard, tools, previousCategories: null });
  const sarif = createFindingsSarif({ directory, path, tools });
  for (const finding of findings) {
    const reported = evaluator.add(finding, { change: 'new', firstSeen: 0 });
    if (reported !== null) sarif.add(reported);
  }
  const report = {
    type: 'OWASP Top 10',
    edition: 2021,
    reportId: 'r',
    trend: [],
    previousCategories: null,
    unchangedContent: null,
  } as const;
  const analysis = { id: 'a', version: '1', branch: null, revision: null, dateText: '', contentDate: null, properties: {} };
  const job = {
    directory,
    sarif: '',
    known: '',
    late: false,
    analysis,
    organizationName: '',
    project: { key: '', name: '' },
    language: 'en',
    madeAt: '',
    standards: [report],
  } as const;
  const counted = buildDocument({ job, report, standard, facts: makeFacts(tools), evaluation: evaluator.result(), fixed: null });
  sarif.close({ ...counted, contentSha256: '' });
  return readFileSync(path, 'utf8');
}

async function readBack(text: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  await readSarif({
    async *open() {
      yield Buffer.from(text);
    },
    onFinding: (finding) => void findings.push(finding),
  });
  return findings;
}

test('what is written is read back as the same findings', async (t) => {
  const findings = [
    makeFinding(1, {
      cwes: [79, 80],
      severity: 'BLOCKER',
      ruleName: 'a name',
      ruleUrl: 'https://example.org/1',
      rule: 'rule-1',
      place: { path: 'src/a b/ü#?%.c', startLine: 3, startColumn: 2, endLine: 4, endColumn: 9, snippet: 'x "quoted"\n\u2028' },
      message: 'Text with </script>, "quotes", \u0007 and 😀',
    }),
    makeFinding(2, {
      cwes: [89],
      severity: 'CRITICAL',
      rule: 'rule-2',
      state: 'suppressed',
      suppression: { kind: 'external', justification: 'why' },
    }),
    makeFinding(3, { cwes: [89], severity: 'MAJOR', rule: 'rule-3', state: 'review' }),
    makeFinding(4, { cwes: [89], severity: 'MINOR', rule: 'rule-4', state: 'absent' }),
    makeFinding(5, { cwes: [79], severity: 'INFO', rule: '', place: { path: 'only/path' } }),
    makeFinding(6, { owasp: [{ edition: 2021, id: 'A05' }], severity: 'MAJOR', rule: 'rule-6' }),
  ];
  const back = await readBack(write(t, findings));
  const seen = (list: readonly Finding[]) =>
    list.map(({ tool, rule, severity, cwes, owasp, message, place, state, suppression }) => ({
      tool,
      rule,
      severity,
      cwes,
      owasp,
      message,
      place,
      state,
      suppression,
    }));
  assert.deepEqual(seen(back), seen(findings));
});

test('what SonarQube knows of a finding is in SARIF’s own words where it has them, and is read back', async (t) => {
  const hotspot = { category: 'xss', probability: 'HIGH', status: 'TO_REVIEW' } as const;
  const suppression = { kind: 'external', status: 'falsePositive', justification: 'a test', by: 'ada', at: '2026-03-02' } as const;
  const findings = [
    makeFinding(1, { cwes: [79], url: 'https://sonar.example.test/1', effortMinutes: 5, isNew: true }),
    makeFinding(2, { cwes: [79], state: 'suppressed', suppression }),
    makeFinding(3, { cwes: [79], state: 'review', hotspot }),
  ];
  const text = write(t, findings);
  const { runs } = JSON.parse(text) as { runs: { results: Record<string, unknown>[] }[] };
  const [first, second, third] = runs[0]?.results ?? [];
  assert.equal(first?.hostedViewerUri, 'https://sonar.example.test/1');
  assert.deepEqual({ effortMinutes: 5, isNew: true }, pick(first?.properties, ['effortMinutes', 'isNew']));
  const properties = { status: 'falsePositive', by: 'ada', at: '2026-03-02' };
  assert.deepEqual(second?.suppressions, [{ kind: 'external', status: 'accepted', justification: 'a test', properties }]);
  assert.deepEqual([third?.kind, pick(third?.properties, ['hotspot'])], ['review', { hotspot }]);
  assert.deepEqual(
    (await readBack(text)).map(({ state }) => state),
    ['open', 'suppressed', 'review'],
  );
});

function pick(from: unknown, keys: readonly string[]): unknown {
  return Object.fromEntries(Object.entries(from as object).filter(([key]) => keys.includes(key)));
}

test('tools that take turns get a run for each turn, a silent tool an empty one', (t) => {
  const tools = ['A', 'B', 'Silent'].map((name) => ({ ...plainTool, name }));
  const turns = ['A', 'B', 'A'].map((tool, index) => makeFinding(index, { tool, cwes: [79] }));
  const { runs } = JSON.parse(write(t, turns, tools)) as { runs: { tool: { driver: { name: string } }; results: unknown[] }[] };
  assert.deepEqual(
    runs.map((run) => [run.tool.driver.name, run.results.length]),
    [
      ['A', 1],
      ['B', 1],
      ['A', 1],
      ['Silent', 0],
    ],
  );
});

test(`past ${rulesOfRunMax} rules of a run results are still there, by the id of their rule`, (t) => {
  function* many(): Generator<Finding> {
    for (let index = 0; index <= rulesOfRunMax; index += 1) yield makeFinding(index, { rule: `rule-${index}`, cwes: [79] });
  }
  const { runs } = JSON.parse(write(t, many())) as {
    runs: { tool: { driver: { rules: unknown[] } }; results: { ruleId: string; ruleIndex?: number }[] }[];
  };
  assert.equal(runs[0]?.tool.driver.rules.length, rulesOfRunMax);
  assert.equal(runs[0]?.results.length, rulesOfRunMax + 1);
  const [before, last] = runs[0]?.results.slice(-2) ?? [];
  assert.equal(before?.ruleIndex, rulesOfRunMax - 1);
  assert.deepEqual([last?.ruleId, last?.ruleIndex], [`rule-${rulesOfRunMax}`, undefined]);
});
