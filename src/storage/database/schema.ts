import type { Generated } from 'kysely';
import type {
  AttemptsTable,
  DeliveriesTable,
  EventBodiesTable,
  EventsTable,
  MailsTable,
  ReplaysTable,
  SubscriptionsTable,
  WebhookStatesTable,
  WebhooksTable,
} from './schema-delivery.ts';

import type {
  NumbersTable,
  PullCommentsTable,
  PullsTable,
  PushCommitsTable,
  PushesTable,
  RefIntentsTable,
  RepositoriesTable,
  RepositoryNamesTable,
} from './schema-repositories.ts';

export type * from './schema-delivery.ts';
export type * from './schema-repositories.ts';

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
  /** What stands for it where a whole number must; null: none was needed yet. */
  number: Generated<number | null>;
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
  /** Mail address of whoever uses it, or null; and what stands for it where a whole number must, once that was needed. */
  email: Generated<string | null>;
  number: Generated<number | null>;
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
  /** The quality gate its SARIF analyses are measured with; null: the organization's default. */
  gate: Generated<string | null>;
  readonly created: number;
}

/** A SonarQube server that tells an organization of analyses. */
export interface SourcesTable {
  readonly id: string;
  readonly organization: string;
  /** `sonarqube`. */
  readonly kind: string;
  name: string;
  url: string;
  /** AES-256-GCM, bound to the row: what is shown to the server, and what it signs its webhooks with. */
  token: string;
  token_tail: string;
  secret: string;
  secret_tail: string;
  /** The secret before it, which counts beside it until then; null: none does. */
  previous_secret: string | null;
  previous_secret_until: number | null;
  /** PEM of a private CA, or null. */
  ca: string | null;
  /** JSON SourceSettings. */
  settings: string;
  /** Key of the webhook that was made over there, or null. */
  webhook: string | null;
  /** `unchecked`, `ok`, or what is wrong: a stable code. */
  state: string;
  state_since: number;
  state_message: string | null;
  /** JSON: version, edition, mode, what the token may, which endpoints answer. */
  facts: string | null;
  checked: number | null;
  /** Everything up to then has been brought in. */
  caught_up: number | null;
  next_catch_up: number;
  lease_token: string | null;
  lease_until: number | null;
  last_received: number | null;
  readonly created: number;
  updated: number;
  revision: Generated<number>;
}

/** The newest analysis of a branch that came from a source: where catching up goes on. Project and branch by their names over there. */
export interface SourceMarksTable {
  readonly source: string;
  readonly organization: string;
  readonly project: string;
  readonly branch: string;
  analysis: string;
  date: number;
}

/** A quality gate of an organization, for analyses that bring none. */
export interface GatesTable {
  readonly id: string;
  readonly organization: string;
  name: string;
  /** JSON array of conditions. */
  conditions: string;
  is_default: Generated<number>;
  readonly created: number;
  updated: number;
}

export type AnalysisStatus = 'pending' | 'running' | 'done' | 'failed';

export interface AnalysesTable {
  readonly id: string;
  readonly organization: string;
  readonly project: string;
  /** Empty string where none was given, so that it can be part of a unique key on both databases. */
  readonly branch: string;
  /** `BRANCH` or `PULL_REQUEST`; `branch` is the pull request's key then. */
  readonly branch_type: Generated<string>;
  /** 1: its project's main branch at the source; null: not known, or its payload says so. */
  readonly branch_is_main: Generated<number | null>;
  /** Empty until it has been fetched. */
  version: string;
  revision: string | null;
  /** RFC 3339 as it came, or null where the caller gave none. */
  date_given: string | null;
  /** What is shown: `date_given`, else the scan's end, else when it came in. */
  date_text: string;
  date: number;
  /** JSON object of text. */
  readonly properties: string;
  /** What reports are made of; empty until it has been fetched. */
  body_sha256: string;
  body_bytes: number;
  /** What the body is: `sarif`, or `sonarqube` (what was fetched). */
  readonly kind: Generated<string>;
  /** What is to be done next: `fetch` its findings from its source, or `make` its reports. */
  stage: Generated<string>;
  /** The source that told of it, or null; and what tells it from all others of that source, whichever way it came. */
  readonly source: string | null;
  readonly source_key: string | null;
  /** The task and the analysis over there. */
  source_task: string | null;
  source_analysis: string | null;
  /** The source's webhook, byte for byte; null where none came. */
  readonly payload: Buffer | null;
  /** JSON GateFacts (events/event.ts): what its quality gate came to, or null where there was none. */
  gate: string | null;
  /** How often fetching was begun and did not succeed. */
  attempts: Generated<number>;
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
  sources: SourcesTable;
  source_marks: SourceMarksTable;
  gates: GatesTable;
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
  numbers: NumbersTable;
  repositories: RepositoriesTable;
  repository_names: RepositoryNamesTable;
  ref_intents: RefIntentsTable;
  pushes: PushesTable;
  push_commits: PushCommitsTable;
  pulls: PullsTable;
  pull_comments: PullCommentsTable;
}
