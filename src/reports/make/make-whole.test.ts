import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GatepostError } from '../../errors.ts';
import type { MakeOutcome } from './job.ts';
import { makeReports } from './make.ts';

// With the real child, reader and renderers, on what five real scanners wrote about the example product.
const scan = fileURLToPath(new URL('../../../examples/harbour/1.0.0/harbour.sarif', import.meta.url));

function make(t: TestContext, sarif: string): Promise<MakeOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'gatepost-whole-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const directory = join(folder, 'made');
  mkdirSync(directory);
  const known = join(folder, 'known.ndjson');
  writeFileSync(known, '');
  const standard = { trend: [], previousCategories: null, unchangedContent: null };
  return makeReports({
    directory,
    sarif,
    known,
    late: false,
    analysis: {
      id: 'analysis',
      version: '1.0.0',
      branch: 'main',
      revision: null,
      dateText: '2026-01-01T00:00:00+00:00',
      contentDate: null,
      properties: {},
    },
    organizationName: 'Harbour',
    project: { key: 'harbour', name: 'Harbour' },
    language: 'en',
    madeAt: '2026-01-01T00:00:00+00:00',
    standards: [
      { ...standard, type: 'CWE Top 25', edition: 2025, reportId: 'a' },
      { ...standard, type: 'OWASP Top 10', edition: 2025, reportId: 'b' },
    ],
  });
}

test('a real scan becomes pages, PDFs and data, and the same bytes when it is done again', async (t) => {
  const [once, again] = [await make(t, scan), await make(t, scan)];
  assert.equal(once.facts.tools.length, 5);
  assert.equal(once.reports.length, 2);
  for (const [index, report] of once.reports.entries()) {
    assert.equal(report.assessed, true);
    assert.equal(report.contentSha256, again.reports[index]?.contentSha256);
    const files = new Map(report.artifacts.map((artifact) => [artifact.name, readFileSync(artifact.path)]));
    assert.deepEqual([...files.keys()], ['report.html', 'report.pdf', 'findings.json', 'findings.sarif']);
    assert.match(String(files.get('report.html')?.subarray(0, 15)), /^<!doctype html>/i);
    assert.match(String(files.get('report.pdf')?.subarray(0, 8)), /^%PDF-1\.\d/);
    const json = JSON.parse(String(files.get('findings.json'))) as { findings: { state: string }[] };
    assert.equal(json.findings.filter((finding) => finding.state === 'open').length, report.vulnerabilitiesCount);
    for (const artifact of again.reports[index]?.artifacts ?? []) {
      assert.ok(files.get(artifact.name)?.equals(readFileSync(artifact.path)), `${report.type}: ${artifact.name}`);
    }
  }
});

test('what is no SARIF is refused by the real reader with its place', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatepost-whole-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'broken.sarif');
  writeFileSync(path, '{"version":"2.1.0","runs":[{"results":[{"mess');
  await assert.rejects(make(t, path), (error) => {
    assert.ok(error instanceof GatepostError);
    assert.deepEqual([error.kind, error.code], ['invalid', 'sarif_truncated']);
    assert.equal(error.details?.line, 1);
    return true;
  });
});
