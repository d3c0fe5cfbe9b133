import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Columns } from './columns.ts';

/**
 * What claiming by what is ready needs: who wants which events as rows of their own, how each webhook does, a lane for every delivery; and what
 * a webhook can be told beside its URL. Replays and mails are rows, since both outlive the process that began them.
 */
export function deliveryEngine(columns: Columns): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await addColumns(db, columns);
      for (const statement of tables(columns)) await statement.execute(db);
      for (const statement of indexes) await sql.raw(statement).execute(db);
      for (const statement of carryOver) await sql.raw(statement).execute(db);
      for (const [table, settings] of Object.entries(vacuumed)) await columns.vacuum(table, settings)?.execute(db);
    },
  };
}

async function addColumns(db: Kysely<unknown>, { text, integer }: Columns): Promise<void> {
  const added: Readonly<Record<string, Readonly<Record<string, RawBuilder<unknown>>>>> = {
    deliveries: { lane: sql`${integer} not null default 1` },
    webhooks: {
      revision: sql`${integer} not null default 0`,
      retry: sql`${text} not null default 'hourly'`,
      ordered: sql`${integer} not null default 0`,
      rate_count: integer,
      rate_period_ms: integer,
      headers: text,
      proxy: text,
      ca: text,
      off_since: integer,
      off_reason: text,
    },
    organizations: { mail_to: text },
  };
  for (const [table, shape] of Object.entries(added)) {
    for (const [name, definition] of Object.entries(shape)) {
      await sql`alter table ${sql.table(table)} add column ${sql.ref(name)} ${definition}`.execute(db);
    }
  }
}

const tables = ({ text, integer, tableEnd }: Columns): readonly RawBuilder<unknown>[] => [
  sql`create table subscriptions (
    organization ${text} not null, kind ${text} not null, project ${text} not null, webhook ${text} not null,
    dialect ${text} not null, since ${integer} not null, primary key (organization, kind, project, webhook)) ${tableEnd}`,
  sql`create table webhook_states (
    webhook ${text} primary key not null, organization ${text} not null, failures ${integer} not null default 0, failing_since ${integer},
    last_failure ${integer}, last_success ${integer}, last_status ${integer}, last_error ${text}, slow ${integer} not null default 0,
    resting_until ${integer}, warned ${integer}, announce ${text}, rate_at ${integer} not null default 0) ${tableEnd}`,
  sql`create table replays (
    id ${text} primary key not null, organization ${text} not null, webhook ${text} not null, since ${integer} not null,
    until ${integer} not null, which ${text} not null, state ${text} not null, after_event ${text} not null, events ${integer} not null,
    deliveries ${integer} not null, created ${integer} not null, finished ${integer}) ${tableEnd}`,
  sql`create table mails (
    id ${text} primary key not null, organization ${text} not null, recipients ${text} not null, subject ${text} not null,
    body ${text} not null, state ${text} not null, due ${integer} not null, attempts ${integer} not null, last_error ${text},
    created ${integer} not null, settled ${integer}) ${tableEnd}`,
];

const indexes: readonly string[] = [
  'drop index deliveries_first',
  'drop index deliveries_retry',
  'drop index deliveries_leased',
  // The purge walks by id, which is the order of time: two indexes less for every event and delivery.
  'drop index deliveries_settled',
  'drop index events_created',
  // What waits for a webhook, lane by lane: claiming is a range of it.
  "create index deliveries_ready on deliveries (webhook, lane, due, id) where state = 'pending'",
  "create index deliveries_leased on deliveries (webhook, due) where state = 'leased'",
  'create index subscriptions_webhook on subscriptions (webhook)',
  'create index replays_webhook on replays (organization, webhook, id)',
  // One at a time for a webhook.
  "create unique index replays_running on replays (webhook) where state = 'running'",
  "create index mails_pending on mails (due) where state = 'pending'",
  'create index webhook_states_failing on webhook_states (failing_since) where failing_since is not null',
  'create index webhook_states_announce on webhook_states (webhook) where announce is not null',
];

/**
 * Where rows come and go for ever, space is made free again as fast as it is used: after a share of the table that stays small however large it
 * grows. States are written with every outcome and keep room beside each row, so that most changes need no index entry.
 */
const frequent = { autovacuum_vacuum_scale_factor: 0.02, autovacuum_vacuum_insert_scale_factor: 0.05, autovacuum_vacuum_cost_delay: 1 };
const vacuumed: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  events: frequent,
  event_bodies: frequent,
  deliveries: { ...frequent, fillfactor: 90 },
  attempts: frequent,
  webhook_states: { ...frequent, fillfactor: 50 },
};

/** Webhooks and deliveries made before this step. `webhook.test` and the like are not asked for, so these two kinds are all there can be. */
const carryOver: readonly string[] = [
  'update deliveries set lane = 2 where attempts > 0',
  'insert into webhook_states (webhook, organization) select id, organization from webhooks',
  ...['report.ingested', 'report.updated'].map(
    (kind) =>
      `insert into subscriptions (organization, kind, project, webhook, dialect, since)
       select organization, '${kind}', coalesce(project, ''), id, dialect, created from webhooks
       where active = 1 and events like '%"${kind}"%'`,
  ),
];
