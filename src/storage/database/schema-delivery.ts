import type { Generated } from 'kysely';

// Events, webhooks and deliveries. What holds for schema.ts holds here.

export interface EventsTable {
  readonly id: string;
  readonly organization: string;
  readonly kind: string;
  readonly project: string | null;
  /** The repository it is about, and of a push the ref that moved; null: none. */
  readonly repository: Generated<string | null>;
  readonly ref: Generated<string | null>;
  readonly facts: string;
  readonly created: number;
  /** 0 until its deliveries are made: the mark of DESIGN, section 3. */
  fanned_out: number;
}

export interface WebhooksTable {
  readonly id: string;
  readonly organization: string;
  /** Project id, or null: organization-wide, or for one repository. */
  readonly project: string | null;
  /** Repository id, or null. Never both. */
  readonly repository: Generated<string | null>;
  /** Of a repository's webhook: unique there, never changed; null: it has none. */
  readonly hook_id: Generated<string | null>;
  name: string;
  /** Encrypted where it holds credentials; see webhooks/subscriptions. */
  url: string;
  dialect: string;
  /** JSON array of event kinds. */
  events: string;
  /** AES-256-GCM, bound to the row. */
  secret: string;
  secret_tail: string;
  /** JSON: the secret that still signs beside the new one and until when, or null. */
  previous_secret: string | null;
  previous_secret_until: number | null;
  active: number;
  readonly created: number;
  updated: number;
  /** Grows with every change, so that whoever holds an opened copy of the row knows that it is old. */
  revision: Generated<number>;
  /** `none`, `hourly`, `backoff`. */
  retry: Generated<string>;
  /** 1: strict order, one delivery after the other. */
  ordered: Generated<number>;
  /** At most so many attempts in each period; null: as many as it takes. */
  rate_count: Generated<number | null>;
  rate_period_ms: Generated<number | null>;
  /** Added headers: a JSON object, encrypted. */
  headers: Generated<string | null>;
  /** The outgoing proxy's URL, encrypted; null: the server's. */
  proxy: Generated<string | null>;
  /** PEM of the private CA; null: the server's. */
  ca: Generated<string | null>;
  /** The sensitive query string, encrypted; null: none. */
  query: Generated<string | null>;
  /** Glob of branches and refs that pushes must match; null: all. */
  ref_filter: Generated<string | null>;
  off_since: Generated<number | null>;
  /** `by_hand`, `gone` (it answered 410), `failing`. */
  off_reason: Generated<string | null>;
}

/** Who wants which events: one row for each kind of a webhook that is on. `project` is empty where it is for the whole organization. */
export interface SubscriptionsTable {
  readonly organization: string;
  readonly kind: string;
  /** Whose events: a repository's id, a project's, or '' for all of the organization. */
  readonly scope: string;
  readonly webhook: string;
  dialect: string;
  /** Glob that the ref of a push must match; null: all. */
  ref_filter: Generated<string | null>;
  /** Events before this were not wanted when they happened. */
  readonly since: number;
}

/** How a webhook does. There is a row for every webhook. */
export interface WebhookStatesTable {
  readonly webhook: string;
  readonly organization: string;
  /** Failed attempts since the last success. */
  failures: Generated<number>;
  /** When the first of them ended; null: the last attempt worked, or there was none. */
  failing_since: Generated<number | null>;
  last_failure: Generated<number | null>;
  last_success: Generated<number | null>;
  last_status: Generated<number | null>;
  last_error: Generated<string | null>;
  /** 1: its last outcome was a timeout or slow. */
  slow: Generated<number>;
  /** Nothing but what a person asks for is sent before this; for a webhook in strict order also when its first delivery is tried again. */
  resting_until: Generated<number | null>;
  /** When its administrators were warned of this row of failures. */
  warned: Generated<number | null>;
  /** `disabled`: it was switched off by the engine and nobody has been told yet. */
  announce: Generated<string | null>;
  /** Rate limit: the time up to which attempts are spoken for, in microseconds since 1970. */
  rate_at: Generated<number>;
}

export interface ReplaysTable {
  readonly id: string;
  readonly organization: string;
  readonly webhook: string;
  readonly since: number;
  readonly until: number;
  /** `failed` or `all`. */
  readonly which: string;
  /** `running`, `done`, `cancelled`. */
  state: string;
  /** Events up to this id have been looked at. */
  after_event: string;
  /** How many events were looked at, and how many deliveries asked for. */
  events: number;
  deliveries: number;
  readonly created: number;
  finished: number | null;
}

/** The outbox of mails: what a webhook cannot announce itself. */
export interface MailsTable {
  readonly id: string;
  readonly organization: string;
  /** JSON array of addresses. */
  readonly recipients: string;
  readonly subject: string;
  readonly body: string;
  /** `pending`, `sent`, `failed`. */
  state: string;
  due: number;
  attempts: number;
  last_error: string | null;
  readonly created: number;
  settled: number | null;
}

export interface EventBodiesTable {
  readonly event: string;
  readonly dialect: string;
  readonly organization: string;
  readonly content_type: string;
  /** Empty: the event's facts, byte for byte. */
  readonly body: Buffer;
}

export type DeliveryState = 'pending' | 'leased' | 'delivered' | 'exhausted' | 'cancelled';

export interface DeliveriesTable {
  /** Also the `webhook-id` header: the same over all attempts and resends. */
  readonly id: string;
  readonly organization: string;
  readonly event: string;
  readonly kind: string;
  readonly webhook: string;
  state: DeliveryState;
  /** 0 asked for by a person, 1 first attempt, 2 retry, 3 replay: claimed in this order, each with its share. */
  lane: Generated<number>;
  /** When the next attempt is due, or when the lease ends while it is leased. */
  due: number;
  lease_token: string | null;
  /** 1: asked for again while an attempt was under way, so that its end is a new beginning, whatever it brings. */
  again: Generated<number>;
  /** How many were made and settled. */
  attempts: Generated<number>;
  last_status: number | null;
  last_error: string | null;
  readonly created: number;
  /** When hourly retries end. */
  retry_until: number;
  settled: number | null;
}

export interface AttemptsTable {
  readonly id: string;
  readonly organization: string;
  readonly delivery: string;
  readonly number: number;
  readonly at: number;
  readonly duration_ms: number;
  /** JSON: method, url (masked), headers (signatures masked). */
  readonly request: string;
  readonly status: number | null;
  /** JSON object or null. */
  readonly response_headers: string | null;
  readonly response_body: string | null;
  /** Stable code such as `connection_refused`, or null. */
  readonly error: string | null;
}
