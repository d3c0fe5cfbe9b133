// Child of server.ts: the real app, built as `gatepost serve` builds it, one test route beside its own, and answers about itself.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { App } from '../../src/app.ts';
import { buildApp } from '../../src/app.ts';
import { readConfiguration } from '../../src/configuration.ts';
import type { ReportFacts } from '../../src/events/event.ts';
import { taggedFacts } from './facts.ts';
import { answerQuestions, steadyNow } from './process.ts';
import type { RecordOne } from './record.ts';
import { recorderOf } from './record.ts';

export interface DeliveryServerReady {
  readonly pid: number;
  readonly url: string;
}

export interface Target {
  readonly organization: string;
  readonly project: string | null;
}

export interface LoadOptions {
  /** Taken in turn. */
  readonly targets: readonly Target[];
  readonly count: number;
  /** So many record at once, each one after the other. Or `perSecond`, whatever the server makes of it. */
  readonly writers?: number;
  readonly perSecond?: number;
  /** The number that the first event carries; the next ones follow. */
  readonly firstTag?: number;
}

export interface Loaded {
  readonly began: number;
  readonly ended: number;
  /** By `steadyNow`, in the order of the tags: when each was asked for, and when it was recorded durably (NaN: it failed). */
  readonly called: Float64Array;
  readonly accepted: Float64Array;
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

async function load(record: RecordOne, options: LoadOptions): Promise<Loaded> {
  const { targets, count, writers = 1, perSecond, firstTag = 0 } = options;
  const called = new Float64Array(count).fill(Number.NaN);
  const accepted = new Float64Array(count).fill(Number.NaN);
  const one = async (number: number): Promise<void> => {
    const { organization, project } = targets[number % targets.length] ?? { organization: '', project: null };
    called[number] = steadyNow();
    try {
      await record({ organization, kind: 'report.ingested', project, facts: taggedFacts(organization, firstTag + number) });
      accepted[number] = steadyNow();
    } catch (error) {
      process.stderr.write(`${String(error)}\n`);
    }
  };
  const began = steadyNow();
  if (perSecond === undefined) {
    let next = 0;
    const writer = async (): Promise<void> => {
      while (next < count) await one(next++);
    };
    await Promise.all(Array.from({ length: writers }, writer));
  } else {
    await inTime(count, perSecond, one);
  }
  return { began, ended: steadyNow(), called, accepted };
}

/** Begins each when its time has come, whether or not the ones before are done. */
async function inTime(count: number, perSecond: number, one: (number: number) => Promise<void>): Promise<void> {
  const began = performance.now();
  const all: Promise<void>[] = [];
  while (all.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * perSecond) + 1);
    while (all.length < due) all.push(one(all.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(all);
}

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

function addRoute(app: App, record: RecordOne): void {
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

async function main(held: boolean): Promise<void> {
  const configuration = readConfiguration(process.env);
  const app = await buildApp(configuration);
  const record = recorderOf(app, configuration);
  addRoute(app, record);
  const stop = (): void => {
    void app.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  let delay: Histogram | null = null;
  const url = held ? '' : await app.start();
  answerQuestions({ pid: process.pid, url } satisfies DeliveryServerReady, {
    start: () => app.start(),
    load: (options: LoadOptions) => load(record, options),
    usage,
    delayBegins: () => {
      delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
      delay.enable();
    },
    delayEnds: () => {
      delay?.disable();
      return delay === null ? null : delayOf(delay);
    },
  });
}

await main(process.argv[2] === 'held');
