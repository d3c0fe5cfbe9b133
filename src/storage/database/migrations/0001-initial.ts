import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Columns } from './columns.ts';

type Shape = Readonly<Record<string, RawBuilder<unknown>>>;

/** The first shape of the database: everything that the report store, its webhooks and its tokens need. */
export function initial(columns: Columns): Migration {
  return {
    async up(db: Kysely<unknown>) {
      for (const [table, shape] of Object.entries(tables(columns))) await createTable(db, table, shape, columns);
      for (const statement of indexes(columns)) await sql.raw(statement).execute(db);
    },
  };
}

async function createTable(db: Kysely<unknown>, table: string, shape: Shape, columns: Columns): Promise<void> {
  const lines = Object.entries(shape).map(([name, definition]) => (name === '' ? definition : sql`${sql.ref(name)} ${definition}`));
  await sql`create table ${sql.table(table)} (${sql.join(lines)}) ${columns.tableEnd}`.execute(db);
}

function tables(columns: Columns): Readonly<Record<string, Shape>> {
  const { text, integer, bytes } = columns;
  const required = { text: sql`${text} not null`, integer: sql`${integer} not null` };
  const key = sql`${text} primary key not null`;
  const zero = sql`${integer} not null default 0`;
  return {
    ...tenantTables({ text, integer, required, key, zero }),
    ...analysisTables({ text, integer, required, key, zero }),
    ...reportTables({ text, integer, required, key, zero }),
    ...eventTables({ text, integer, required, key, zero }, bytes),
    ...deliveryTables({ text, integer, required, key, zero }),
    settings: { name: key, value: required.text },
  };
}

interface Types {
  readonly text: RawBuilder<unknown>;
  readonly integer: RawBuilder<unknown>;
  readonly required: { readonly text: RawBuilder<unknown>; readonly integer: RawBuilder<unknown> };
  readonly key: RawBuilder<unknown>;
  readonly zero: RawBuilder<unknown>;
}

function tenantTables({ text, integer, required, key, zero }: Types): Readonly<Record<string, Shape>> {
  return {
    organizations: {
      id: key,
      slug: sql`${text} not null unique`,
      name: required.text,
      language: required.text,
      reads_need_token: zero,
      standards: text,
      created: required.integer,
    },
    tokens: {
      id: key,
      organization: required.text,
      name: required.text,
      hash: sql`${text} not null unique`,
      tail: required.text,
      scopes: required.text,
      project: text,
      created: required.integer,
      last_used: integer,
      revoked: integer,
    },
    audit: {
      id: key,
      organization: required.text,
      at: required.integer,
      actor: required.text,
      action: required.text,
      subject: required.text,
      details: required.text,
    },
    projects: {
      id: key,
      organization: required.text,
      key: required.text,
      name: required.text,
      retention_versions: integer,
      retention_days: integer,
      created: required.integer,
    },
    idempotency: {
      organization: required.text,
      route: required.text,
      key: required.text,
      request_sha256: required.text,
      status: required.integer,
      response: required.text,
      created: required.integer,
      '': sql`primary key (organization, route, key)`,
    },
  };
}

function analysisTables({ text, integer, required, key, zero }: Types): Readonly<Record<string, Shape>> {
  return {
    analyses: {
      id: key,
      organization: required.text,
      project: required.text,
      branch: required.text,
      version: required.text,
      revision: text,
      date_given: text,
      date_text: required.text,
      date: required.integer,
      properties: required.text,
      body_sha256: required.text,
      body_bytes: required.integer,
      status: required.text,
      error_code: text,
      error_message: text,
      error_place: text,
      crashes: zero,
      due: zero,
      lease_token: text,
      lease_until: integer,
      facts: text,
      reports: text,
      findings_sha256: text,
      created: required.integer,
      finished: integer,
    },
    findings: {
      organization: required.text,
      project: required.text,
      branch: required.text,
      fingerprint: required.text,
      rule: required.text,
      severity: required.text,
      cwes: required.text,
      owasp: required.text,
      path: required.text,
      state: required.text,
      first_seen: required.integer,
      first_seen_analysis: required.text,
      last_seen: required.integer,
      last_seen_analysis: required.text,
      state_analysis: required.text,
      '': sql`primary key (project, branch, fingerprint)`,
    },
  };
}

function reportTables({ text, required, key }: Types): Readonly<Record<string, Shape>> {
  return {
    reports: {
      id: key,
      organization: required.text,
      project: required.text,
      branch: required.text,
      version: required.text,
      version_normal: required.text,
      version_key: required.text,
      type: required.text,
      edition: required.integer,
      date_text: required.text,
      date: required.integer,
      upload_date: required.integer,
      count: required.integer,
      rating: text,
      snapshot: required.text,
      listed: required.text,
      created: required.integer,
      '': sql`unique (project, branch, version_normal, type, edition)`,
    },
    snapshots: {
      id: key,
      organization: required.text,
      report: required.text,
      analysis: text,
      date_text: required.text,
      date: required.integer,
      revision: text,
      count: required.integer,
      rating: text,
      categories: required.text,
      content_sha256: required.text,
      made: required.integer,
    },
    snapshot_artifacts: {
      organization: required.text,
      snapshot: required.text,
      name: required.text,
      position: required.integer,
      media_type: required.text,
      sha256: required.text,
      bytes: required.integer,
      stored_bytes: required.integer,
      crc32: required.integer,
      method: required.text,
      '': sql`primary key (snapshot, name)`,
    },
  };
}

function eventTables({ text, integer, required, key }: Types, bytes: RawBuilder<unknown>): Readonly<Record<string, Shape>> {
  return {
    events: {
      id: key,
      organization: required.text,
      kind: required.text,
      project: text,
      facts: required.text,
      created: required.integer,
      fanned_out: required.integer,
    },
    webhooks: {
      id: key,
      organization: required.text,
      project: text,
      name: required.text,
      url: required.text,
      dialect: required.text,
      events: required.text,
      secret: required.text,
      secret_tail: required.text,
      previous_secret: text,
      previous_secret_until: integer,
      active: required.integer,
      created: required.integer,
      updated: required.integer,
    },
    event_bodies: {
      event: required.text,
      dialect: required.text,
      organization: required.text,
      content_type: required.text,
      body: sql`${bytes} not null`,
      '': sql`primary key (event, dialect)`,
    },
  };
}

function deliveryTables({ text, integer, required, key, zero }: Types): Readonly<Record<string, Shape>> {
  return {
    deliveries: {
      id: key,
      organization: required.text,
      event: required.text,
      kind: required.text,
      webhook: required.text,
      state: required.text,
      due: required.integer,
      lease_token: text,
      again: zero,
      attempts: zero,
      last_status: integer,
      last_error: text,
      created: required.integer,
      retry_until: required.integer,
      settled: integer,
    },
    attempts: {
      id: key,
      organization: required.text,
      delivery: required.text,
      number: required.integer,
      at: required.integer,
      duration_ms: required.integer,
      request: required.text,
      status: integer,
      response_headers: text,
      response_body: text,
      error: text,
    },
  };
}

const indexes = (columns: Columns): readonly string[] => [
  'create index tokens_organization on tokens (organization, id)',
  'create index audit_organization on audit (organization, id)',
  'create unique index projects_key on projects (organization, key)',
  'create index idempotency_created on idempotency (created)',
  'create index analyses_organization on analyses (organization, id)',
  'create index analyses_project on analyses (project, branch, date)',
  'create index analyses_body on analyses (organization, body_sha256)',
  'create index analyses_findings on analyses (organization, findings_sha256)',
  "create index analyses_pending on analyses (id) where status = 'pending'",
  // One analysis of a branch at a time: what is new and what is fixed is told against the one before.
  "create unique index analyses_running on analyses (project, branch) where status = 'running'",
  // The list's own order: newest version, newest date, then id. Every page is a range of this index.
  `create index reports_list on reports (organization, version_key desc, date desc, id${columns.listedInIndex})`,
  'create index reports_project on reports (project, branch, date)',
  'create index snapshots_report on snapshots (report, date)',
  'create index snapshots_analysis on snapshots (analysis)',
  'create index snapshot_artifacts_object on snapshot_artifacts (organization, sha256)',
  'create index events_organization on events (organization, id)',
  'create index events_created on events (created)',
  'create index events_waiting on events (id) where fanned_out = 0',
  'create index webhooks_organization on webhooks (organization, id)',
  // First attempts have a lane of their own, so that they never queue behind a backlog of retries.
  "create index deliveries_first on deliveries (webhook, due) where state = 'pending' and attempts = 0",
  "create index deliveries_retry on deliveries (webhook, due) where state = 'pending' and attempts > 0",
  "create index deliveries_leased on deliveries (due) where state = 'leased'",
  'create index deliveries_organization on deliveries (organization, id)',
  'create index deliveries_webhook on deliveries (webhook, id)',
  // Who looks for what went wrong, or waits, among a great many that were delivered.
  "create index deliveries_ended on deliveries (organization, state, id) where state in ('exhausted', 'cancelled')",
  "create index deliveries_open on deliveries (organization, id) where state in ('pending', 'leased')",
  // An event reaches a webhook by one delivery, however often the fan-out is done again.
  'create unique index deliveries_event on deliveries (event, webhook)',
  'create index deliveries_settled on deliveries (settled)',
  'create index attempts_delivery on attempts (delivery, number)',
];
