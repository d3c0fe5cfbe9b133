import type { Insertable } from 'kysely';
import type { EventFacts, EventKind } from '../../src/events/event.ts';
import { eventKinds } from '../../src/events/event.ts';
import { insertEvent, markFannedOut } from '../../src/events/record.ts';
import type { Identifiers } from '../../src/identifiers.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import type { Sealer } from '../../src/secret-key.ts';
import { createSealer } from '../../src/secret-key.ts';
import type { Database } from '../../src/storage/database/database.ts';
import type { DeliveriesTable } from '../../src/storage/database/schema.ts';
import { insertWebhook } from '../../src/webhooks/subscriptions/store.ts';
import type { TestClock } from '../http.ts';
import { createTestClock } from '../http.ts';
import { putRepository } from './repository-row.ts';

export interface Rows {
  readonly database: Database;
  readonly clock: TestClock;
  readonly ids: Identifiers;
  readonly sealer: Sealer;
  readonly organization: string;
  readonly slug: string;
  addWebhook(options?: {
    readonly events?: readonly EventKind[];
    readonly project?: string;
    readonly repository?: string;
    readonly refFilter?: string;
    readonly dialect?: string;
    readonly url?: string;
    readonly name?: string;
  }): Promise<string>;
  /** An event that was fanned out; deliveries are made apart. */
  addEvent(options?: {
    readonly kind?: EventKind;
    readonly project?: string | null;
    readonly repository?: string | null;
    readonly ref?: string | null;
    readonly facts?: EventFacts;
  }): Promise<string>;
  addDelivery(event: string, webhook: string, row?: Partial<Insertable<DeliveriesTable>>): Promise<string>;
  delivery(id: string): Promise<Record<string, unknown>>;
}

/** An organization whose webhooks, events and deliveries a test puts in place row by row, under a clock that stands. Nothing is sent. */
export async function createRows(database: Database, clock: TestClock = createTestClock()): Promise<Rows> {
  const ids = createIdentifiers(clock);
  const sealer = createSealer(Buffer.alloc(32, 7));
  const made = await database.write((tx) => createOrganization({ tx, name: 'Example', actor: 'cli', ids, clock }));
  const organization = made.organization.id;
  return {
    database,
    clock,
    ids,
    sealer,
    organization,
    slug: made.organization.slug,
    async addWebhook({ events = eventKinds, project, repository, url = 'https://example.com/hook', name = 'a webhook', ...more } = {}) {
      const scope = {
        project: project === undefined ? null : { id: project, key: project },
        repository: repository === undefined ? null : { id: repository, name: repository },
      };
      const options = { organization, ...scope, name, url: new URL(url), events, dialect: 'report', secret: 'secret', ...more };
      const webhook = await database.write(async (tx) => {
        if (repository !== undefined) await putRepository({ tx, organization, id: repository });
        return insertWebhook({ tx, ...options, actor: 'cli', sealer, ids, clock });
      });
      return webhook.id;
    },
    async addEvent({
      kind = 'report.ingested',
      project = null,
      repository = null,
      ref = null,
      facts = { organizationId: organization, reports: [] },
    } = {}) {
      const event = { id: ids.next(), organization, kind, project, repository, ref, facts, created: clock.now() };
      await database.write(async (tx) => {
        await insertEvent({ tx, event });
        await markFannedOut({ tx, organization, event: event.id });
      });
      return event.id;
    },
    async addDelivery(event, webhook, row = {}) {
      const id = ids.next();
      const now = clock.now();
      const values = { id, organization, event, webhook, kind: 'report.ingested', state: 'pending' as const, due: now, created: now };
      await database.write((tx) =>
        tx
          .insertInto('deliveries')
          .values({ ...values, retry_until: now, lease_token: null, last_status: null, last_error: null, settled: null, ...row })
          .execute(),
      );
      return id;
    },
    async delivery(id) {
      return await database.read.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    },
  };
}
