import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../../clock.ts';
import type { Configuration } from '../../configuration.ts';
import type { OnRecorded, RecordAlone } from '../../events/record.ts';
import type { HttpServer } from '../../http/http-server.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { ArtifactStore } from '../../storage/artifacts/store.ts';
import type { Database } from '../../storage/database/database.ts';
import { createSourceGuard, parseSourceAllowlist } from './client/address.ts';
import { ingestRoutes } from './ingest-routes.ts';
import { createIntake } from './intake.ts';
import { createReceipts } from './receipts.ts';
import type { TagOf } from './fetch/fetch.ts';
import { createSourceLookup } from './source-lookup.ts';
import { readSource } from './source-store.ts';
import { sourceWorkRoutes } from './source-work-routes.ts';
import { createSourceWork } from './source-work.ts';
import { sourceRoutes } from './source-routes.ts';

export interface SonarqubeOptions {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Gatepost's own version. */
  readonly version: string;
  /** CWEs that reports have categories for. */
  readonly cwes: readonly number[];
  /** The version tag of a revision in a repository of the project (its id), or null. */
  readonly tagOf?: TagOf | undefined;
  /** Records an event that is a unit of work of its own, with its deliveries. */
  readonly record: RecordAlone;
  /** The rules of a private authority's certificates; answers the certificates alone. Fails with `invalid_ca`. */
  readonly checkedAuthorities: (pem: string) => string;
  /** The same within the unit of work that recorded it. */
  readonly onRecorded: OnRecorded;
  /** An event was recorded: its deliveries are in the database. */
  readonly recorded: () => void;
  /** An analysis was fetched: its reports can be made. */
  readonly fetched: () => void;
  /** The base of links to this server, known once it has started. */
  readonly publicUrl: () => string;
}

/** All that has to do with a SonarQube that tells of analyses: its routes, and what runs by itself. */
export interface Sonarqube {
  routes(server: HttpServer): Promise<void>;
  start(): void;
  stop(graceMs: number): Promise<void>;
}

export function createSonarqube(options: SonarqubeOptions): Sonarqube {
  const { database } = options;
  const lookup = createSourceLookup(options);
  const intake = createIntake(options);
  const receipts = createReceipts(options);
  const guard = createSourceGuard({ allow: parseSourceAllowlist(options.configuration.sourcesAllow) });
  const work = createSourceWork({ ...options, intake });
  return {
    async routes(server) {
      await ingestRoutes(server, { lookup, intake, receipts, taken: work.taken });
      sourceRoutes(server, {
        ...options,
        guard,
        changed(one) {
          lookup.forget(one.source);
          work.changed(one);
        },
        async makeWebhook({ id, organization }, ingestUrl) {
          await work.check({ organization, source: id, ingestUrl, createWebhook: true });
          return readSource({ read: database.read, organization, source: id });
        },
      });
      sourceWorkRoutes(server, { database, work });
    },
    start: work.start,
    async stop(graceMs) {
      await Promise.all([receipts.stop(), work.stop(graceMs)]);
    },
  };
}
