import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Columns } from './columns.ts';

/**
 * Analyses that a SonarQube tells of: where they come from, what was sent, and that their findings must be fetched before reports can be made;
 * quality gates of our own; and the gate that an analysis came to.
 */
export function sonarqube(columns: Columns): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await addColumns(db, columns);
      for (const statement of tables(columns)) await statement.execute(db);
      for (const statement of indexes) await sql.raw(statement).execute(db);
    },
  };
}

async function addColumns(db: Kysely<unknown>, { text, integer, bytes }: Columns): Promise<void> {
  const added: Readonly<Record<string, Readonly<Record<string, RawBuilder<unknown>>>>> = {
    analyses: {
      kind: sql`${text} not null default 'sarif'`,
      stage: sql`${text} not null default 'make'`,
      source: text,
      source_key: text,
      source_task: text,
      source_analysis: text,
      payload: bytes,
      gate: text,
      branch_type: sql`${text} not null default 'BRANCH'`,
      branch_is_main: integer,
      attempts: sql`${integer} not null default 0`,
    },
    projects: { gate: text },
  };
  for (const [table, shape] of Object.entries(added)) {
    for (const [name, definition] of Object.entries(shape)) {
      await sql`alter table ${sql.table(table)} add column ${sql.ref(name)} ${definition}`.execute(db);
    }
  }
}

const tables = ({ text, integer, tableEnd }: Columns): readonly RawBuilder<unknown>[] => [
  sql`create table sources (
    id ${text} primary key not null, organization ${text} not null, kind ${text} not null, name ${text} not null, url ${text} not null,
    token ${text} not null, token_tail ${text} not null, secret ${text} not null, secret_tail ${text} not null,
    previous_secret ${text}, previous_secret_until ${integer}, ca ${text},
    settings ${text} not null, webhook ${text}, state ${text} not null, state_since ${integer} not null, state_message ${text}, facts ${text},
    checked ${integer}, caught_up ${integer}, next_catch_up ${integer} not null, lease_token ${text}, lease_until ${integer},
    last_received ${integer}, created ${integer} not null, updated ${integer} not null, revision ${integer} not null default 0) ${tableEnd}`,
  sql`create table source_marks (
    source ${text} not null, organization ${text} not null, project ${text} not null, branch ${text} not null,
    analysis ${text} not null, date ${integer} not null, primary key (source, project, branch)) ${tableEnd}`,
  sql`create table gates (
    id ${text} primary key not null, organization ${text} not null, name ${text} not null, conditions ${text} not null,
    is_default ${integer} not null default 0, created ${integer} not null, updated ${integer} not null) ${tableEnd}`,
];

const indexes: readonly string[] = [
  // What is claimed by, in the order it is claimed in: whatever is passed over is so without a look at its row, which may be large.
  'drop index analyses_pending',
  "create index analyses_pending on analyses (stage, source, due, date, id, project, branch, body_bytes) where status = 'pending'",
  // What waits for another try, which is little of all that waits.
  "create index analyses_later on analyses (due, source) where status = 'pending' and due > 0",
  // Whichever way an analysis came: once.
  'create unique index analyses_source_key on analyses (source, source_key) where source is not null',
  // What was found without a webhook, its task unknown: asked for with each webhook that comes, and next to none of all that is there.
  `create index analyses_untold on analyses (source, project, branch, date)
    where kind = 'sonarqube' and payload is null and source_task is null`,
  'create index analyses_source_task on analyses (organization, source_task) where source_task is not null',
  'create index sources_organization on sources (organization, id)',
  'create unique index gates_name on gates (organization, name)',
  'create unique index gates_default on gates (organization) where is_default = 1',
];
