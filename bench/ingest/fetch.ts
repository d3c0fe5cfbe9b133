import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { clientLimits, createSonarqubeClient } from '../../src/analyses/sonarqube/client/client.ts';
import { fetchAnalysis } from '../../src/analyses/sonarqube/fetch/fetch.ts';
import { readSonarqube } from '../../src/analyses/sonarqube/read.ts';
import { systemClock } from '../../src/clock.ts';
import { cwesOfStandards } from '../../src/reports/standards/standard.ts';
import { keepHeapSmall } from '../../src/heap.ts';
import type { Context, Figure } from '../delivery/context.ts';

// Fetching from a server of 100,000 issues: the stand-in of test/sonarqube in a process of its own, the fetch in another, whose memory is what counts.
// `node bench/ingest/fetch.ts [--issues N]` runs this row alone.

const megabytesMax = 300;
const ratioMax = 1.2;
/**
 * What a first fetch asks of the active rules at the least: which profiles there are, and of each language's (two) the facets. The stand-in's rules
 * have so many CWEs that a facet is not full of them; what is kept of it makes it 1 from the second fetch on.
 */
const coverageRequests = 3;
/** What every fetch asks once: of the server 4, its analysis 2, hotspots, measures 1, gate 2, new code, analysis and total again 2. */
const onceRequests = 13;
const stubRules = 40;

interface Run {
  readonly requests: number;
  readonly findings: number;
  readonly complete: boolean;
  readonly seconds: number;
  readonly readSeconds: number;
  readonly peakBytes: number;
}

export async function fetchRow(context: Context): Promise<readonly Figure[]> {
  return fetchFigures(context.size.messages < 10_000 ? 20_000 : 100_000);
}

export async function fetchFigures(issues: number): Promise<readonly Figure[]> {
  const run = await measured(issues);
  const least = Math.ceil(issues / 500) + stubRules + onceRequests + coverageRequests;
  const ratio = run.requests / least;
  const peak = run.peakBytes / 2 ** 20;
  return [
    {
      what: `fetch of ${issues} issues`,
      found: `${run.findings} findings, ${run.complete ? 'complete' : 'NOT complete'}, in ${run.seconds.toFixed(1)} s, read in ${run.readSeconds.toFixed(1)} s`,
      must: 'exactly all',
      held: run.complete && run.findings === issues,
    },
    {
      what: 'memory of the fetching process',
      found: `${peak.toFixed(0)} MB`,
      must: `at most ${megabytesMax} MB`,
      held: peak <= megabytesMax,
    },
    {
      what: 'requests',
      found: `${run.requests}, ${ratio.toFixed(2)}x the least possible (${least})`,
      must: `at most ${ratioMax}x`,
      held: ratio <= ratioMax,
    },
  ];
}

async function measured(issues: number): Promise<Run> {
  const stub = spawn(process.execPath, [join(import.meta.dirname, '../../test/sonarqube/stub-process.ts'), '--issues', String(issues)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(createInterface({ input: stub.stdout }), 'line')) as [string];
    const child = spawnSync(process.execPath, [import.meta.filename, '--child', line], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.status !== 0) throw new Error(`The fetch ended with ${child.status ?? child.signal}.`);
    return JSON.parse(child.stdout) as Run;
  } finally {
    stub.kill();
  }
}

async function fetchOnce(server: { readonly url: string; readonly token: string }): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-bench-fetch-'));
  // The budget a minute would be what is measured.
  const client = createSonarqubeClient({ ...server, clock: systemClock, limits: { ...clientLimits, perMinuteMax: 1_000_000 } });
  const began = performance.now();
  const fetched = await fetchAnalysis({
    client,
    project: 'shop:api',
    branch: null,
    task: null,
    analysis: null,
    analysedAt: null,
    revision: null,
    properties: {},
    versionFrom: 'revision',
    cwes: cwesOfStandards,
    directory,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  const ended = performance.now();
  let findings = 0;
  await readSonarqube({
    open: () => createReadStream(fetched.file),
    onFinding: () => {
      findings += 1;
    },
  });
  const read = performance.now();
  await client.close();
  rmSync(directory, { recursive: true, force: true });
  return {
    requests: client.requests,
    findings,
    complete: fetched.complete && fetched.findings === findings,
    seconds: (ended - began) / 1000,
    readSeconds: (read - ended) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

if (process.argv[1] === import.meta.filename) {
  const [option, value] = process.argv.slice(2);
  if (option === '--child') {
    // As the server does that fetches.
    keepHeapSmall();
    process.stdout.write(JSON.stringify(await fetchOnce(JSON.parse(value ?? '') as { url: string; token: string })));
  } else {
    const figures = await fetchFigures(option === '--issues' ? Number(value) : 100_000);
    for (const { what, found, must, held } of figures) {
      process.stdout.write(`${what}: ${found}; must show ${must ?? ''}: ${held === true ? 'held' : 'NOT held'}\n`);
    }
  }
}
