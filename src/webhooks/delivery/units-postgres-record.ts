import { sql } from 'kysely';
import { systemClock } from '../../clock.ts';
import { createIdentifiers } from '../../identifiers.ts';
import type { Tx } from '../../storage/database/database.ts';
import { refPasses } from '../ref-filter/ref-filter.ts';
import { bodyOf } from './body.ts';
import { aboutWebhook } from './event-row.ts';
import { pack, unpack } from './packed.ts';
import type { EventToRecord, FirstRows, Made, OfEvent, RecordInput, Recorded } from './unit-rows.ts';
import { lanes } from './unit-rows.ts';

// A few statements for all events of a unit, each taking arrays: what counts here is how often the server is asked.

const ids = createIdentifiers(systemClock);

interface Wanting {
  readonly event: string;
  readonly webhook: string;
  readonly dialect: string;
  readonly revision: number;
  readonly ref_filter: string | null;
}

export async function recordOnPostgres(tx: Tx, input: RecordInput): Promise<Recorded> {
  const events = unpack(input.events);
  const known = await insertFirsts(tx, input.firsts);
  const fresh = events.filter((_, index) => !known.includes(index));
  const wanting = await wantingOf(tx, input, fresh);
  const leases = new Set(unpack(input.leases).map(({ event, webhook }) => `${event} ${webhook}`));
  const indexOf = new Map(events.map((event, index) => [event.id, index]));
  const all = wanting.map(({ event: id, webhook, dialect, revision }): Making => {
    const event = indexOf.get(id) ?? 0;
    return { event, webhook, dialect, delivery: ids.next(), leased: leases.has(`${event} ${webhook}`), revision };
  });
  const counts = new Map<number, number>();
  for (const { event } of all) counts.set(event, (counts.get(event) ?? 0) + 1);
  const incomplete = events.flatMap((_, index) => ((counts.get(index) ?? 0) < input.limit ? [] : [index]));
  const marked = new Set(incomplete.map((index) => events[index]?.id));
  if (input.known) await markEvents(tx, fresh, marked);
  else await insertEvents(tx, fresh, marked);
  if (all.length === 0) return { made: pack(all), incomplete, known };
  await insertBodies(tx, input, events, all);
  const kept = await insertDeliveries(tx, input, events, all);
  // Another node was faster with the same event: its row stays.
  return { made: pack(all.filter((each) => kept.has(each.delivery))), incomplete, known };
}

/** Inserts the rows that events stand or fall with, and answers the events whose row was there, or came before it in this very unit. */
async function insertFirsts(tx: Tx, firsts: readonly FirstRows[]): Promise<readonly number[]> {
  const known: number[] = [];
  await holdProjects(tx, firsts);
  for (const { table, events, rows } of firsts) {
    const values = unpack(rows).map((row) => sql`(${sql.join(Object.values(row))})`);
    const { rows: inserted } = await sql<{ readonly id: string }>`
      insert into ${sql.table(table)} (${sql.join(Object.keys(rows.columns).map((name) => sql.ref(name)))}) values ${sql.join(values)}
      on conflict do nothing returning id`.execute(tx);
    const fresh = new Set(inserted.map((row) => row.id));
    unpack(rows).forEach(({ id }, index) => {
      if (!fresh.delete(String(id))) known.push(events[index] ?? 0);
    });
  }
  return known;
}

/**
 * Holds the projects of such rows until the unit ends: who deletes one at the same time either has committed by then, or waits and takes along what
 * the unit adds. SQLite has one writer, where nothing comes between.
 */
async function holdProjects(tx: Tx, firsts: readonly FirstRows[]): Promise<void> {
  const projects = new Set(firsts.flatMap(({ rows }) => unpack(rows).map((row) => String(row['project']))));
  if (projects.size > 0) await sql`select id from projects where id = any(${[...projects]}::text[]) for share`.execute(tx);
}

type Making = Made & OfEvent;

async function wantingOf(tx: Tx, { known, late, limit }: RecordInput, events: readonly EventToRecord[]): Promise<readonly Wanting[]> {
  // A filter is held against a ref here and not there: then all that are asked for come, of which an organization has no more than so many.
  const hasRefs = events.some((event) => event.ref !== null);
  const { rows } = await sql<Wanting>`
    select e.id as event, s.webhook, s.dialect, s.revision, s.ref_filter
    from unnest(${column(events, 'id')}, ${column(events, 'organization')}, ${column(events, 'kind')},
      ${events.map((event) => event.project ?? '')}::text[], ${events.map((event) => event.repository ?? '')}::text[],
      ${events.map((event) => event.created)}::bigint[], ${events.map((event) => aboutWebhook(event) ?? '')}::text[])
      as e (id, organization, kind, project, repository, created, about)
    cross join lateral (
      select s.webhook, s.dialect, w.revision, s.ref_filter from subscriptions s join webhooks w on w.id = s.webhook
      where s.organization = e.organization and s.kind = e.kind and s.scope in ('', e.project, e.repository)
        ${late ? sql`and s.since <= e.created` : sql``} and s.webhook <> e.about
        ${known ? sql`and not exists (select 1 from deliveries d where d.event = e.id and d.webhook = s.webhook)` : sql``}
      limit ${hasRefs ? null : limit}
    ) as s`.execute(tx);
  return hasRefs ? passing(rows, events, limit) : rows;
}

/** Those whose filter lets the event's ref pass, at most so many of an event. */
function passing(rows: readonly Wanting[], events: readonly EventToRecord[], limit: number): readonly Wanting[] {
  const refs = new Map(events.map(({ id, ref }) => [id, ref]));
  const counts = new Map<string, number>();
  return rows.filter(({ event, ref_filter: filter }) => {
    const count = counts.get(event) ?? 0;
    if (count >= limit || (filter !== null && !refPasses(filter, refs.get(event) ?? null))) return false;
    counts.set(event, count + 1);
    return true;
  });
}

function column(events: readonly EventToRecord[], name: 'id' | 'organization' | 'kind' | 'project' | 'repository' | 'ref' | 'facts') {
  return sql`${events.map((event) => event[name])}::text[]`;
}

async function insertEvents(tx: Tx, events: readonly EventToRecord[], marked: ReadonlySet<string | undefined>): Promise<void> {
  if (events.length === 0) return;
  const fannedOut = events.map(({ id }) => Number(!marked.has(id)));
  await sql`
    insert into events (id, organization, kind, project, repository, ref, facts, created, fanned_out)
    select * from unnest(${column(events, 'id')}, ${column(events, 'organization')}, ${column(events, 'kind')},
      ${column(events, 'project')}, ${column(events, 'repository')}, ${column(events, 'ref')}, ${column(events, 'facts')}, ${events.map((event) => event.created)}::bigint[],
      ${fannedOut}::bigint[])`.execute(tx);
}

async function markEvents(tx: Tx, events: readonly EventToRecord[], marked: ReadonlySet<string | undefined>): Promise<void> {
  const complete = events.filter(({ id }) => !marked.has(id)).map((event) => event.id);
  if (complete.length > 0) await sql`update events set fanned_out = 1 where id = any(${complete}::text[])`.execute(tx);
}

async function insertBodies(tx: Tx, input: RecordInput, events: readonly EventToRecord[], all: readonly Making[]): Promise<void> {
  const rendered = new Map(unpack(input.bodies).map((body) => [`${body.event} ${body.dialect}`, body]));
  const wanted = new Map(all.map(({ event, dialect }) => [`${event} ${dialect}`, { event: events[event], name: dialect }]));
  const rows = [...wanted].flatMap(([key, { event, name }]) =>
    event === undefined ? [] : [{ event, name, ...bodyOf(event, name, rendered.get(key)) }],
  );
  await sql`
    insert into event_bodies (event, dialect, organization, content_type, body)
    select * from unnest(${rows.map((row) => row.event.id)}::text[], ${rows.map((row) => row.name)}::text[],
      ${rows.map((row) => row.event.organization)}::text[], ${rows.map((row) => row.contentType)}::text[], ${rows.map((row) => row.bytes)}::bytea[])
    on conflict do nothing`.execute(tx);
}

async function insertDeliveries(
  tx: Tx,
  { now, leaseUntil, token, retryUntil }: RecordInput,
  events: readonly EventToRecord[],
  all: readonly Making[],
): Promise<ReadonlySet<string>> {
  const ofEvent = (name: 'id' | 'organization' | 'kind') => sql`${all.map(({ event }) => events[event]?.[name] ?? '')}::text[]`;
  const { rows: kept } = await sql<{ readonly id: string }>`
    insert into deliveries (id, organization, event, kind, webhook, state, lane, due, lease_token, created, retry_until)
    select id, organization, event, kind, webhook, case when leased then 'leased' else 'pending' end, ${lanes.first}::bigint,
      case when leased then ${leaseUntil}::bigint else ${now}::bigint end, case when leased then ${token}::text end, ${now}::bigint, ${retryUntil}::bigint
    from unnest(${all.map((each) => each.delivery)}::text[], ${ofEvent('organization')}, ${ofEvent('id')}, ${ofEvent('kind')},
      ${all.map((each) => each.webhook)}::text[], ${all.map((each) => each.leased)}::boolean[]) as d (id, organization, event, kind, webhook, leased)
    on conflict (event, webhook) do nothing
    returning id`.execute(tx);
  return new Set(kept.map((row) => row.id));
}
