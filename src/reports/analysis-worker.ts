import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { claimAnalysis } from '../analyses/claim.ts';
import type { AnalysisFailure, Claim } from '../analyses/store.ts';
import { crashesMax, extendLease, leaseMs, settleAgain, settleFailed } from '../analyses/store.ts';
import { holdProject } from '../projects/store.ts';
import type { Worker } from '../worker.ts';
import { createWorker } from '../worker.ts';
import type { AnalyzeDeps } from './analyze.ts';
import { analyze } from './analyze.ts';
import { recordCompleted } from './completed.ts';
import type { AnalysisMetrics } from './metrics.ts';
import { judge } from './verdict.ts';

export interface AnalysisWorkerLog {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface AnalysisWorkerDeps extends AnalyzeDeps {
  readonly log: AnalysisWorkerLog;
  readonly metrics: AnalysisMetrics;
  /** How many analyses at once; while all of them are large, a small one beside. */
  readonly concurrency: number;
  /** An event was recorded: its deliveries are in the database. */
  readonly recorded: () => void;
  /** After each analysis that came to reports: retention. */
  readonly afterwards: (scope: { readonly organization: string; readonly project: string }) => Promise<void>;
}

/** How often it is looked for analyses that nobody nudged about: those of other nodes that died, and those that are due again. */
export const pollMs = 2_000;

/** A file up to here is small: a few thousand findings, whose reports take seconds. */
export const smallBytesMax = 2 * 2 ** 20;
const isLarge = (claim: Claim): boolean => claim.analysis.body_bytes > smallBytesMax;

/**
 * The worker that makes the reports of what came in, the oldest first. Large ones take minutes, and a small one does not wait for them: while they
 * hold all places, one more place is open to a small one. None is passed over for ever, since a place that a large one leaves takes the oldest.
 */
export function createAnalysisWorker(deps: AnalysisWorkerDeps): Worker {
  const { database, clock, ids, log, concurrency } = deps;
  const placesMax = concurrency + 1;
  let large = 0;
  return createWorker<Claim>({
    name: 'analyses',
    concurrency: placesMax,
    idleMs: pollMs,
    clock,
    log,
    async claim(free) {
      const isFull = placesMax - free >= concurrency;
      if (isFull && large < concurrency) return [];
      const claim = await claimAnalysis({ database, clock, ids, ...(isFull ? { bytesMax: smallBytesMax } : {}) });
      if (claim === null) return [];
      if (isLarge(claim)) large += 1;
      return [claim];
    },
    async work(claim, signal) {
      try {
        await workOn(deps, claim, signal);
      } finally {
        if (isLarge(claim)) large -= 1;
      }
    },
  });
}

async function workOn(deps: AnalysisWorkerDeps, claim: Claim, stop: AbortSignal): Promise<void> {
  const { clock, log } = deps;
  const { analysis } = claim;
  const facts = { analysis: analysis.id, version: analysis.version, bytes: analysis.body_bytes };
  const began = clock.now();
  const lease = holdLease(deps, claim);
  try {
    const outcomes = await analyze(deps, claim, AbortSignal.any([stop, lease.lost]));
    lease.end();
    deps.recorded();
    const durationMs = clock.now() - began;
    deps.metrics.ended('done', durationMs);
    log.info({ ...facts, reports: outcomes, durationMs }, 'analysis.done');
    await deps.afterwards(analysis);
  } catch (error) {
    lease.end();
    await settle(deps, claim, { error, stopping: stop.aborted, facts, durationMs: clock.now() - began });
  }
}

interface Failure {
  readonly error: unknown;
  readonly stopping: boolean;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly durationMs: number;
}

async function settle(deps: AnalysisWorkerDeps, claim: Claim, { error, stopping, facts, durationMs }: Failure): Promise<void> {
  const { database, clock, log, metrics } = deps;
  const { crashes } = claim.analysis;
  const verdict = judge(error, { stopping, crashes, crashesMax });
  if (verdict.kind !== 'lost') metrics.ended(verdict.kind, durationMs);
  if (verdict.kind === 'lost') {
    log.warn(facts, 'analysis.lost');
  } else if (verdict.kind === 'failed') {
    await fail(deps, claim, verdict);
    log.warn({ ...facts, durationMs, code: verdict.code, reason: verdict.message, place: verdict.place }, 'analysis.failed');
  } else {
    const due = clock.now() + verdict.afterMs;
    await database.write((tx) => settleAgain({ tx, claim }, { due, crashes: crashes + (verdict.crash ? 1 : 0) }));
    log.error({ ...facts, durationMs, err: error, againInMs: verdict.afterMs, crash: verdict.crash }, 'analysis.again');
  }
}

/** It has failed and that is told, in one unit. Nothing where its project went meanwhile. */
async function fail(deps: AnalysisWorkerDeps, claim: Claim, failure: AnalysisFailure): Promise<void> {
  const { database, clock, ids, onRecorded, serverUrl } = deps;
  const { analysis } = claim;
  await database.write(async (tx) => {
    if (!(await holdProject({ tx, organization: analysis.organization, project: analysis.project }))) return;
    if (!(await settleFailed({ tx, claim }, failure, clock))) return;
    await recordCompleted({ tx, analysis, status: 'FAILED', gate: null, serverUrl: serverUrl(), ids, clock, onRecorded });
  });
  deps.recorded();
}

/** Shows a sign of life as long as the work goes on; `lost` is aborted once another has the analysis. */
function holdLease({ database, clock, log }: AnalysisWorkerDeps, claim: Claim): { readonly lost: AbortSignal; end(): void } {
  const abort = new AbortController();
  const beat = async (): Promise<void> => {
    try {
      if (!(await database.write((tx) => extendLease({ tx, claim }, clock)))) abort.abort();
    } catch (error) {
      // A database that does not answer now may do so at the next beat; if not, the lease ends and says so then.
      log.warn({ err: error, analysis: claim.analysis.id }, 'analysis.lease');
    }
  };
  const timer = setInterval(() => void beat(), leaseMs / 4);
  timer.unref();
  return { lost: abort.signal, end: () => clearInterval(timer) };
}

/** Removes what a process that died left of its work. Only where no other process works in the directory. */
export async function clearWorkDirectory(directory: string): Promise<void> {
  const entries = await readdir(directory).catch(() => []);
  for (const entry of entries) await rm(join(directory, entry), { recursive: true, force: true });
}
