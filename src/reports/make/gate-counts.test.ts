import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeFinding } from '../../../test/make/findings.ts';
import { createGateCounter } from './gate-counts.ts';
import type { GateJob } from './job.ts';

// What is counted of findings as they come, told by the values of a gate's conditions.

function values(metrics: readonly string[], newSince: GateJob['newSince'] = 'since') {
  const conditions = metrics.map((metric) => ({ metric, operator: 'GREATER_THAN' as const, errorThreshold: '0' }));
  const counter = createGateCounter({ name: 'g', conditions, newSince });
  const add = (fresh: boolean, more: Parameters<typeof makeFinding>[1]) => counter.add(makeFinding(1, more), fresh);
  add(false, { severity: 'MAJOR', cwes: [79] });
  add(true, { severity: 'BLOCKER', cwes: [89, 79] });
  add(true, { severity: 'INFO', owasp: [{ edition: 2021, id: 'A01' }] });
  add(true, { severity: 'BLOCKER', cwes: [79], state: 'suppressed', suppression: { kind: 'inSource' } });
  add(false, { severity: 'BLOCKER', cwes: [79], state: 'absent' });
  add(true, { severity: 'BLOCKER', cwes: [79], state: 'review' });
  const { status, conditions: told } = counter.result();
  return { status, values: Object.fromEntries(told.map(({ metric, value }) => [metric, value])) };
}

test('open findings count, what waits for review apart, what is set aside or gone not at all', () => {
  const metrics = ['vulnerabilities', 'blocker_violations', 'major_violations', 'info_violations', 'security_hotspots', 'security_rating'];
  assert.deepEqual(values(metrics), {
    status: 'ERROR',
    values: {
      vulnerabilities: '3',
      blocker_violations: '1',
      major_violations: '1',
      info_violations: '1',
      security_hotspots: '1',
      security_rating: '5',
    },
  });
  assert.deepEqual(values(['new_vulnerabilities', 'new_major_violations', 'new_security_hotspots_reviewed']).values, {
    new_vulnerabilities: '2',
    new_major_violations: '0',
    new_security_hotspots_reviewed: '0.0',
  });
});

test('a finding counts once in a standard, however many of its categories it falls in', () => {
  assert.deepEqual(values(['cwe_top_25_2025', 'new_cwe_top_25_2025', 'owasp_top_10_2021', 'new_owasp_top_10_2021']).values, {
    cwe_top_25_2025: '2',
    new_cwe_top_25_2025: '1',
    owasp_top_10_2021: '3',
    new_owasp_top_10_2021: '2',
  });
});

test('with nothing to compare with, what is new has no value', () => {
  assert.deepEqual(values(['new_vulnerabilities', 'new_cwe_top_25_2025', 'new_security_rating'], null), {
    status: 'OK',
    values: { new_vulnerabilities: undefined, new_cwe_top_25_2025: undefined, new_security_rating: undefined },
  });
});
