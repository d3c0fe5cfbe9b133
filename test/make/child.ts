import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnalysisFacts, Finding } from '../../src/analyses/finding.ts';
import { invalid } from '../../src/errors.ts';
import { serveStage } from '../../src/reports/make/stages.ts';
import { makeFacts, plainTool } from './findings.ts';

/** `orphan` starts a process that outlives it. */
type Misbehaviour = 'die' | 'hang' | 'allocate' | 'bug' | 'full' | 'orphan';

/** What the fake reader is told to do, by a line of the "scanner's file". */
export type FakeLine =
  | { readonly finding: Finding }
  | { readonly facts: AnalysisFacts }
  | { readonly refuse: { readonly code: string; readonly pointer: string } }
  | { readonly misbehave: Misbehaviour };

// A child as make.ts starts it, with a reader that takes lines instead of SARIF and renderers that only say what they were given.
serveStage({
  readSarif: async () => async (options) => {
    let text = '';
    for await (const chunk of options.open()) text += Buffer.from(chunk).toString('utf8');
    let facts: AnalysisFacts | null = null;
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const told = JSON.parse(line) as FakeLine;
      if ('finding' in told) options.onFinding(told.finding);
      else if ('facts' in told) facts = told.facts;
      else if ('refuse' in told) throw invalid(told.refuse.code, 'The fake refuses this', { pointer: told.refuse.pointer });
      else await misbehave(told.misbehave);
    }
    return facts ?? Promise.reject(new Error('The fake file has no facts'));
  },
  readSonarqube: async () => () => Promise.resolve(makeFacts([{ ...plainTool, name: 'SonarQube' }])),
  renderHtml: async () => (document) => [`<h1>${document.type} ${document.edition}</h1>`, `<p>${document.findings.length} shown</p>`],
  renderPdf: async () => async (document, options) => {
    const path = join(options.directory, 'report.pdf');
    const findings = readFileSync(document, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{"finding"'));
    writeFileSync(path, `%PDF of ${findings.length} findings, ${process.env.TEST_POSTGRES_URL ?? 'no environment'}`);
    return [{ name: 'report.pdf', path }];
  },
});

async function misbehave(how: Misbehaviour): Promise<void> {
  if (how === 'orphan') spawn('sleep', [`61.${process.ppid}`], { stdio: 'inherit' });
  if (how === 'die') process.kill(process.pid, 'SIGKILL');
  if (how === 'bug') throw new TypeError('A mistake of ours');
  if (how === 'full') throw Object.assign(new Error('write'), { code: 'ENOSPC' });
  const held: Buffer[] = [];
  for (;;) {
    if (how === 'allocate') held.push(Buffer.alloc(16 * 2 ** 20, 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
