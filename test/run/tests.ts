// `npm test`: brings what the tests need (PostgreSQL, Chromium), runs all of them on both databases, takes it away again.
// `npm test -- FILE …` runs those files alone; `npm run test:faults` the faults with many rounds.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findChromium } from './chromium.ts';
import { startPostgres } from './postgres.ts';

const faultRounds = '50';
const testMsMax = 3 * 60 * 1000;
/** A file of tests that leaves something open does not end by itself: the run is then ended, and the runner names the file. */
const runMinutesMax = 30;
const faultsMinutesMax = 180;

const { values, positionals } = parseArgs({ options: { faults: { type: 'boolean', default: false } }, allowPositionals: true });

process.exitCode = await main();

async function main(): Promise<number> {
  const files = positionals.length > 0 ? positionals : all(values.faults);
  if (files.length === 0) return complain('There is no such test.');
  let postgres: Awaited<ReturnType<typeof startPostgres>> | undefined;
  try {
    const chromium = findChromium();
    postgres = await startPostgres();
    const environment = {
      TEST_POSTGRES_URL: postgres.url,
      TEST_CHROMIUM: chromium,
      ...(values.faults ? { FAULT_ROUNDS: faultRounds } : {}),
    };
    return await runTests(files, environment, values.faults ? faultsMinutesMax : runMinutesMax);
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error));
  } finally {
    postgres?.stop();
  }
}

function all(faults: boolean): string[] {
  return globSync(faults ? 'test/faults/**/*.test.ts' : ['src/**/*.test.ts', 'test/**/*.test.ts']).toSorted();
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
