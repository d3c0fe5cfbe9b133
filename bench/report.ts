// 10,000 findings to HTML + PDF + JSON + SARIF: wall time, memory over all processes, pauses of the caller's loop, beside Typst alone on the
// same rows. `node bench/report.ts [--findings N] [--pairs N]`
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { findingsOfVolumeMax, findingsShownMax } from '../src/reports/report.ts';
import type { CallerAnswer } from './report/caller.ts';
import { writeSarif } from './report/generate.ts';

const sampleEveryMs = 100;
/** Of /proc's times, in a second (Linux: always). */
const clockTicks = 100;
const { values } = parseArgs({ options: { findings: { type: 'string', default: '10000' }, pairs: { type: 'string', default: '5' } } });
const findings = Number(values.findings);
const pairs = Number(values.pairs);
const directory = mkdtempSync(join(tmpdir(), 'gatepost-bench-report-'));

interface Figures {
  readonly seconds: number;
  /** Of all processes: tells what is asked of the machine, also where others keep it busy. */
  readonly cpuSeconds: number;
  readonly megabytes: number;
  readonly answer?: CallerAnswer;
}

try {
  const sarif = join(directory, 'bench.sarif');
  await writeSarif(sarif, findings);
  const volumes = await writeVolumes(sarif);
  const one: Figures[] = [];
  const both: Figures[] = [];
  const bare: Figures[] = [];
  // Interleaved, since a shared machine is quicker at one time than at another.
  for (let pair = 0; pair < pairs; pair += 1) {
    bare.push(await bareRun(volumes));
    one.push(await callerRun([sarif, 'one']));
    both.push(await callerRun([sarif, 'all']));
  }
  print({ one, both, bare });
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The same rows for Typst alone, a file for each volume. */
async function writeVolumes(sarif: string): Promise<readonly string[]> {
  const rows: string[][] = [];
  for await (const line of createInterface({ input: createReadStream(sarif) })) {
    if (!line.startsWith('{"ruleId"')) continue;
    const { ruleId, message, locations } = JSON.parse(line.replace(/,$/, '')) as {
      ruleId: string;
      message: { text: string };
      locations: { physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } } }[];
    };
    const place = locations[0]?.physicalLocation;
    rows.push(['CRITICAL', ruleId, `${place?.artifactLocation.uri}:${place?.region.startLine}`, message.text]);
  }
  const shown = rows.slice(0, findingsShownMax);
  return Array.from({ length: Math.ceil(shown.length / findingsOfVolumeMax) }, (_, index) => {
    const path = join(directory, `volume-${index}.json`);
    writeFileSync(path, JSON.stringify(shown.slice(index * findingsOfVolumeMax, (index + 1) * findingsOfVolumeMax)));
    return path;
  });
}

async function bareRun(volumes: readonly string[]): Promise<Figures> {
  const started = performance.now();
  const cpuBefore = endedCpuSeconds();
  let megabytes = 0;
  for (const volume of volumes) {
    const child = fork(new URL('report/bare.ts', import.meta.url), [volume, join(directory, 'bare.pdf')], { execArgv: [] });
    megabytes = Math.max(megabytes, (await ended(child)).megabytes);
  }
  return { seconds: (performance.now() - started) / 1_000, cpuSeconds: endedCpuSeconds() - cpuBefore, megabytes };
}

async function callerRun(args: readonly string[]): Promise<Figures> {
  const child = fork(new URL('report/caller.ts', import.meta.url), args, { execArgv: [] });
  const cpuBefore = endedCpuSeconds();
  const { answer, megabytes } = await ended(child);
  if (answer === undefined) throw new Error('The caller ended without an answer');
  return { seconds: answer.seconds, cpuSeconds: endedCpuSeconds() - cpuBefore, megabytes, answer };
}

/** Waits for a process, sampling the memory of it and all below it meanwhile. */
async function ended(child: ChildProcess): Promise<{ readonly megabytes: number; readonly answer?: CallerAnswer }> {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, treeBytes(child.pid ?? 0));
  }, sampleEveryMs);
  let answer: CallerAnswer | undefined;
  child.on('message', (message) => {
    answer = message as CallerAnswer;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`A process of the bench ended with ${String(code)}`);
  return { megabytes: peak / 2 ** 20, ...(answer === undefined ? {} : { answer }) };
}

/** Processor time of all processes that have ended below this one. */
function endedCpuSeconds(): number {
  const fields = read('/proc/self/stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / clockTicks;
}

/** Proportional set size of a process and all its descendants: what they share is counted once. */
function treeBytes(root: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(read(`/proc/${name}/stat`))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const within = (pid: number): boolean => pid === root || (pid > 1 && within(parents.get(pid) ?? 0));
  return [...parents.keys()]
    .filter(within)
    .reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024, 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function print(runs: { readonly one: readonly Figures[]; readonly both: readonly Figures[]; readonly bare: readonly Figures[] }): void {
  process.stdout.write(`${findings.toLocaleString('en')} findings, median of ${pairs} interleaved runs\n`);
  const bare = median(runs.bare.map((run) => run.seconds));
  const line = (name: string, list: readonly Figures[]): void => {
    const seconds = median(list.map((run) => run.seconds));
    const memory = Math.max(...list.map((run) => run.megabytes));
    process.stdout.write(
      `${name.padEnd(34)} ${seconds.toFixed(1).padStart(6)} s  ${(seconds / bare).toFixed(2).padStart(5)}x bare  cpu ${median(
        list.map((run) => run.cpuSeconds),
      )
        .toFixed(1)
        .padStart(5)} s  peak ${memory.toFixed(0)} MB\n`,
    );
  };
  line('bare: Typst alone, same rows', runs.bare);
  line('one standard', runs.one);
  line('both default standards', runs.both);
  const answers = [...runs.one, ...runs.both].flatMap((run) => (run.answer === undefined ? [] : [run.answer]));
  const of = (pick: (answer: CallerAnswer) => number): string => median(answers.map(pick)).toFixed(1);
  process.stdout.write(
    `loop of the caller, p99.9: ${of((each) => each.loopMs)} ms (idle ${of((each) => each.loopIdleMs)} ms), worst ${Math.max(...answers.map((each) => each.loopMaxMs)).toFixed(1)} ms\n` +
      `its HTTP requests meanwhile, p99.9: ${of((each) => each.requestMs)} ms\n`,
  );
  for (const report of answers.at(-1)?.reports ?? []) {
    const files = Object.entries(report.files).map(([name, bytes]) => `${name} ${(bytes / 1e6).toFixed(1)}`);
    process.stdout.write(`${report.type}: ${report.count.toLocaleString('en')} findings; MB: ${files.join(', ')}\n`);
  }
}
