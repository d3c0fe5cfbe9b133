import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { Clock } from '../../clock.ts';
import type { Configuration } from '../../configuration.ts';
import type { OnRecorded } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { ArtifactStore } from '../../storage/artifacts/store.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Worker } from '../../worker.ts';
import { dueSources } from '../claim.ts';
import { askForCatchUp, createCatchUpWorker, planCatchUps } from './catch-up-worker.ts';
import type { CheckFacts, CheckOptions } from './check.ts';
import { checkSource } from './check.ts';
import { parseSourceAllowlist } from './client/address.ts';
import type { ClientLimits } from './client/client.ts';
import type { SourceClients } from './clients.ts';
import { createSourceClients } from './clients.ts';
import { createFetchWorker, pollMs, sweepFetches } from './fetch-worker.ts';
import type { TagOf } from './fetch/fetch.ts';
import { fetchAnalysis } from './fetch/fetch.ts';
import type { Intake } from './intake.ts';
import { createRuleCaches } from './rule-caches.ts';
import { createSourceMetrics } from './source-metrics.ts';
import type { OneSource } from './source-store.ts';
import { unknownSource } from './source-store.ts';
import { seldom } from './seldom.ts';
import type { SourceLog } from './states.ts';
import { faultsForPeople } from './states.ts';
import type { SourceTurns } from './turns.ts';
import { createSourceTurns } from './turns.ts';

export interface SourceWorkOptions {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: SourceLog;
  readonly metrics?: Registry;
  readonly intake: Intake;
  /** CWEs that reports have categories for. */
  readonly cwes: readonly number[];
  readonly tagOf?: TagOf | undefined;
  readonly onRecorded: OnRecorded;
  /** The base of links to this server, known once it has started. */
  readonly publicUrl: () => string;
  /** An event was recorded: its deliveries are in the database. */
  readonly recorded: () => void;
  /** An analysis was fetched: its reports can be made. */
  readonly fetched: () => void;
  /** For tests, which cannot wait so long. */
  readonly limits?: Partial<ClientLimits>;
  /** Tests hand in one of their own. */
  readonly fetch?: typeof fetchAnalysis;
}

/** All that runs by itself between us and sources, and what people can ask of it. */
export interface SourceWork {
  /** Fails as `checkSource` does. */
  check(options: CheckOptions): Promise<CheckFacts>;
  /** Asks for a look at what was missed; answers when it was asked for. Fails with `unknown_source`. */
  catchUp(one: OneSource): Promise<number>;
  /** An analysis of this source is there whose findings are to be fetched. */
  taken(source: string): void;
  /** A source was made or changed: what waited for that is tried now. */
  changed(one: OneSource): void;
  start(): void;
  stop(graceMs: number): Promise<void>;
}

/** Looks at sources for what was missed, of all sources at once. */
const catchUpsAtOnce = 8;
/** A fetch goes on where it was at the next start, so a stop does not wait for it. */
const stopMsMax = 500;
/** How often the worker that fetches is told of what came in: many ingests of a moment come to one claim. */
const takenEveryMs = 50;
/** How much of the fetches sources may have that are not well, all together. */
const troubledShare = 0.25;

export function createSourceWork(options: SourceWorkOptions): SourceWork {
  const { database, clock, log } = options;
  const { clients, fetches, catchUps, turns, directory, wellAgain } = createParts(options);
  const nudge = seldom(takenEveryMs, fetches.nudge);
  const abort = new AbortController();
  const ask = async (one: OneSource): Promise<boolean> => {
    const known = await database.write((tx) => askForCatchUp({ tx, clock, ...one }));
    catchUps.nudge();
    wellAgain(one.source);
    return known;
  };
  return {
    async check(wanted) {
      const facts = await checkSource({ ...options, clients }, { ...wanted, signal: abort.signal });
      if (facts.token.valid === true) wellAgain(wanted.source);
      return facts;
    },
    async catchUp(one) {
      const asked = clock.now();
      if (!(await ask(one))) throw unknownSource();
      return asked;
    },
    taken(source) {
      turns.arrived(source);
      nudge();
    },
    changed(one) {
      ask(one).catch((error: unknown) => log.error({ err: error, source: one.source }, 'a changed source was not looked at'));
    },
    start() {
      const failed = (error: unknown): void => log.error({ err: error }, 'sources were not looked at');
      void sweepFetches({ directory, clock }).catch(failed);
      void planCatchUps({ database, clock })
        .catch(failed)
        .finally(() => catchUps.start());
      fetches.start();
    },
    async stop(graceMs) {
      abort.abort();
      await Promise.all([fetches.stop(Math.min(graceMs, stopMsMax)), catchUps.stop(0)]);
      await clients.close();
    },
  };
}

interface Parts {
  readonly clients: SourceClients;
  readonly fetches: Worker;
  readonly catchUps: Worker;
  readonly turns: SourceTurns;
  readonly directory: string;
  /** Nothing holds up this source's analyses any more. */
  wellAgain(source: string): void;
}

function createParts(options: SourceWorkOptions): Parts {
  const { configuration, database, clock, publicUrl } = options;
  const { fetchesAtOnce, fetchesPerSource, fetchRetryMs, fetchForMs, catchUpEveryMs, catchUpFirst } = configuration;
  const metrics = createSourceMetrics({ database, ...(options.metrics === undefined ? {} : { registry: options.metrics }) });
  const allow = parseSourceAllowlist(configuration.sourcesAllow);
  const clients = createSourceClients({ allow, clock, requested: metrics.requested, limits: options.limits });
  const troubledMax = Math.max(1, Math.floor(fetchesAtOnce * troubledShare));
  const turns = createSourceTurns({
    clock,
    look: () => dueSources({ database, clock, exceptStates: faultsForPeople }),
    lookEveryMs: Math.min(pollMs, fetchRetryMs),
    perSource: fetchesPerSource,
    troubledMax,
    firstWaitMs: fetchRetryMs,
  });
  const directory = join(configuration.data, 'fetches');
  const fetches = createFetchWorker({
    ...options,
    metrics,
    clients,
    turns,
    directory,
    concurrency: fetchesAtOnce,
    firstWaitMs: fetchRetryMs,
    forMs: fetchForMs,
    bodyBytesMax: configuration.uploadBytesMax,
    fetch: options.fetch ?? fetchAnalysis,
    rulesOf: createRuleCaches((source) => join(directory, `rules-${source}.json`)),
  });
  const wellAgain = (source: string): void => {
    turns.succeeded(source);
    turns.lookAgain();
    fetches.nudge();
  };
  const catchUps = createCatchUpWorker({
    ...options,
    clients,
    metrics,
    publicUrl,
    first: catchUpFirst,
    everyMs: catchUpEveryMs,
    concurrency: catchUpsAtOnce,
    random: Math.random,
    brought: wellAgain,
  });
  return { clients, fetches, catchUps, turns, directory, wellAgain };
}
