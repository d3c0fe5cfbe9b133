import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { Sonarqube } from './analyses/sonarqube/sonarqube.ts';
import { createSonarqube } from './analyses/sonarqube/sonarqube.ts';
import { createAnalysisWorker } from './reports/analysis-worker.ts';
import { referencedArtifacts } from './reports/references.ts';
import { retainAll, retainProject } from './reports/retention.ts';
import type { Repositories } from './repositories/repositories.ts';
import { createRepositories } from './repositories/repositories.ts';
import { sweepArtifacts } from './storage/artifacts/sweep.ts';
import { webhookDeletionSteps } from './webhooks/deletion.ts';
import { checkedAuthorities } from './webhooks/delivery/authorities.ts';
import type { Webhooks } from './webhooks/webhooks.ts';
import { createWebhooks } from './webhooks/webhooks.ts';
import type { Worker } from './worker.ts';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Configuration } from './configuration.ts';
import { purgeIdempotency } from './http/idempotency-store.ts';
import type { Identifiers } from './identifiers.ts';
import type { Periodic } from './periodic.ts';
import { createPeriodic } from './periodic.ts';
import { createAnalysisMetrics } from './reports/metrics.ts';
import { cwesOfStandards } from './reports/standards/standard.ts';
import type { Sealer } from './secret-key.ts';
import type { ArtifactStore } from './storage/artifacts/store.ts';
import type { Database } from './storage/database/database.ts';

const maintenanceEveryMs = 3_600_000;
const maintenanceEveryMsMin = 1_000;
const maintenanceFirstMs = 60_000;
const purgedAtOnceMax = 500;

/** What the parts are built from, in boot order. */
export interface Ground {
  readonly configuration: Configuration;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly sealer: Sealer;
  readonly metrics: Registry;
  readonly version: string;
  readonly leaseMs: number | undefined;
}

export interface Workers {
  readonly analyses: Worker;
  readonly webhooks: Webhooks;
  readonly sonarqube: Sonarqube;
  readonly repositories: Repositories;
}

export async function createWorkers(ground: Ground, serverUrl: () => string): Promise<Workers> {
  const { configuration, log, clock, ids, database, artifacts, metrics } = ground;
  const webhooks = await createWebhooks({ ...ground, userAgent: `Gatepost/${ground.version}` });
  const { fanOut, nudge } = webhooks.delivery;
  const repositories = await createRepositories({
    ...ground,
    onRecorded: fanOut.onRecorded,
    recorded: nudge,
    serverUrl,
    deletionSteps: webhookDeletionSteps,
  });
  const analyses = createAnalysisWorker({
    metrics: createAnalysisMetrics({ registry: metrics, database }),
    database,
    artifacts,
    clock,
    ids,
    log,
    concurrency: configuration.analysesAtOnce,
    workDirectory: workDirectoryOf(configuration),
    serverUrl,
    onRecorded: fanOut.onRecorded,
    recorded: nudge,
    afterwards: async (scope) => void (await retainProject({ database, ids, clock }, scope)),
  });
  const sonarqube = createSonarqube({
    ...ground,
    record: webhooks.delivery.record,
    onRecorded: fanOut.onRecorded,
    recorded: nudge,
    checkedAuthorities,
    fetched: analyses.nudge,
    publicUrl: serverUrl,
    cwes: cwesOfStandards,
    tagOf: repositories.tagOf,
  });
  return { analyses, webhooks, sonarqube, repositories };
}

/** What is done now and then, in units of bounded size: old answers, what projects do not keep, artefacts that nothing points to. */
export function createMaintenance({ configuration, database, artifacts, ids, clock, log }: Ground): Periodic {
  const { sweepGraceMs: graceMs } = configuration;
  const everyMs = Math.min(Math.max(graceMs, maintenanceEveryMsMin), maintenanceEveryMs);
  return createPeriodic({
    name: 'maintenance',
    everyMs,
    firstAfterMs: Math.min(maintenanceFirstMs, everyMs),
    log,
    async run(signal) {
      const purge = (): Promise<number> => database.write((tx) => purgeIdempotency({ tx, now: clock.now(), limit: purgedAtOnceMax }));
      while (!signal.aborted && (await purge()) === purgedAtOnceMax);
      const expired = await retainAll({ database, ids, clock }, signal);
      const isReferenced = (organization: string, sha256: readonly string[]) => referencedArtifacts(database.read, organization, sha256);
      const swept = await sweepArtifacts({ store: artifacts, clock, graceMs, isReferenced, signal });
      log.info({ expired, ...swept }, 'maintenance.done');
    },
  });
}

/** Where the files of analyses under way lie: beside the database, on this machine. */
export function workDirectoryOf({ data }: Configuration): string {
  return join(data, 'work');
}
