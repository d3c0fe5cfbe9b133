// `npm run bench -- sarif [--mb 500] [--pairs 3]`: how fast a large SARIF log is read, and in how much memory. The bare limit beside it is
// JSON.parse of the same bytes, cut into pieces that fit (the log has one result a line), in a process of its own, turn and turn about.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSarif } from '../src/analyses/sarif/read.ts';

interface Run {
  readonly seconds: number;
  /** Of all its threads: the fairer figure on a machine that does other things too. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly results: number;
}

const megabyte = 1024 * 1024;
const memoryMegabytesMax = 300;
const rules = 400;
const files = 20_000;
const words = ['buffer', 'request', 'query', 'session', 'upload', 'header', 'token', 'path', 'length', 'handle', 'stream', 'record'];

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '500' },
    pairs: { type: 'string', default: '3' },
    child: { type: 'string' },
    file: { type: 'string' },
  },
});

if (values.child !== undefined && values.file !== undefined) process.stdout.write(JSON.stringify(await measure(values.child, values.file)));
else await main(Number(values.mb), Number(values.pairs));

async function main(megabytes: number, pairs: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-bench-'));
  try {
    const file = join(directory, 'large.sarif');
    await generate(file, megabytes * megabyte);
    const size = statSync(file).size;
    const reads: Run[] = [];
    const parses: Run[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      reads.push(inChild('read', file));
      parses.push(inChild('parse', file));
    }
    print(size, reads, parses);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function print(size: number, reads: readonly Run[], parses: readonly Run[]): void {
  const speed = (runs: readonly Run[]) => {
    const perSecond = (seconds: readonly number[]) => `${(size / megabyte / median(seconds)).toFixed(0)} MB/s`;
    return `${perSecond(runs.map((run) => run.seconds))}, ${perSecond(runs.map((run) => run.cpuSeconds))} of processor time`;
  };
  const peak = Math.max(...reads.map((run) => run.peakBytes)) / megabyte;
  const ratio = (of: 'seconds' | 'cpuSeconds') =>
    median(reads.map((run, index) => (parses[index]?.[of] ?? Number.NaN) / run[of])).toFixed(2);
  process.stdout.write(
    [
      `log             ${(size / megabyte).toFixed(0)} MB, ${reads[0]?.results} results; median of ${reads.length} interleaved pairs`,
      `readSarif       ${speed(reads)}`,
      `JSON.parse      ${speed(parses)} (the same bytes in pieces, nothing done with them)`,
      `ratio           ${ratio('seconds')}, ${ratio('cpuSeconds')} of processor time`,
      `peak memory     ${peak.toFixed(0)} MB of the whole process (at most ${memoryMegabytesMax} MB: ${peak <= memoryMegabytesMax ? 'held' : 'NOT held'}); JSON.parse ${(Math.max(...parses.map((run) => run.peakBytes)) / megabyte).toFixed(0)} MB`,
      '',
    ].join('\n'),
  );
  if (peak > memoryMegabytesMax) process.exitCode = 1;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

function inChild(kind: string, file: string): Run {
  const child = spawnSync(process.execPath, [import.meta.filename, '--child', kind, '--file', file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`${kind} ended with ${child.status ?? child.signal}`);
  return JSON.parse(child.stdout) as Run;
}

async function measure(kind: string, file: string): Promise<Run> {
  const start = performance.now();
  const results = kind === 'read' ? await readWhole(file) : await parseInPieces(file);
  const { user, system } = process.cpuUsage();
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6, peakBytes: peakBytes(), results };
}

async function readWhole(file: string): Promise<number> {
  let findings = 0;
  await readSarif({
    open: () => createReadStream(file, { highWaterMark: 256 * 1024 }),
    onFinding: () => {
      findings += 1;
    },
  });
  return findings;
}

/** Each line of the log that is a result, and nothing done with it. */
async function parseInPieces(file: string): Promise<number> {
  let pieces = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      const comma = bytes[end - 1] === 0x2c ? 1 : 0;
      if (bytes[from] === 0x7b && bytes[end - 1 - comma] === 0x7d) {
        JSON.parse(bytes.toString('utf8', from, end - comma));
        pieces += 1;
      }
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
  return pieces;
}

/** What the process ever held, with all that belongs to it. */
function peakBytes(): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

/** A log as a large C and JavaScript code base gives it, with the rules behind the results: the harder order. */
async function generate(file: string, bytesAtLeast: number): Promise<void> {
  const out = createWriteStream(file);
  const random = randomOf(1);
  const write = async (text: string) => {
    if (!out.write(text)) await once(out, 'drain');
  };
  await write('{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"results":[\n');
  for (let index = 0; out.bytesWritten + out.writableLength < bytesAtLeast; index += 500) {
    const batch = Array.from({ length: 500 }, (_, offset) => JSON.stringify(resultOf(random, index + offset)));
    await write(`${index === 0 ? '' : ',\n'}${batch.join(',\n')}`);
  }
  await write(
    `\n],"artifacts":${JSON.stringify(Array.from({ length: files }, (_, index) => ({ location: { uri: pathOf(index) }, length: index })))},`,
  );
  await write(
    `"tool":{"driver":{"name":"Bench","version":"1.0.0","rules":${JSON.stringify(Array.from({ length: rules }, (_, index) => ruleOf(index)))}}}}]}\n`,
  );
  out.end();
  await once(out, 'close');
}

function ruleOf(index: number): object {
  return {
    id: `bench/rule-${index}`,
    name: `Rule ${index}`,
    shortDescription: { text: `What rule ${index} looks for.` },
    fullDescription: { text: `What rule ${index} looks for, in full. `.repeat(8) },
    help: { text: 'How to mend it. '.repeat(60) },
    defaultConfiguration: { level: (['error', 'warning', 'note'] as const)[index % 3] },
    properties: {
      tags: ['security', `external/cwe/cwe-${String(20 + index).padStart(3, '0')}`],
      'security-severity': String((index % 100) / 10),
    },
  };
}

function resultOf(random: () => number, index: number): object {
  const rule = Math.floor(random() * rules);
  // Scanners go file by file.
  const file = Math.floor(index / 25) % files;
  const line = 1 + Math.floor(random() * 2_000);
  const step = (text: string, at: number) => ({
    location: {
      physicalLocation: {
        artifactLocation: { uri: pathOf(file), uriBaseId: '%SRCROOT%', index: file },
        region: { startLine: at, startColumn: 5 },
      },
      message: { text },
    },
  });
  return {
    ruleId: `bench/rule-${rule}`,
    ruleIndex: rule,
    level: 'warning',
    message: { text: `A value that came from "${wordOf(random)}" reaches ${wordOf(random)}() unchecked; see [here](1).\nResult ${index}.` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: pathOf(file), uriBaseId: '%SRCROOT%', index: file },
          region: {
            startLine: line,
            startColumn: 5,
            endColumn: 40,
            snippet: { text: `    ${wordOf(random)} = ${wordOf(random)}(${wordOf(random)}); // é ${index}` },
          },
        },
      },
    ],
    ...(index % 2 === 0
      ? { partialFingerprints: { 'primaryLocationLineHash/v1': `${Math.floor(random() * 2 ** 48).toString(16)}:1` } }
      : {}),
    ...(index % 3 === 0
      ? {
          codeFlows: [
            { threadFlows: [{ locations: [step('Begins here.', line - 1), step('Goes on.', line), step('Ends here.', line + 1)] }] },
          ],
        }
      : {}),
    ...(index % 20 === 0 ? { suppressions: [{ kind: 'inSource', justification: 'known' }] } : {}),
  };
}

function pathOf(index: number): string {
  return `src/module-${index % 97}/part-${index % 31}/file-${index}.c`;
}

function wordOf(random: () => number): string {
  return `${words[Math.floor(random() * words.length)] ?? ''}_${Math.floor(random() * 1_000)}`;
}

/** The same numbers in every run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
