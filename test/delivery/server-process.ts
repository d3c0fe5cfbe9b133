// Child of server.ts: the real app, built as `gatepost serve` builds it, one test route beside its own, and answers about itself.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { App, Overrides } from '../../src/app.ts';
import { buildApp } from '../../src/app.ts';
import { readConfiguration } from '../../src/configuration.ts';
import type { ReportFacts } from '../../src/events/event.ts';
import type { RecordAlone } from '../../src/events/record.ts';
import type { LoadOptions } from './load.ts';
import { load } from './load.ts';
import { answerQuestions } from './process.ts';
import type { Profiler } from './profiler.ts';
import { createProfiler } from './profiler.ts';

export interface DeliveryServerReady {
  readonly pid: number;
  readonly url: string;
}

export interface Usage {
  /** Of all threads. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** What it shares with other processes is counted by its part. */
  readonly pssBytes: number;
  readonly heapBytes: number;
}

/** Milliseconds. */
export interface Delay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

type Histogram = ReturnType<typeof monitorEventLoopDelay>;

const delayResolutionMs = 1;
const kilobyte = 1024;

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const pss = /^Pss:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1];
  return { cpuMs: (user + system) / 1000, rssBytes: rss, pssBytes: Number(pss) * kilobyte, heapBytes: heapUsed };
}

/** What a timer's own grain adds is taken off. */
function delayOf(histogram: Histogram): Delay {
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - delayResolutionMs);
  return { p50: ms(histogram.percentile(50)), p99: ms(histogram.percentile(99)), max: ms(histogram.max) };
}

function addRoute(app: App, record: RecordAlone): void {
  app.server.post('/test/events', { config: { scope: null }, schema: { hide: true } }, async (request, reply) => {
    const facts = request.body as ReportFacts;
    const project = request.headers['x-project'];
    const event = {
      organization: facts.organizationId,
      kind: 'report.ingested' as const,
      project: typeof project === 'string' ? project : null,
      facts,
    };
    return reply.code(202).send({ id: await record(event) });
  });
}

/** What no setting may change, since no operator should: how long leases last. */
function overridesOf({ DELIVERY_LEASE_MS: leaseMs }: NodeJS.ProcessEnv): Overrides {
  return leaseMs === undefined ? {} : { leaseMs: Number(leaseMs) };
}

async function main(held: boolean): Promise<void> {
  const configuration = readConfiguration(process.env);
  const app = await buildApp(configuration, overridesOf(process.env));
  const { record } = app;
  addRoute(app, record);
  const stop = (): void => {
    void app.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  let delay: Histogram | null = null;
  let profiler: Profiler | null = null;
  const url = held ? '' : await app.start();
  answerQuestions({ pid: process.pid, url } satisfies DeliveryServerReady, {
    start: () => app.start(),
    load: (options: LoadOptions) => load(record, options),
    usage,
    delayBegins: () => {
      delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
      delay.enable();
    },
    profileBegins: async () => {
      profiler ??= await createProfiler();
      await profiler.begin();
    },
    profileEnds: () => profiler?.end() ?? [],
    delayEnds: () => {
      delay?.disable();
      return delay === null ? null : delayOf(delay);
    },
  });
}

await main(process.argv[2] === 'held');
