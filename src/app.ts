import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { gateRoutes } from './analyses/gates/routes.ts';
import { assertGateThere, gateDeletionSteps } from './analyses/gates/store.ts';
import { analysisRoutes } from './analyses/routes.ts';
import type { Sonarqube } from './analyses/sonarqube/sonarqube.ts';
import { createSonarqube } from './analyses/sonarqube/sonarqube.ts';
import { sourceDeletionSteps } from './analyses/sonarqube/source-deletion.ts';
import { takeBackAnalyses } from './analyses/store.ts';
import { clearWorkDirectory, createAnalysisWorker } from './reports/analysis-worker.ts';
import { reportDeletionSteps } from './reports/deletion.ts';
import { reportArchiveRoutes } from './reports/archive/routes.ts';
import { reportListRoutes } from './reports/list/routes.ts';
import { reportsOfAnalyses } from './reports/of-analyses.ts';
import { createOpenLimits } from './reports/open-limits.ts';
import { readyMadeRoutes } from './reports/ready-made-routes.ts';
import { referencedArtifacts } from './reports/references.ts';
import { renameListed } from './reports/renaming.ts';
import { retainAll, retainProject } from './reports/retention.ts';
import { reportRoutes } from './reports/routes.ts';
import type { SonarqubeApiDeps } from './sonarqube-api/action.ts';
import { sonarqubeApi } from './sonarqube-api/sonarqube-api.ts';
import { sweepArtifacts } from './storage/artifacts/sweep.ts';
import { webhookDeletionSteps } from './webhooks/deletion.ts';
import { checkedAuthorities } from './webhooks/delivery/authorities.ts';
import { deliveryRoutes } from './webhooks/delivery/routes.ts';
import { replayRoutes } from './webhooks/delivery/replay-routes.ts';
import { sealClearUrls } from './webhooks/subscriptions/reseal.ts';
import { webhookRoutes } from './webhooks/subscriptions/routes.ts';
import type { Webhooks } from './webhooks/webhooks.ts';
import { createWebhooks } from './webhooks/webhooks.ts';
import type { Worker } from './worker.ts';
import { abandonMs } from './worker.ts';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Configuration } from './configuration.ts';
import type { RecordAlone } from './events/record.ts';
import { GatepostError } from './errors.ts';
import { keepHeapSmall } from './heap.ts';
import type { HealthCheck } from './http/health.ts';
import { healthRoutes } from './http/health.ts';
import type { HttpServer } from './http/http-server.ts';
import { clearUnderWay, createIdempotencyStore, purgeIdempotency } from './http/idempotency-store.ts';
import { createLog } from './http/log.ts';
import { createMetrics } from './http/metrics.ts';
import { createHttpServer, stopHttpServer, stopMs } from './http/server.ts';
import type { Identifiers } from './identifiers.ts';
import { createIdentifiers } from './identifiers.ts';
import { keyFactNames, openKeyRing } from './key-ring.ts';
import type { DeletionStep } from './organizations/deletion.ts';
import { organizationRoutes } from './organizations/routes.ts';
import { createTokenLookup } from './organizations/token-lookup.ts';
import { tokenRoutes } from './organizations/token-routes.ts';
import type { Periodic } from './periodic.ts';
import { createPeriodic } from './periodic.ts';
import { projectsOfOrganization } from './projects/deletion.ts';
import { projectRoutes } from './projects/routes.ts';
import { findProject, unknownProject } from './projects/store.ts';
import { createAnalysisMetrics } from './reports/metrics.ts';
import { languages } from './reports/report.ts';
import { standards } from './reports/standards/standard.ts';
import type { Sealer } from './secret-key.ts';
import { createSealer, keyFingerprint } from './secret-key.ts';
import { dashboardRoutes } from './sonarqube-api/dashboard.ts';
import { createArtifactDirectory } from './storage/artifacts/directory.ts';
import type { ArtifactStore } from './storage/artifacts/store.ts';
import type { Database } from './storage/database/database.ts';
import type { DatabaseLocation } from './storage/database/open.ts';
import { openDatabase } from './storage/database/open.ts';
import { readSetting, settle } from './storage/database/settings.ts';
import { versionText } from './version.ts';

export interface App {
  readonly server: HttpServer;
  readonly database: Database;
  /** Records an event that is a unit of work of its own; answers its id once it is on disk with its deliveries. */
  readonly record: RecordAlone;
  /** Where it listens, with the path prefix: `http://127.0.0.1:8480`. Empty before `start`. */
  address(): string;
  /** Takes requests and begins to work. Answers the address. */
  start(): Promise<string>;
  /** Takes nothing new, finishes what is in flight (10 s at most), closes. May be called twice. */
  stop(): Promise<void>;
}

/** What a test or the demo puts in the place of the real thing. */
export interface Overrides {
  readonly clock?: Clock;
  readonly ids?: Identifiers;
  readonly log?: Logger;
  /** How long a claim of a delivery is believed. */
  readonly leaseMs?: number;
}

/** With what an aborted worker may take, 10 s. */
const workerStopMs = stopMs - abandonMs;
const maintenanceEveryMs = 3_600_000;
const maintenanceEveryMsMin = 1_000;
const maintenanceFirstMs = 60_000;
const purgedAtOnceMax = 500;

/** What the parts are built from, in boot order. */
interface Ground {
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

/**
 * Builds everything in boot order: logs, database, secret key, artefacts, the nouns, HTTP, workers. Nothing listens or works before `start`.
 * What fails here says what to do about it, and leaves nothing open.
 */
export async function buildApp(configuration: Configuration, overrides: Overrides = {}): Promise<App> {
  keepHeapSmall();
  const { clock = systemClock, ids = createIdentifiers(clock), log = createLog({ level: configuration.log }) } = overrides;
  if (configuration.databaseUrl !== null && configuration.secretKey === null) {
    throw new GatepostError(
      'invalid',
      'secret_key_missing',
      'With DATABASE_URL, GATEPOST_SECRET_KEY must be set, to the same on every node (openssl rand -base64 32).',
    );
  }
  const database = await openDatabase(locationOf(configuration), 'server');
  try {
    const sealer = await openSealer({ configuration, database });
    await sealClearUrls({ database, sealer });
    const artifacts = createArtifactDirectory({ root: configuration.artifacts, clock, ids });
    await checkArtifacts({ database, artifacts });
    return await assemble({
      configuration,
      log,
      clock,
      ids,
      database,
      artifacts,
      sealer,
      metrics: createMetrics(),
      version: versionText(),
      leaseMs: overrides.leaseMs,
    });
  } catch (error) {
    await database.close();
    throw error;
  }
}

function locationOf({ data, databaseUrl, databaseConnections }: Configuration): DatabaseLocation {
  return { directory: data, url: databaseUrl ?? undefined, connectionsMax: databaseConnections };
}

/** The keys that secrets are encrypted with. Refuses what is not the key this database's secrets were encrypted with. */
async function openSealer({
  configuration,
  database,
}: {
  readonly configuration: Configuration;
  readonly database: Database;
}): Promise<Sealer> {
  const fingerprint = await readSetting(database.read, keyFactNames.fingerprint);
  const next = await readSetting(database.read, keyFactNames.next);
  const own = openKeyRing(configuration, { fingerprint, next });
  // On a new database another node may have been first, with another key: what stands there counts.
  const known = await settle({ database, name: keyFactNames.fingerprint, value: keyFingerprint(own.current) });
  const { current, others } = openKeyRing(configuration, { fingerprint: known, next });
  return createSealer(current, others);
}

/** Nodes of one database must share one artefact store; so must a database and what was restored beside it. */
async function checkArtifacts({ database, artifacts }: { readonly database: Database; readonly artifacts: ArtifactStore }): Promise<void> {
  const identity = await artifacts.identity();
  if ((await settle({ database, name: 'artifacts_identity', value: identity })) !== identity) {
    throw new GatepostError(
      'invalid',
      'artifacts_other',
      'GATEPOST_ARTIFACTS is not the artefact store that this database belongs to. All nodes of a database must share one.',
    );
  }
}

interface Workers {
  readonly analyses: Worker;
  readonly webhooks: Webhooks;
  readonly sonarqube: Sonarqube;
}

async function assemble(ground: Ground): Promise<App> {
  const { configuration, log, clock, ids, database, sealer, metrics } = ground;
  // What the last run left under way will never end, where nobody else can have begun it.
  if (!database.facts.manyNodes) await database.write((tx) => clearUnderWay({ tx }));
  await clearWorkDirectory(workDirectoryOf(configuration));
  await takeBackAnalyses(database);
  const tokens = createTokenLookup({ database, clock, log });
  // Where it can be reached is known once it listens; nothing is worked on before.
  const reached = { url: publicUrlOf(configuration) ?? '' };
  const workers = await createWorkers(ground, () => reached.url);
  const server = await createHttpServer({
    log,
    ids,
    version: ground.version,
    findCaller: tokens.find,
    idempotency: createIdempotencyStore({ database, clock, sealer }),
    metrics,
    trustProxy: configuration.trustProxy,
    path: configuration.path,
    publicUrl: publicUrlOf(configuration),
  });
  await addRoutes(server, ground, workers);
  await sonarqubeApi(server, { ...sonarqubeApiDeps(ground, workers), findCaller: tokens.find });
  const maintenance = createMaintenance(ground);
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    await Promise.all([
      stopHttpServer(server),
      workers.analyses.stop(workerStopMs),
      workers.webhooks.stop(workerStopMs),
      workers.sonarqube.stop(workerStopMs),
      maintenance.stop(),
    ]);
    await tokens.stop();
    await database.close();
    log.info('stopped');
  };
  const address = (): string => addressOf(server, configuration);
  return {
    server,
    database,
    record: workers.webhooks.delivery.record,
    address,
    async start() {
      await listen(server, configuration);
      reached.url ||= address();
      await workers.webhooks.start();
      workers.analyses.start();
      workers.sonarqube.start();
      maintenance.start();
      log.info({ url: address() }, 'listening');
      return address();
    },
    stop: () => (stopped ??= stop()),
  };
}

async function createWorkers(ground: Ground, serverUrl: () => string): Promise<Workers> {
  const { configuration, log, clock, ids, database, artifacts, metrics } = ground;
  const webhooks = await createWebhooks({ ...ground, userAgent: `Gatepost/${ground.version}` });
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
    onRecorded: webhooks.delivery.fanOut.onRecorded,
    recorded: webhooks.delivery.nudge,
    afterwards: async (scope) => void (await retainProject({ database, ids, clock }, scope)),
  });
  const sonarqube = createSonarqube({
    ...ground,
    record: webhooks.delivery.record,
    onRecorded: webhooks.delivery.fanOut.onRecorded,
    recorded: webhooks.delivery.nudge,
    checkedAuthorities,
    fetched: analyses.nudge,
    publicUrl: serverUrl,
  });
  return { analyses, webhooks, sonarqube };
}

/** What each noun deletes when a project or an organization goes; what points to other rows goes before them. */
const deletionSteps: readonly DeletionStep[] = [...webhookDeletionSteps, ...reportDeletionSteps];

async function addRoutes(server: HttpServer, ground: Ground, workers: Workers): Promise<void> {
  const { configuration, database, clock, ids, artifacts, sealer } = ground;
  const { uploadBytesMax, retryForMs } = configuration;
  const common = { database, clock, ids };
  healthRoutes(server, { checks: checksOf(ground) });
  organizationRoutes(server, {
    ...common,
    languages,
    standards: standards.map(({ type, edition }) => ({ type, edition })),
    deletionSteps: [...deletionSteps, ...sourceDeletionSteps, ...gateDeletionSteps, projectsOfOrganization],
  });
  tokenRoutes(server, { ...common, projectId: (named) => projectIdOf(database, named) });
  projectRoutes(server, { ...common, deletionSteps, assertGateThere, renamed: (scope) => renameListed(database, scope) });
  await analysisRoutes(server, {
    ...common,
    artifacts,
    uploadBytesMax,
    reportsOf: (organization, analyses) => reportsOfAnalyses(database.read, organization, analyses),
    nudge: workers.analyses.nudge,
  });
  gateRoutes(server, { ...common, standards });
  reportRoutes(server, { ...common, artifacts });
  const { nudge, wake, fanOut } = workers.webhooks.delivery;
  await readyMadeRoutes(server, { ...common, artifacts, uploadBytesMax, onRecorded: fanOut.onRecorded, recorded: nudge });
  const limits = createOpenLimits({
    clock,
    perSecond: configuration.openPerSecond,
    archivesPerAddress: configuration.archivesPerAddress,
    archivesPerOrganization: configuration.archivesPerOrganization,
  });
  reportListRoutes(server, { database, limits });
  dashboardRoutes(server, { database });
  reportArchiveRoutes(server, { database, artifacts, limits });
  const dialectsMax = { sonarqube: configuration.sonarqubeWebhooksMax };
  webhookRoutes(server, { ...common, sealer, guard: workers.webhooks.guard, dialectsMax, wake });
  deliveryRoutes(server, { database, clock, retryForMs, wake });
  replayRoutes(server, { ...common, begun: workers.webhooks.replayBegun });
  await workers.sonarqube.routes(server);
}

/** SonarQube's own front door: its clients are told another version than ours. */
function sonarqubeApiDeps({ configuration, ...ground }: Ground, { webhooks }: Workers): SonarqubeApiDeps {
  const { sonarqubeVersion: version, sonarqubeWebhooksMax: webhooksMax } = configuration;
  return { ...ground, version, webhooksMax, guard: webhooks.guard, wake: webhooks.delivery.wake };
}

function checksOf({ database, artifacts }: Ground): readonly HealthCheck[] {
  return [
    { name: 'database', check: async () => void (await database.read.selectFrom('settings').select('name').limit(1).execute()) },
    // Makes a file durable beside the store's own, so it tells a full or read-only disk.
    { name: 'artifacts', check: async () => void (await artifacts.identity()) },
  ];
}

async function projectIdOf(database: Database, named: { readonly organization: string; readonly key: string }): Promise<string> {
  const project = await findProject({ read: database.read, ...named });
  if (project === null) throw unknownProject();
  return project.id;
}

/** What is done now and then, in units of bounded size: old answers, what projects do not keep, artefacts that nothing points to. */
function createMaintenance({ configuration, database, artifacts, ids, clock, log }: Ground): Periodic {
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
function workDirectoryOf({ data }: Configuration): string {
  return join(data, 'work');
}

/** Fails with `address_unusable` where the address is taken, is none of this machine, or is not ours to take. */
async function listen(server: HttpServer, { host, port }: Configuration): Promise<void> {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'Another process listens there already.',
    EADDRNOTAVAIL: 'This machine has no such address.',
    ENOTFOUND: 'This name does not resolve.',
    EACCES: 'This process may not listen there; ports below 1024 need a privilege.',
  };
  try {
    await server.listen({ host, port });
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? reasons[String(error.code)] : undefined;
    if (reason === undefined) throw error;
    const message = `Cannot listen on ${host} port ${port}: ${reason} Set GATEPOST_HOST or GATEPOST_PORT.`;
    throw new GatepostError('unavailable', 'address_unusable', message, { cause: error });
  }
}

/** `GATEPOST_URL` as it is; one without a path is the site, so our prefix is put behind it. */
function publicUrlOf({ url, path }: Configuration): string | null {
  if (url === null || path === '/' || new URL(url).pathname !== '/') return url;
  return url + path;
}

/** Where it can be reached from this machine: an address that stands for all is shown as the loopback one. */
function addressOf(server: HttpServer, { host, path }: Configuration): string {
  const bound = server.server.address() as AddressInfo | null;
  if (bound === null) return '';
  const name = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `http://${name}:${bound.port}${path === '/' ? '' : path}`;
}
