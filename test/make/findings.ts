import { createHash } from 'node:crypto';
import type { AnalysisFacts, Finding, Tool } from '../../src/analyses/finding.ts';

/** A tool that lists no rules and that nothing is known of. */
export const plainTool: Tool = { name: 'Scanner', version: '1.0', rules: 0, ruleCwes: [], ruleOwasp: [] };

/** An open CRITICAL finding without a CWE; its fingerprint comes from `seed`. */
export function makeFinding(seed: string | number, more: Partial<Finding> = {}): Finding {
  return {
    fingerprint: createHash('md5').update(String(seed)).digest('hex'),
    tool: 'Scanner',
    rule: 'rule-1',
    severity: 'CRITICAL',
    cwes: [],
    owasp: [],
    message: `Found ${seed}`,
    place: { path: `src/${seed}.c`, startLine: 3 },
    state: 'open',
    pointer: `/runs/0/results/${seed}`,
    ...more,
  };
}

export function makeFacts(tools: readonly Tool[] = [plainTool], more: Partial<AnalysisFacts> = {}): AnalysisFacts {
  return {
    tools,
    totals: { results: 0, open: 0, review: 0, suppressed: 0, absent: 0, ignored: 0, withCwe: 0 },
    runsWithoutResults: 0,
    notices: [],
    ...more,
  };
}
