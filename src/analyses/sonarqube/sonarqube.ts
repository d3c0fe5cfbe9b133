import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../../clock.ts';
import type { Configuration } from '../../configuration.ts';
import type { RecordAlone } from '../../events/record.ts';
import type { HttpServer } from '../../http/http-server.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { ArtifactStore } from '../../storage/artifacts/store.ts';
import type { Database } from '../../storage/database/database.ts';
import { createSourceGuard, parseSourceAllowlist } from './client/address.ts';
import { ingestRoutes } from './ingest-routes.ts';
import { createIntake } from './intake.ts';
import { createReceipts } from './receipts.ts';
import { createSourceLookup } from './source-lookup.ts';
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
  /** Records an event that is a unit of work of its own, with its deliveries. */
  readonly record: RecordAlone;
  /** The rules of a private authority's certificates; answers the certificates alone. Fails with `invalid_ca`. */
  readonly checkedAuthorities: (pem: string) => string;
  /** An analysis was fetched: its reports can be made. */
  readonly fetched: () => void;
}

/** All that has to do with a SonarQube that tells of analyses: its routes, and what runs by itself. */
export interface Sonarqube {
  routes(server: HttpServer): Promise<void>;
  start(): void;
  stop(graceMs: number): Promise<void>;
}

export function createSonarqube(options: SonarqubeOptions): Sonarqube {
  const lookup = createSourceLookup(options);
  const intake = createIntake(options);
  const receipts = createReceipts(options);
  const guard = createSourceGuard({ allow: parseSourceAllowlist(options.configuration.sourcesAllow) });
  return {
    async routes(server) {
      await ingestRoutes(server, { lookup, intake, receipts, taken: () => {} });
      sourceRoutes(server, { ...options, guard, changed: lookup.forget, makeWebhook: async (source) => source });
    },
    start() {},
    async stop(_graceMs) {
      await receipts.stop();
    },
  };
}
