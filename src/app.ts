import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Configuration } from './configuration.ts';
import { GatepostError } from './errors.ts';
import { healthRoutes } from './http/health.ts';
import type { HttpServer } from './http/http-server.ts';
import { clearUnderWay, createIdempotencyStore, purgeIdempotency } from './http/idempotency-store.ts';
import { createLog } from './http/log.ts';
import { createMetrics } from './http/metrics.ts';
import { createHttpServer, stopHttpServer, stopMs } from './http/server.ts';
import type { Identifiers } from './identifiers.ts';
import { createIdentifiers } from './identifiers.ts';
import type { DeletionStep } from './organizations/deletion.ts';
import { organizationRoutes } from './organizations/routes.ts';
import { createTokenLookup } from './organizations/token-lookup.ts';
import { tokenRoutes } from './organizations/token-routes.ts';
import type { Periodic } from './periodic.ts';
import { createPeriodic } from './periodic.ts';
import { projectsOfOrganization } from './projects/deletion.ts';
import { projectRoutes } from './projects/routes.ts';
import { findProject, unknownProject } from './projects/store.ts';
import { languages } from './reports/report.ts';
import { standards } from './reports/standards/standard.ts';
import type { Sealer } from './secret-key.ts';
import { createSealer, keyFingerprint, readOrMakeSecretKey } from './secret-key.ts';
import { createArtifactDirectory } from './storage/artifacts/directory.ts';
import type { ArtifactStore } from './storage/artifacts/store.ts';
import type { Database } from './storage/database/database.ts';
import { openDatabase } from './storage/database/open.ts';
import { settle } from './storage/database/settings.ts';
import { versionText } from './version.ts';

export interface App {
  readonly server: HttpServer;
  readonly database: Database;
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
}

const maintenanceEveryMs = 3_600_000;
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
}

/**
 * Builds everything in boot order: logs, database, secret key, artefacts, the nouns, HTTP, workers. Nothing listens or works before `start`.
 * What fails here says what to do about it, and leaves nothing open.
 */
export async function buildApp(configuration: Configuration, overrides: Overrides = {}): Promise<App> {
  const { clock = systemClock, ids = createIdentifiers(clock), log = createLog({ level: configuration.log }) } = overrides;
  if (configuration.databaseUrl !== null && configuration.secretKey === null) {
    throw new GatepostError(
      'invalid',
      'secret_key_missing',
      'With DATABASE_URL, GATEPOST_SECRET_KEY must be set, to the same on every node (openssl rand -base64 32).',
    );
  }
  const database = await openDatabase({ directory: configuration.data, url: configuration.databaseUrl ?? undefined }, 'server');
  try {
    const sealer = await openSealer({ configuration, database });
    const artifacts = createArtifactDirectory({ root: configuration.artifacts, clock, ids });
    await checkArtifacts({ database, artifacts });
    return await assemble({ configuration, log, clock, ids, database, artifacts, sealer });
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The key that secrets are encrypted with. Refuses one that is not the key this database's secrets were encrypted with. */
async function openSealer({
  configuration,
  database,
}: {
  readonly configuration: Configuration;
  readonly database: Database;
}): Promise<Sealer> {
  const key = configuration.secretKey ?? readOrMakeSecretKey(configuration.data);
  const fingerprint = keyFingerprint(key);
  if ((await settle({ database, name: 'secret_key_fingerprint', value: fingerprint })) !== fingerprint) {
    throw new GatepostError(
      'invalid',
      'secret_key_other',
      'This is not the secret key that the database was made with: its secrets would not open. Put the right key back (GATEPOST_SECRET_KEY, or secret.key in the data directory).',
    );
  }
  return createSealer(key);
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
  const { configuration, log, clock, ids, database, sealer } = ground;
  if (!database.facts.manyNodes) await database.write((tx) => clearUnderWay({ tx }));
  const tokens = createTokenLookup({ database, clock, log });
  const metrics = createMetrics();
  const server = await createHttpServer({
    log,
    ids,
    version: versionText(),
    findCaller: tokens.find,
    idempotency: createIdempotencyStore({ database, clock, sealer }),
    metrics,
    trustProxy: configuration.trustProxy,
    path: configuration.path,
    publicUrl: publicUrlOf(configuration),
  });
  addRoutes(server, ground);
  const maintenance = createMaintenance(ground);
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    await Promise.all([stopHttpServer(server, stopMs), maintenance.stop()]);
    await tokens.stop();
    await database.close();
    log.info('stopped');
  };
  const address = (): string => addressOf(server, configuration);
  return {
    server,
    database,
    address,
    async start() {
      await server.listen({ host: configuration.host, port: configuration.port });
      maintenance.start();
      log.info({ url: address() }, 'listening');
      return address();
    },
    stop: () => (stopped ??= stop()),
  };
}

/** What each noun deletes when a project or an organization goes; what points to other rows goes before them. */
function deletionSteps(): readonly DeletionStep[] {
  return [];
}

function addRoutes(server: HttpServer, ground: Ground): void {
  const { database, clock, ids, artifacts } = ground;
  const steps = deletionSteps();
  healthRoutes(server, {
    checks: [
      { name: 'database', check: async () => void (await database.read.selectFrom('settings').select('name').limit(1).execute()) },
      // Makes a file durable beside the store's own, so it tells a full or read-only disk.
      { name: 'artifacts', check: async () => void (await artifacts.identity()) },
    ],
  });
  const chosen = standards.map(({ type, edition }) => ({ type, edition }));
  organizationRoutes(server, { database, clock, ids, languages, standards: chosen, deletionSteps: [...steps, projectsOfOrganization] });
  const projectId = async ({ organization, key }: { readonly organization: string; readonly key: string }): Promise<string> => {
    const project = await findProject({ read: database.read, organization, key });
    if (project === null) throw unknownProject();
    return project.id;
  };
  tokenRoutes(server, { database, clock, ids, projectId });
  projectRoutes(server, { database, clock, ids, deletionSteps: steps });
}

/** What is done once an hour, in units of bounded size. */
function createMaintenance({ database, clock, log }: Ground): Periodic {
  return createPeriodic({
    name: 'maintenance',
    everyMs: maintenanceEveryMs,
    firstAfterMs: maintenanceFirstMs,
    log,
    async run(signal) {
      const purge = (): Promise<number> => database.write((tx) => purgeIdempotency({ tx, now: clock.now(), limit: purgedAtOnceMax }));
      while (!signal.aborted && (await purge()) === purgedAtOnceMax);
    },
  });
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
