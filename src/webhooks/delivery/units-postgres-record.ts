import { sql } from 'kysely';
import { systemClock } from '../../clock.ts';
import { createIdentifiers } from '../../identifiers.ts';
import type { Tx } from '../../storage/database/database.ts';
import { dialectOf } from '../dialects/all.ts';
import { aboutWebhook, eventOf } from './event-row.ts';
import type { EventToRecord, Made, RecordInput, Recorded } from './unit-rows.ts';
import { lanes, latin1 } from './unit-rows.ts';

// A few statements for all events of a unit, each taking arrays: what counts here is how often the server is asked.

const ids = createIdentifiers(systemClock);

interface Wanting {
  readonly event: string;
  readonly webhook: string;
  readonly dialect: string;
  readonly revision: number;
}

export async function recordOnPostgres(tx: Tx, input: RecordInput): Promise<readonly Recorded[]> {
  const wanting = await wantingOf(tx, input);
  const of = new Map<string, Wanting[]>(input.events.map((event) => [event.id, []]));
  for (const each of wanting) of.get(each.event)?.push(each);
  const recorded = input.events.map((event): Recorded => {
    const targets = of.get(event.id) ?? [];
    const made = targets.map(({ webhook, dialect, revision }) => {
      return { webhook, dialect, delivery: ids.next(), leased: event.lease.includes(webhook), revision };
    });
    return { made, complete: targets.length < input.limit };
  });
  if (input.known) await markEvents(tx, input, recorded);
  else await insertEvents(tx, input, recorded);
  if (wanting.length === 0) return recorded;
  await insertBodies(tx, input, recorded);
  const kept = await insertDeliveries(tx, input, recorded);
  // Another node was faster with the same event: its row stays.
  return recorded.map(({ made, complete }) => ({ made: made.filter((each) => kept.has(each.delivery)), complete }));
}

async function wantingOf(tx: Tx, { events, known, late, limit }: RecordInput): Promise<readonly Wanting[]> {
  const { rows } = await sql<Wanting>`
    select e.id as event, s.webhook, s.dialect, s.revision
    from unnest(${column(events, 'id')}, ${column(events, 'organization')}, ${column(events, 'kind')},
      ${events.map((event) => event.project ?? '')}::text[], ${events.map((event) => event.created)}::bigint[],
      ${events.map((event) => aboutWebhook(event) ?? '')}::text[]) as e (id, organization, kind, project, created, about)
    cross join lateral (
      select s.webhook, s.dialect, w.revision from subscriptions s join webhooks w on w.id = s.webhook
      where s.organization = e.organization and s.kind = e.kind and s.project in ('', e.project)
        ${late ? sql`and s.since <= e.created` : sql``} and s.webhook <> e.about
        ${known ? sql`and not exists (select 1 from deliveries d where d.event = e.id and d.webhook = s.webhook)` : sql``}
      limit ${limit}
    ) as s`.execute(tx);
  return rows;
}

function column(events: readonly EventToRecord[], name: 'id' | 'organization' | 'kind' | 'facts') {
  return sql`${events.map((event) => event[name])}::text[]`;
}

async function insertEvents(tx: Tx, { events }: RecordInput, recorded: readonly Recorded[]): Promise<void> {
  const fannedOut = recorded.map(({ complete }) => Number(complete));
  await sql`
    insert into events (id, organization, kind, project, facts, created, fanned_out)
    select * from unnest(${column(events, 'id')}, ${column(events, 'organization')}, ${column(events, 'kind')},
      ${events.map((event) => event.project)}::text[], ${column(events, 'facts')}, ${events.map((event) => event.created)}::bigint[],
      ${fannedOut}::bigint[])`.execute(tx);
}

async function markEvents(tx: Tx, { events }: RecordInput, recorded: readonly Recorded[]): Promise<void> {
  const complete = events.filter((_, index) => recorded[index]?.complete === true).map((event) => event.id);
  if (complete.length > 0) await sql`update events set fanned_out = 1 where id = any(${complete}::text[])`.execute(tx);
}

async function insertBodies(tx: Tx, { events }: RecordInput, recorded: readonly Recorded[]): Promise<void> {
  const rows = events.flatMap((event, index) => {
    const dialects = new Set(recorded[index]?.made.map((made) => made.dialect));
    return [...dialects].map((name) => ({ event, name, ...bodyOf(event, name) }));
  });
  if (rows.length === 0) return;
  await sql`
    insert into event_bodies (event, dialect, organization, content_type, body)
    select * from unnest(${rows.map((row) => row.event.id)}::text[], ${rows.map((row) => row.name)}::text[],
      ${rows.map((row) => row.event.organization)}::text[], ${rows.map((row) => row.contentType)}::text[], ${rows.map((row) => row.bytes)}::bytea[])
    on conflict do nothing`.execute(tx);
}

function bodyOf(event: EventToRecord, name: string): { readonly contentType: string; readonly bytes: Buffer } {
  const rendered = event.bodies.find((body) => body.dialect === name);
  if (rendered !== undefined) return { contentType: rendered.contentType, bytes: latin1.bytes(rendered.body) };
  const dialect = dialectOf(name);
  return { contentType: dialect.contentType, bytes: dialect.body(eventOf(event)) };
}

async function insertDeliveries(tx: Tx, input: RecordInput, recorded: readonly Recorded[]): Promise<ReadonlySet<string>> {
  const rows = input.events.flatMap((event, index) => (recorded[index]?.made ?? []).map((made: Made) => ({ event, made })));
  const { now, leaseUntil, token, retryUntil } = input;
  const { rows: kept } = await sql<{ readonly id: string }>`
    insert into deliveries (id, organization, event, kind, webhook, state, lane, due, lease_token, created, retry_until)
    select id, organization, event, kind, webhook, case when leased then 'leased' else 'pending' end, ${lanes.first}::bigint,
      case when leased then ${leaseUntil}::bigint else ${now}::bigint end, case when leased then ${token}::text end, ${now}::bigint, ${retryUntil}::bigint
    from unnest(${rows.map((row) => row.made.delivery)}::text[], ${rows.map((row) => row.event.organization)}::text[],
      ${rows.map((row) => row.event.id)}::text[], ${rows.map((row) => row.event.kind)}::text[], ${rows.map((row) => row.made.webhook)}::text[],
      ${rows.map((row) => row.made.leased)}::boolean[]) as d (id, organization, event, kind, webhook, leased)
    on conflict (event, webhook) do nothing
    returning id`.execute(tx);
  return new Set(kept.map((row) => row.id));
}
