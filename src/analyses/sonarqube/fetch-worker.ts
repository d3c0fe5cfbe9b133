import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { GatepostError } from '../../errors.ts';
import type { OnRecorded } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { ArtifactStore } from '../../storage/artifacts/store.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Worker } from '../../worker.ts';
import { createWorker } from '../../worker.ts';
import { bodyLevel } from '../intake.ts';
import { claimAnalysis, isSourceDue } from '../claim.ts';
import type { Claim } from '../store.ts';
import { extendLease, leaseMs, settleFailed, settleFetchAgain } from '../store.ts';
import type { SourceClients } from './clients.ts';
import { fetchJobOf } from './fetch-job.ts';
import { settleFetch } from './fetch-settle.ts';
import type { FetchVerdict } from './fetch-verdict.ts';
import { FetchLost, judgeFetch } from './fetch-verdict.ts';
import type { RuleCache } from './fetch/rules.ts';
import type { Fetched, FetchJob, TagOf } from './fetch/fetch.ts';
import type { SourceMetrics } from './source-metrics.ts';
import type { OpenSource } from './source.ts';
import { openSource } from './source-store.ts';
import type { SourceLog } from './states.ts';
import { faultOfSource, faultsForPeople, settleState } from './states.ts';
import type { SourceTurns } from './turns.ts';

export interface FetchWorkerDeps {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: SourceLog;
  readonly metrics: SourceMetrics;
  readonly clients: SourceClients;
  readonly turns: SourceTurns;
  /** Where fetches under way lie, a directory each; what a process that died had fetched is used by the next one. */
  readonly directory: string;
  /** Fetches at once, of all sources. */
  readonly concurrency: number;
  readonly firstWaitMs: number;
  /** How long an analysis is tried for since it came. */
  readonly forMs: number;
  /** What is fetched is never larger. */
  readonly bodyBytesMax: number;
  /** The base of links to this server. */
  readonly publicUrl: () => string;
  readonly onRecorded: OnRecorded;
  /** An event was recorded: its deliveries are in the database. */
  readonly recorded: () => void;
  /** An analysis was fetched: its reports can be made. */
  readonly fetched: () => void;
  readonly fetch: (job: FetchJob) => Promise<Fetched>;
  /** CWEs that reports have categories for. */
  readonly cwes: readonly number[];
  readonly tagOf?: TagOf | undefined;
  /** What is known of a source's rules. */
  readonly rulesOf: (source: string) => RuleCache;
}

/** How often it is looked for analyses that nobody nudged about: those of other nodes that died, and those that are due again. */
export const pollMs = 2_000;
/** A directory that nobody has touched for so long belongs to an analysis that was fetched elsewhere, has failed, or was deleted. */
export const leftoversMs = 6 * 86_400_000;

/** The worker that fetches what sources told of. */
export function createFetchWorker(deps: FetchWorkerDeps): Worker {
  const { database, clock, ids, log, turns } = deps;
  return createWorker<Claim>({
    name: 'fetches',
    concurrency: deps.concurrency,
    idleMs: Math.min(pollMs, deps.firstWaitMs),
    clock,
    log,
    async claim() {
      for (;;) {
        const source = await turns.next();
        if (source === null) return [];
        const claim = await claimAnalysis({ database, clock, ids, fetch: { source, exceptStates: faultsForPeople } });
        if (claim !== null) {
          turns.began(source);
          return [claim];
        }
        turns.hadNothing(source, await isSourceDue({ read: database.read, source }));
      }
    },
    async work(claim, signal) {
      try {
        await workOn(deps, claim, signal);
      } finally {
        turns.ended(claim.analysis.source ?? '');
      }
    },
  });
}

interface Work {
  readonly deps: FetchWorkerDeps;
  readonly claim: Claim;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly began: number;
}

async function workOn(deps: FetchWorkerDeps, claim: Claim, stop: AbortSignal): Promise<void> {
  const { analysis } = claim;
  const facts = { analysis: analysis.id, source: analysis.source, task: analysis.source_task };
  const work: Work = { deps, claim, facts, began: deps.clock.now() };
  const lease = holdLease(work);
  let source: OpenSource | null = null;
  try {
    source = await openSource({
      read: deps.database.read,
      sealer: deps.sealer,
      organization: analysis.organization,
      source: analysis.source ?? '',
    });
    if (source === null) throw new GatepostError('not_found', 'source_gone', 'The source that told of it was deleted.');
    await fetchFrom(work, source, AbortSignal.any([stop, lease.lost]));
  } catch (error) {
    await fail(work, source, { error, stopping: stop.aborted, lost: lease.lost.aborted });
  } finally {
    lease.end();
  }
}

async function fetchFrom(work: Work, source: OpenSource, signal: AbortSignal): Promise<void> {
  const { deps, claim, facts, began } = work;
  const { database, clock, log, metrics, turns } = deps;
  const directory = join(deps.directory, claim.analysis.id);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { job, project } = await fetchJobOf({ database, analysis: claim.analysis, settings: source.settings });
  const fetched = await deps.clients.with(source, (client) =>
    deps.fetch({
      ...job,
      client,
      directory,
      signal,
      cwes: deps.cwes,
      tagOf: (revision) => tagOfRevision(work, project.id, revision),
      rules: deps.rulesOf(source.id),
      onProgress: (progress) => log.debug({ ...facts, ...progress }, 'source.fetching'),
    }),
  );
  const body = await deps.artifacts.put(claim.analysis.organization, createReadStream(fetched.file, { highWaterMark: 256 * 1024 }), {
    level: bodyLevel,
    bytesMax: deps.bodyBytesMax,
  });
  const outcome = await settleFetch(deps, { claim, fetched, body, project });
  await rm(directory, { recursive: true, force: true });
  turns.succeeded(source.id);
  const durationMs = clock.now() - began;
  metrics.fetched(outcome.kind, durationMs);
  const { version, requests, findings, complete } = fetched;
  log.info({ ...facts, outcome: outcome.kind, version, requests, findings, complete, bytes: body.bytes, durationMs }, 'source.fetched');
  if (outcome.recorded) deps.recorded();
  deps.fetched();
  await settleState({ database, clock, log, source, fault: null });
}

interface Failure {
  readonly error: unknown;
  readonly stopping: boolean;
  readonly lost: boolean;
}

async function fail(work: Work, source: OpenSource | null, { error, stopping, lost }: Failure): Promise<void> {
  const { deps, claim } = work;
  const { clock, turns } = deps;
  const { attempts, crashes, created } = claim.analysis;
  const { firstWaitMs, forMs } = deps;
  const tried = { stopping, attempts, crashes, ageMs: clock.now() - created, firstWaitMs, forMs };
  const verdict = judgeFetch(lost && !stopping ? new FetchLost() : error, tried);
  const fault = verdict.kind === 'lost' || stopping ? null : faultOfSource(error);
  if (source !== null && fault !== null) {
    turns.failed(source.id);
    await settleState({ database: deps.database, clock, log: deps.log, source, fault });
  }
  await settle(work, verdict, error);
}

async function settle({ deps, claim, facts, began }: Work, verdict: FetchVerdict, error: unknown): Promise<void> {
  const { database, clock, log, metrics } = deps;
  const { attempts, crashes } = claim.analysis;
  const durationMs = clock.now() - began;
  if (verdict.kind === 'lost') {
    log.warn(facts, 'source.fetch.lost');
    return;
  }
  metrics.fetched(verdict.kind, durationMs);
  if (verdict.kind === 'failed') {
    await database.write((tx) => settleFailed({ tx, claim }, { ...verdict, place: null }, clock));
    await rm(join(deps.directory, claim.analysis.id), { recursive: true, force: true });
    log.warn({ ...facts, durationMs, attempts: attempts + 1, code: verdict.code, reason: verdict.message }, 'source.fetch.failed');
    return;
  }
  const due = clock.now() + verdict.afterMs;
  const counted = { due, attempts: attempts + (verdict.counts ? 1 : 0), crashes: crashes + (verdict.crash ? 1 : 0) };
  await database.write((tx) => settleFetchAgain({ tx, claim }, counted));
  const code = error instanceof GatepostError ? { code: error.code, reason: error.message } : { err: error };
  const said = { ...facts, durationMs, attempts: counted.attempts, ...code, againInMs: verdict.afterMs };
  if (verdict.crash) log.error(said, 'source.fetch.again');
  else log.info(said, 'source.fetch.again');
}

/** Shows a sign of life as long as the work goes on; `lost` is aborted once another has the analysis. */
async function tagOfRevision({ deps, claim }: Work, project: string, revision: string): Promise<string | null> {
  return (await deps.tagOf?.({ organization: claim.analysis.organization, project, revision })) ?? null;
}

function holdLease({ deps, claim }: Work): { readonly lost: AbortSignal; end(): void } {
  const { database, clock, log } = deps;
  const abort = new AbortController();
  const beat = async (): Promise<void> => {
    try {
      if (!(await database.write((tx) => extendLease({ tx, claim }, clock)))) abort.abort();
    } catch (error) {
      // A database that does not answer now may do so at the next beat; if not, the lease ends and says so then.
      log.warn({ err: error, analysis: claim.analysis.id }, 'source.fetch.lease');
    }
  };
  const timer = setInterval(() => void beat(), leaseMs / 4);
  timer.unref();
  return { lost: abort.signal, end: () => clearInterval(timer) };
}

/** Removes what fetches left that nobody goes on with. */
export async function sweepFetches({ directory, clock }: { readonly directory: string; readonly clock: Clock }): Promise<number> {
  let swept = 0;
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const facts = await stat(path).catch(() => null);
    if (facts === null || clock.now() - facts.mtimeMs < leftoversMs) continue;
    await rm(path, { recursive: true, force: true });
    swept += 1;
  }
  return swept;
}
