import { takeBackAnalyses } from './analyses/store.ts';
import { clearWorkDirectory } from './reports/analysis-worker.ts';
import { secureSourceManagerApi } from './securesourcemanager-api/securesourcemanager-api.ts';
import { sonarqubeApi } from './sonarqube-api/sonarqube-api.ts';
import { sealClearUrls } from './webhooks/subscriptions/reseal.ts';
import { abandonMs } from './worker.ts';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Configuration } from './configuration.ts';
import type { RecordAlone } from './events/record.ts';
import { GatepostError } from './errors.ts';
import { keepHeapSmall } from './heap.ts';
import type { HttpServer } from './http/http-server.ts';
import { clearUnderWay, createIdempotencyStore } from './http/idempotency-store.ts';
import { createLog } from './http/log.ts';
import { createMetrics } from './http/metrics.ts';
import { createHttpServer, stopHttpServer, stopMs } from './http/server.ts';
import type { Identifiers } from './identifiers.ts';
import { createIdentifiers } from './identifiers.ts';
import { keyFactNames, openKeyRing } from './key-ring.ts';
import { createTokenLookup } from './organizations/token-lookup.ts';
import type { Sealer } from './secret-key.ts';
import { createSealer, keyFingerprint } from './secret-key.ts';
import { createArtifactDirectory } from './storage/artifacts/directory.ts';
import type { ArtifactStore } from './storage/artifacts/store.ts';
import type { Database } from './storage/database/database.ts';
import type { DatabaseLocation } from './storage/database/open.ts';
import { openDatabase } from './storage/database/open.ts';
import { readSetting, settle } from './storage/database/settings.ts';
import { versionText } from './version.ts';

import { addressOf, listen, publicUrlOf } from './app-address.ts';
import type { Ground } from './app-parts.ts';
import { createMaintenance, createWorkers, workDirectoryOf } from './app-parts.ts';
import { addRoutes, sonarqubeApiDeps } from './app-routes.ts';

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
  await addRoutes(server, ground, workers, tokens.find);
  await sonarqubeApi(server, { ...sonarqubeApiDeps(ground, workers), findCaller: tokens.find });
  const { guard, delivery } = workers.webhooks;
  await secureSourceManagerApi(server, { ...ground, guard, wake: delivery.wake });
  const maintenance = createMaintenance(ground);
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    await Promise.all([
      // A push that is under way still needs git and the refs.
      stopHttpServer(server).then(() => workers.repositories.stop(0)),
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
      await workers.repositories.start();
      workers.analyses.start();
      workers.sonarqube.start();
      maintenance.start();
      log.info({ url: address() }, 'listening');
      return address();
    },
    stop: () => (stopped ??= stop()),
  };
}
