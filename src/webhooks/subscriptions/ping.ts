import type { Clock } from '../../clock.ts';
import { timestampText } from '../../clock.ts';
import type { GatepostEvent, PingFacts } from '../../events/event.ts';
import type { Caller } from '../../http/caller.ts';
import type { Identifiers } from '../../identifiers.ts';
import { personOf } from '../../organizations/people.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { insertOwnDelivery } from '../delivery/test-delivery.ts';
import { dialectOf } from '../dialects/all.ts';
import type { WebhookRepositories } from './repositories.ts';
import type { Webhook } from './webhook.ts';

/** What a ping says beside the webhook itself. */
export type PingAbout = Omit<PingFacts, 'hook'>;

export interface PingAboutOptions {
  readonly database: Database;
  readonly caller: Pick<Caller, 'organization' | 'slug' | 'token'>;
  readonly dialect: string;
  /** Repository id, or null. */
  readonly repository: string | null;
  readonly repositories: WebhookRepositories;
  readonly serverUrl: string;
}

/** Asked for before the webhook is made, since it looks at a repository; null: its dialect does not greet. */
export async function pingAbout(options: PingAboutOptions): Promise<PingAbout | null> {
  const { database, caller, dialect, repository, repositories, serverUrl } = options;
  if (dialectOf(dialect).pings !== true) return null;
  const { organization, slug, token } = caller;
  return {
    organization: slug,
    serverUrl,
    repository: repository === null ? null : await repositories.facts({ organization, repository, serverUrl }),
    sender: await personOf({ database, organization, token }),
  };
}

export interface InsertPingOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly webhook: Webhook;
  readonly about: PingAbout;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Tells a new webhook that it is one: an event of its own, tried once like a test delivery. Answers the delivery's id. */
export async function insertPing({ tx, organization, webhook, about, ids, clock }: InsertPingOptions): Promise<string> {
  const { id, name, url, events, hasSecret, created } = webhook;
  const hook = { id, name, url, events, hasSecret, created: timestampText(created) };
  const event: GatepostEvent = {
    id: ids.next(),
    organization,
    kind: 'webhook.ping',
    project: webhook.project?.id ?? null,
    repository: webhook.repository?.id ?? null,
    ref: null,
    facts: { ...about, hook },
    created: clock.now(),
  };
  return insertOwnDelivery({ tx, webhook, event, ids });
}
