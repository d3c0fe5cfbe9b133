// `npm run test:sonarqube [-- --versions 9.9.8.100196,26.9.0.129388] [--write]`: a real SonarQube of each version (from Maven Central, so Maven, unzip
// and Java must be there, and 3 GB of memory), with Gatepost as its webhook's target and as what fetches from it; both are compared call by
// call. No part of `npm test`. With `--write` the outcome goes into docs/compatibility.md.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apiCheck, findingsCheck, missedCheck, payloadCheck } from './checks.ts';
import type { Check } from './checks.ts';
import { startGatepost } from './gatepost.ts';
import { changeProject, writeProject } from './project.ts';
import { startRecorder } from './recorder.ts';
import { flipGate, scan } from './scan.ts';
import { logTail, startRealServer } from './server.ts';

const versionsDefault = '9.9.8.100196,26.9.0.129388';
const page = new URL('../../../docs/compatibility.md', import.meta.url);
const marks = { begin: '<!-- test:sonarqube begins -->', end: '<!-- test:sonarqube ends -->' };
const product = { project: 'shop:web', name: 'Shop <& "web">' };

const { values } = parseArgs({
  options: { versions: { type: 'string', default: versionsDefault }, write: { type: 'boolean', default: false }, keep: { type: 'string' } },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const outcomes: { readonly version: string; readonly checks: readonly Check[] }[] = [];
  for (const version of values.versions.split(',')) outcomes.push({ version, checks: await compare(version) });
  const text = told(outcomes);
  process.stdout.write(`${text}\n`);
  if (values.write) writePage(text);
  const failed = outcomes.flatMap(({ checks }) => checks).filter((check) => check.differences.length > 0);
  process.stdout.write(failed.length === 0 ? 'All agree.\n' : `${failed.length} do not agree.\n`);
  return failed.length === 0 ? 0 : 1;
}

/** One version, from an empty server to the last check. */
async function compare(version: string): Promise<readonly Check[]> {
  const directory = values.keep ?? mkdtempSync(join(tmpdir(), 'gatepost-sonarqube-'));
  mkdirSync(directory, { recursive: true });
  const say = (text: string): void => void process.stderr.write(`${version}: ${text}\n`);
  say('getting and starting the server');
  const server = await startRealServer({ version, directory });
  const theirs = await startRecorder();
  const ours = await startRecorder();
  const gatepost = await startGatepost({ server, project: product.project, directory: mkdtempSync(join(directory, 'gatepost-')) });
  try {
    await gatepost.connect({ recorder: theirs.url, receiver: ours.url });
    const root = writeProject(mkdtempSync(join(directory, 'product-')));
    say('first analysis');
    await scan(server, { ...product, version: '1.0', root, properties: { 'sonar.analysis.note': `<a href='x'>&=" ✓` } });
    changeProject(root);
    say('second analysis');
    await scan(server, { ...product, version: '1.1', root });
    await gatepost.settled(['1.0', '1.1']);
    const checks = [await findingsCheck({ server, gatepost, project: product.project, version: '1.1' })];
    say('issues are accepted until the gate changes');
    const edits = await flipGate(server, product.project);
    checks.push(await payloadCheck({ theirs, ours, least: 2 + (edits > 0 ? 1 : 0) }));
    say('an analysis while Gatepost is down');
    await gatepost.stop();
    await scan(server, { ...product, version: '1.2', root });
    await gatepost.start();
    checks.push(await missedCheck({ gatepost, version: '1.2' }));
    say('call by call');
    checks.push(...(await apiCheck({ server, gatepost, project: product.project })));
    return checks;
  } catch (error) {
    process.stderr.write(`${logTail(server)}\n`);
    throw error;
  } finally {
    await gatepost.stop();
    await Promise.all([theirs.close(), ours.close()]);
    await server.stop();
    if (values.keep === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

function told(outcomes: readonly { readonly version: string; readonly checks: readonly Check[] }[]): string {
  const lines: string[] = [`Run on ${new Date().toISOString().slice(0, 10)}, Node ${process.version}.`, ''];
  for (const { version, checks } of outcomes) {
    const held = checks.filter((check) => check.differences.length === 0).length;
    lines.push(`### SonarQube ${version}: ${held} of ${checks.length} agree`, '', '| what | outcome |', '| --- | --- |');
    for (const { name, found, differences, why } of checks) {
      const outcome =
        differences.length === 0 ? (why === undefined ? found : `${found}; ${why}`) : `**differs**: ${differences.join('; ')}`;
      lines.push(`| ${cell(name)} | ${cell(outcome)} |`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}

function writePage(text: string): void {
  const before = readFileSync(page, 'utf8');
  const [begin, end] = [before.indexOf(marks.begin), before.indexOf(marks.end)];
  if (begin < 0 || end < begin) throw new Error(`docs/compatibility.md has no place for it between ${marks.begin} and ${marks.end}.`);
  writeFileSync(page, `${before.slice(0, begin + marks.begin.length)}\n\n${text}\n${before.slice(end)}`);
}
