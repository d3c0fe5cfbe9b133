import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import fastify from 'fastify';
import type { StandardJob } from '../../src/reports/make/job.ts';
import { makeReports } from '../../src/reports/make/make.ts';

// Stands where the server stands: answers HTTP requests while it has reports made, and watches its own loop. `bench/report.ts` starts it.

const idleMs = 2_000;
const requestEveryMs = 10;

export interface CallerAnswer {
  readonly seconds: number;
  readonly loopIdleMs: number;
  readonly loopMs: number;
  readonly loopMaxMs: number;
  readonly requests: number;
  readonly requestMs: number;
  readonly reports: readonly { readonly type: string; readonly count: number; readonly files: Readonly<Record<string, number>> }[];
}

const [sarif = '', only = 'all'] = process.argv.slice(2);
const types: readonly StandardJob['type'][] = only === 'one' ? ['CWE Top 25'] : ['CWE Top 25', 'OWASP Top 10'];
const server = fastify();
server.get('/', () => ({ status: 'ok' }));
const address = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
const directory = mkdtempSync(join(tmpdir(), 'gatepost-bench-'));
try {
  process.send?.(await measure());
} finally {
  rmSync(directory, { recursive: true, force: true });
  await server.close();
  process.disconnect();
}

async function measure(): Promise<CallerAnswer> {
  const known = join(directory, 'known.ndjson');
  writeFileSync(known, '');
  const idle = await watched(() => sleep(idleMs));
  const busy = await watched(() => makeReports(job(known)));
  return {
    seconds: busy.seconds,
    loopIdleMs: idle.loopMs,
    loopMs: busy.loopMs,
    loopMaxMs: busy.loopMaxMs,
    requests: busy.requests,
    requestMs: busy.requestMs,
    reports: busy.result.reports.map((report) => ({
      type: report.type,
      count: report.vulnerabilitiesCount,
      files: Object.fromEntries(report.artifacts.map((artifact) => [artifact.name, statSync(artifact.path).size])),
    })),
  };
}

function job(known: string): Parameters<typeof makeReports>[0] {
  return {
    directory,
    sarif,
    known,
    late: false,
    analysis: {
      id: 'bench',
      version: '1.0.0',
      branch: 'main',
      revision: null,
      dateText: '2026-01-01T00:00:00+00:00',
      contentDate: null,
      properties: {},
    },
    organizationName: 'Bench',
    project: { key: 'bench', name: 'Bench product' },
    language: 'en',
    madeAt: '2026-01-01T00:00:00+00:00',
    standards: types.map((type) => ({ type, edition: 2025, reportId: type, trend: [], previousCategories: null, unchangedContent: null })),
  };
}

/** Runs something while requests come in, and says what that did to the loop: delays as p99.9 of a timer of 1 ms. */
async function watched<T>(run: () => Promise<T>) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const took: number[] = [];
  const timer = setInterval(() => void ask().then((ms) => took.push(ms)), requestEveryMs);
  await sleep(100);
  delay.enable();
  const started = performance.now();
  const result = await run();
  const seconds = (performance.now() - started) / 1_000;
  delay.disable();
  clearInterval(timer);
  await sleep(50);
  const worst = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.999)] ?? 0;
  return { result, seconds, loopMs: delay.percentile(99.9) / 1e6, loopMaxMs: delay.max / 1e6, requests: took.length, requestMs: worst };
}

function ask(): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    request(address, (response) => response.resume().once('end', () => resolve(performance.now() - started)))
      .once('error', reject)
      .end();
  });
}
