import { systemClock } from '../../src/clock.ts';
import type { EventKind } from '../../src/events/event.ts';
import { eventKinds } from '../../src/events/event.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { createSealer } from '../../src/secret-key.ts';
import type { Database } from '../../src/storage/database/database.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import { insertWebhook } from '../../src/webhooks/subscriptions/store.ts';
import { secretKey } from './server.ts';

/** The secret of every webhook made here. */
export const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export interface MadeWebhook {
  readonly id: string;
  readonly organization: string;
}

export interface Tenant {
  readonly id: string;
  /** With every scope. */
  readonly token: string;
  readonly webhooks: readonly MadeWebhook[];
}

const ids = createIdentifiers();
const clock = systemClock;
/** Of one unit of work: a unit may hold the writer only so long. */
const webhooksAtOnce = 50;

/** An organization with webhooks at these URLs, made through the stores: before a server is there, or beside it. */
export async function makeTenant(
  location: DatabaseLocation,
  {
    name = 'Delivery',
    urls,
    events = eventKinds,
  }: { readonly name?: string; readonly urls: readonly string[]; readonly events?: readonly EventKind[] },
): Promise<Tenant> {
  return withDatabase(location, async (database) => {
    const made = await database.write((tx) => createOrganization({ tx, name, actor: 'cli', ids, clock }));
    const { id } = made.organization;
    return { id, token: made.token.token, webhooks: await addWebhooks(database, { organization: id, urls, events }) };
  });
}

/** Many organizations of one webhook each. */
export async function makeTenants(location: DatabaseLocation, urls: readonly string[]): Promise<readonly MadeWebhook[]> {
  return withDatabase(location, async (database) => {
    const all: MadeWebhook[] = [];
    for (const [number, url] of urls.entries()) {
      const made = await database.write((tx) => createOrganization({ tx, name: `Tenant ${number}`, actor: 'cli', ids, clock }));
      all.push(...(await addWebhooks(database, { organization: made.organization.id, urls: [url], events: eventKinds })));
    }
    return all;
  });
}

async function addWebhooks(
  database: Database,
  {
    organization,
    urls,
    events,
  }: { readonly organization: string; readonly urls: readonly string[]; readonly events: readonly EventKind[] },
): Promise<readonly MadeWebhook[]> {
  const sealer = createSealer(Buffer.from(secretKey, 'base64'));
  const all: MadeWebhook[] = [];
  for (let from = 0; from < urls.length; from += webhooksAtOnce) {
    const some = urls.slice(from, from + webhooksAtOnce);
    const made = await database.write(async (tx) => {
      const rows: MadeWebhook[] = [];
      for (const [number, url] of some.entries()) {
        const webhook = await insertWebhook({
          tx,
          organization,
          project: null,
          name: `receiver ${from + number}`,
          url: new URL(url),
          events,
          dialect: 'report',
          secret: webhookSecret,
          actor: 'cli',
          sealer,
          ids,
          clock,
        });
        rows.push({ id: webhook.id, organization });
      }
      return rows;
    });
    all.push(...made);
  }
  return all;
}

async function withDatabase<T>(location: DatabaseLocation, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(location, 'tool');
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
