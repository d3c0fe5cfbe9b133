import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Columns } from './columns.ts';

/** Repositories, what was pushed to them, pull requests; webhooks of one repository, with filters of refs. */
export function repositories(columns: Columns): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await addColumns(db, columns);
      // A project's id or a repository's, or '' for all of the organization.
      await sql.raw('alter table subscriptions rename column project to scope').execute(db);
      for (const statement of tables(columns)) await statement.execute(db);
      for (const statement of indexes) await sql.raw(statement).execute(db);
    },
  };
}

async function addColumns(db: Kysely<unknown>, { text, integer }: Columns): Promise<void> {
  const added: Readonly<Record<string, Readonly<Record<string, RawBuilder<unknown>>>>> = {
    organizations: { number: integer },
    tokens: { email: text, number: integer },
    events: { repository: text, ref: text },
    webhooks: { repository: text, hook_id: text, query: text, ref_filter: text },
    subscriptions: { ref_filter: text },
  };
  for (const [table, shape] of Object.entries(added)) {
    for (const [name, definition] of Object.entries(shape)) {
      await sql`alter table ${sql.table(table)} add column ${sql.ref(name)} ${definition}`.execute(db);
    }
  }
}

const tables = ({ text, integer, tableEnd }: Columns): readonly RawBuilder<unknown>[] => [
  sql`create table numbers (name ${text} primary key not null, last ${integer} not null) ${tableEnd}`,
  sql`create table repositories (
    id ${text} primary key not null, organization ${text} not null, number ${integer} not null, name ${text} not null, name_key ${text} not null,
    description ${text} not null, project ${text}, default_branch ${text} not null, archived ${integer} not null default 0, node ${text} not null,
    bytes_max ${integer}, object_bytes_max ${integer}, refs_max ${integer}, bytes ${integer} not null default 0,
    last_pull ${integer} not null default 0, created ${integer} not null, updated ${integer} not null, pushed ${integer}, deleted ${integer}) ${tableEnd}`,
  sql`create table repository_names (
    organization ${text} not null, name_key ${text} not null, repository ${text}, retired ${integer} not null,
    primary key (organization, name_key)) ${tableEnd}`,
  sql`create table ref_intents (
    id ${text} primary key not null, organization ${text} not null, repository ${text} not null, node ${text} not null, actor ${text} not null,
    commands ${text} not null, options ${text} not null, purpose ${text}, pid ${integer}, created ${integer} not null) ${tableEnd}`,
  sql`create table pushes (
    id ${text} primary key not null, organization ${text} not null, repository ${text} not null, ref ${text} not null, before ${text} not null,
    after ${text} not null, forced ${integer} not null, actor ${text} not null, commits ${integer} not null, created ${integer} not null) ${tableEnd}`,
  sql`create table push_commits (
    repository ${text} not null, sha ${text} not null, organization ${text} not null, push ${text} not null,
    primary key (repository, sha)) ${tableEnd}`,
  sql`create table pulls (
    id ${text} primary key not null, organization ${text} not null, repository ${text} not null, number ${integer} not null,
    serial ${integer} not null, title ${text} not null, body ${text} not null, author ${text} not null, state ${text} not null,
    base ${text} not null, head ${text}, head_gone ${integer} not null default 0, topic ${text}, head_sha ${text} not null, base_sha ${text} not null, merge_base ${text} not null,
    mergeable ${text} not null, mergeable_of ${text}, counts ${text} not null, merge_sha ${text}, merged_by ${text},
    comments ${integer} not null default 0, created ${integer} not null, updated ${integer} not null, closed ${integer}) ${tableEnd}`,
  sql`create table pull_comments (
    id ${text} primary key not null, organization ${text} not null, repository ${text} not null, pull ${text} not null,
    serial ${integer} not null, author ${text} not null, body ${text} not null, created ${integer} not null, updated ${integer} not null) ${tableEnd}`,
];

const indexes: readonly string[] = [
  'create unique index repositories_name on repositories (organization, name_key)',
  'create unique index repositories_number on repositories (number)',
  'create index repositories_deleted on repositories (node, deleted) where deleted is not null',
  'create index repositories_project on repositories (project) where project is not null',
  'create index ref_intents_node on ref_intents (node, repository, id)',
  'create index pushes_repository on pushes (repository, id)',
  'create index pushes_after on pushes (repository, after)',
  'create index push_commits_push on push_commits (push)',
  'create unique index pulls_number on pulls (repository, number)',
  "create index pulls_head on pulls (repository, head) where state = 'open'",
  "create index pulls_base on pulls (repository, base) where state = 'open'",
  'create index pull_comments_pull on pull_comments (pull, id)',
  'create unique index webhooks_hook on webhooks (repository, hook_id) where hook_id is not null',
  'create index events_repository on events (repository, id) where repository is not null',
];
