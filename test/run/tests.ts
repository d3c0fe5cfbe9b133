// `npm test`: brings what the tests need (PostgreSQL, Chromium, Python with clients of SonarQube, a receiver of webhooks), runs all of
// them on both databases, takes it away again.
// `npm test -- FILE …` runs those files alone; `npm run test:faults` the faults with many rounds, `npm run test:faults -- --kills 500 FILE …`
// with so many (test/faults/rounds.ts says what there is), and prints at the end what came of them.
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ParseArgsOptionsConfig } from 'node:util';
import { parseArgs } from 'node:util';
import { countTables } from '../faults/counts.ts';
import { longRounds, rounds } from '../faults/rounds.ts';
import { findChromium } from './chromium.ts';
import { bringCompiler } from './compiler.ts';
import { bringCurl } from './curl.ts';
import { bringGit } from './git.ts';
import { startPostgres } from './postgres.ts';
import { findPython } from './python.ts';
import { findWebhookProgram } from './webhook-program.ts';

const testMsMax = 3 * 60 * 1000;
/** A file of tests that leaves something open does not end by itself: the run is then ended, and the runner names the file. */
const runMinutesMax = 30;
const faultsMinutesMax = 600;

const ofRounds: ParseArgsOptionsConfig = Object.fromEntries(Object.values(rounds).map(({ option }) => [option, { type: 'string' }]));
const { values, positionals } = parseArgs({ options: { ...ofRounds, faults: { type: 'boolean' } }, allowPositionals: true });
const faults = values['faults'] === true;

process.exitCode = await main();

async function main(): Promise<number> {
  const files = positionals.length > 0 ? positionals : all();
  if (files.length === 0) return complain('There is no such test.');
  let postgres: Awaited<ReturnType<typeof startPostgres>> | undefined;
  try {
    const chromium = findChromium();
    bringCompiler();
    bringCurl();
    bringGit();
    const python = faults ? '' : findPython();
    const webhookProgram = faults ? '' : findWebhookProgram();
    postgres = await startPostgres();
    const environment = {
      TEST_POSTGRES_URL: postgres.url,
      TEST_CHROMIUM: chromium,
      TEST_PYTHON: python,
      TEST_WEBHOOK_PROGRAM: webhookProgram,
    };
    if (!faults) return await runTests(files, environment, runMinutesMax);
    return await runFaults(files, environment);
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error));
  } finally {
    postgres?.stop();
  }
}

function all(): string[] {
  return globSync(faults ? 'test/faults/**/*.test.ts' : ['src/**/*.test.ts', 'test/**/*.test.ts']).toSorted();
}

async function runFaults(files: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-faults-'));
  const counts = join(directory, 'counts');
  writeFileSync(counts, '');
  try {
    const code = await runTests(files, { ...environment, ...longRounds(values), FAULT_COUNTS: counts }, faultsMinutesMax);
    process.stdout.write(`\n${countTables(counts)}`);
    return code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function complain(message: string): number {
  process.stderr.write(`npm test: ${message}\n`);
  return 1;
}

function runTests(files: readonly string[], environment: Readonly<Record<string, string>>, minutesMax: number): Promise<number> {
  const options = ['--test', '--test-concurrency=2', `--test-timeout=${testMsMax}`];
  const child = spawn(process.execPath, [...options, ...files], { stdio: 'inherit', env: { ...process.env, ...environment } });
  // A signal to us ends the runner, and then the databases below it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGTERM'));
  const enough = setTimeout(() => {
    complain(`not done after ${minutesMax} minutes, so it is ended here.`);
    child.kill('SIGTERM');
  }, minutesMax * 60_000);
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  }).finally(() => clearTimeout(enough));
}
