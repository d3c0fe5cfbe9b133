import type { Generated } from 'kysely';

// Times are integer milliseconds since 1970 (UTC). Booleans are 0 or 1. JSON is text. Ids are UUIDs as text.
// The names here are the names in both databases. `Generated` columns have a default.

export interface OrganizationsTable {
  readonly id: string;
  slug: string;
  name: string;
  language: string;
  /** 1: the report API's reads need a token. */
  reads_need_token: Generated<number>;
  /** JSON: [{ "type", "edition" }] or null for the newest of each. */
  standards: string | null;
  /** JSON array of addresses that are told by mail of webhooks that fail, or null. */
  mail_to: Generated<string | null>;
  /** How long a name and id stay reserved is for ever: a deleted organization's row is gone, its slug is free again. */
  readonly created: number;
}

export interface TokensTable {
  readonly id: string;
  readonly organization: string;
  name: string;
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string;
  /** Last four characters, to recognise it by. */
  readonly tail: string;
  /** JSON array of scopes. */
  readonly scopes: string;
  /** Project id, or null for all. */
  readonly project: string | null;
  readonly created: number;
  last_used: number | null;
  revoked: number | null;
}

export interface AuditTable {
  readonly id: string;
  readonly organization: string;
  readonly at: number;
  /** `token:<id>`, `cli`, `system`. */
  readonly actor: string;
  /** Such as `project.deleted`. */
  readonly action: string;
  readonly subject: string;
  /** JSON; never a secret. */
  readonly details: string;
}

export interface ProjectsTable {
  readonly id: string;
  readonly organization: string;
  readonly key: string;
  name: string;
  /** How many versions a branch keeps, null: all. */
  retention_versions: number | null;
  /** How many days a version is kept, null: for ever. */
  retention_days: number | null;
  readonly created: number;
}

export type AnalysisStatus = 'pending' | 'running' | 'done' | 'failed';

export interface AnalysesTable {
  readonly id: string;
  readonly organization: string;
  readonly project: string;
  /** Empty string where none was given, so that it can be part of a unique key on both databases. */
  readonly branch: string;
  readonly version: string;
  readonly revision: string | null;
  /** RFC 3339 as it came, or null where the caller gave none. */
  readonly date_given: string | null;
  /** What is shown: `date_given`, else the scan's end, else when it came in. */
  date_text: string;
  date: number;
  /** JSON object of text. */
  readonly properties: string;
  readonly body_sha256: string;
  readonly body_bytes: number;
  status: AnalysisStatus;
  error_code: string | null;
  error_message: string | null;
  /** JSON: { "pointer"?, "line"?, "column"?, "offset"? } */
  error_place: string | null;
  /** How often a child process that worked on it died. At three it has failed. */
  crashes: Generated<number>;
  /** Not before this: when one that could not be worked on is tried again. */
  due: Generated<number>;
  /** Who works on it, and until when that is believed. */
  lease_token: string | null;
  lease_until: number | null;
  /** JSON AnalysisFacts once done. */
  facts: string | null;
  /** JSON array of the ids of its reports once done, unchanged ones too. */
  reports: string | null;
  /** SHA-256 of the compressed list of all findings, once done. */
  findings_sha256: string | null;
  readonly created: number;
  finished: number | null;
}

export interface FindingsTable {
  readonly organization: string;
  readonly project: string;
  readonly branch: string;
  readonly fingerprint: string;
  rule: string;
  severity: string;
  /** JSON array of numbers. */
  cwes: string;
  /** JSON array of { edition, id }. */
  owasp: string;
  path: string;
  /** `open`, `review`, `suppressed`, or `fixed`. */
  state: string;
  readonly first_seen: number;
  readonly first_seen_analysis: string;
  last_seen: number;
  last_seen_analysis: string;
  /** The analysis that last changed `state` from or to `fixed`: what makes a repeated run come to the same end. */
  state_analysis: string;
}

export interface ReportsTable {
  readonly id: string;
  readonly organization: string;
  readonly project: string;
  readonly branch: string;
  /** As it came. */
  version: string;
  /** Canonical text: what tells one version from another (build metadata included). */
  readonly version_normal: string;
  /** Order-preserving; see reports/version.ts. */
  readonly version_key: string;
  readonly type: string;
  readonly edition: number;
  date_text: string;
  date: number;
  upload_date: number;
  count: number;
  rating: string | null;
  /** The newest snapshot. */
  snapshot: string;
  /** JSON ListedReport exactly as the list shows it. */
  listed: string;
  readonly created: number;
}

export interface SnapshotsTable {
  readonly id: string;
  readonly organization: string;
  readonly report: string;
  /** Null for ready-made reports. */
  readonly analysis: string | null;
  readonly date_text: string;
  readonly date: number;
  readonly revision: string | null;
  readonly count: number;
  readonly rating: string | null;
  /** JSON: per category id the direct count; for trends. */
  readonly categories: string;
  readonly content_sha256: string;
  readonly made: number;
}

export interface SnapshotArtifactsTable {
  readonly organization: string;
  readonly snapshot: string;
  readonly name: string;
  readonly position: number;
  readonly media_type: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly stored_bytes: number;
  readonly crc32: number;
  readonly method: string;
}

export interface EventsTable {
  readonly id: string;
  readonly organization: string;
  readonly kind: string;
  readonly project: string | null;
  readonly facts: string;
  readonly created: number;
  /** 0 until its deliveries are made: the mark of DESIGN, section 3. */
  fanned_out: number;
}

export interface WebhooksTable {
  readonly id: string;
  readonly organization: string;
  /** Project id, or null: organization-wide. */
  readonly project: string | null;
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
  off_since: Generated<number | null>;
  /** `by_hand`, `gone` (it answered 410), `failing`. */
  off_reason: Generated<string | null>;
}

/** Who wants which events: one row for each kind of a webhook that is on. `project` is empty where it is for the whole organization. */
export interface SubscriptionsTable {
  readonly organization: string;
  readonly kind: string;
  readonly project: string;
  readonly webhook: string;
  dialect: string;
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

export interface IdempotencyTable {
  readonly organization: string;
  readonly route: string;
  readonly key: string;
  readonly request_sha256: string;
  readonly status: number;
  readonly response: string;
  readonly created: number;
}

/** Facts about this database itself, such as the fingerprint of the key that its secrets are encrypted with. */
export interface SettingsTable {
  readonly name: string;
  value: string;
}

export interface Schema {
  organizations: OrganizationsTable;
  tokens: TokensTable;
  audit: AuditTable;
  subscriptions: SubscriptionsTable;
  webhook_states: WebhookStatesTable;
  replays: ReplaysTable;
  mails: MailsTable;
  projects: ProjectsTable;
  analyses: AnalysesTable;
  findings: FindingsTable;
  reports: ReportsTable;
  snapshots: SnapshotsTable;
  snapshot_artifacts: SnapshotArtifactsTable;
  events: EventsTable;
  webhooks: WebhooksTable;
  event_bodies: EventBodiesTable;
  deliveries: DeliveriesTable;
  attempts: AttemptsTable;
  idempotency: IdempotencyTable;
  settings: SettingsTable;
}
