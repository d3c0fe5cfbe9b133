import { systemClock } from '../../clock.ts';
import { createIdentifiers } from '../../identifiers.ts';
import type { SqliteHotUnit } from '../../storage/database/hot.ts';
import { refPasses } from '../ref-filter/ref-filter.ts';
import { bodyOf } from './body.ts';
import { aboutWebhook, scopesOf } from './event-row.ts';
import { pack, unpack } from './packed.ts';
import type { EventToRecord, FirstRows, Made, OfEvent, RecordInput, Recorded } from './unit-rows.ts';
import { lanes } from './unit-rows.ts';

// Runs in the writer's thread. Statements are prepared once and run in a loop: a statement with all rows in it gains nothing on SQLite.

type Connection = Parameters<SqliteHotUnit<unknown, unknown>>[0];

interface Subscribed {
  readonly webhook: string;
  readonly dialect: string;
  readonly ref_filter: string | null;
  readonly since: number;
}

interface Wanting extends Pick<Subscribed, 'webhook' | 'dialect'> {
  readonly revision: number;
}

export const record: SqliteHotUnit<RecordInput, Recorded> = (connection) => {
  const ids = createIdentifiers(systemClock);
  const insertFirsts = firstInserter(connection);
  const insertEvent = connection.prepare(
    'insert into events (id, organization, kind, project, repository, ref, facts, created, fanned_out) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const markEvent = connection.prepare('update events set fanned_out = 1 where id = ?');
  // No join, and no limit or range that is bound: each would be planned anew with every event, which takes five times as long as to run it.
  const wantingOf = (missing: string) =>
    connection.prepare<unknown[], Subscribed>(
      `select webhook, dialect, ref_filter, since from subscriptions s where organization = ? and kind = ? and scope = ? ${missing}`,
    );
  const revisionOf = connection.prepare('select revision from webhooks where id = ?').pluck();
  const wanting = wantingOf('');
  const wantingStill = wantingOf('and not exists (select 1 from deliveries d where d.event = ? and d.webhook = s.webhook)');
  const insertBody = connection.prepare(
    'insert into event_bodies (event, dialect, organization, content_type, body) values (?, ?, ?, ?, ?) on conflict do nothing',
  );
  const insertDelivery = connection.prepare(
    `insert into deliveries (id, organization, event, kind, webhook, state, lane, due, lease_token, created, retry_until)
     values (?, ?, ?, ?, ?, ?, ${lanes.first}, ?, ?, ?, ?)`,
  );
  /** Nothing that a unit reads changes while it runs: events of one kind are alike, so each is asked for once. */
  const createTargetsOf = ({ known, late, limit }: RecordInput) => {
    const subscribed = new Map<string, readonly Subscribed[]>();
    const revisions = new Map<string, number>();
    return (event: EventToRecord, about: string | null): readonly Wanting[] => {
      const targets: Wanting[] = [];
      for (const scope of scopesOf(event)) {
        const values = [event.organization, event.kind, scope];
        const all = known ? wantingStill.all(...values, event.id) : once(subscribed, values.join(' '), () => wanting.all(...values));
        for (const { webhook, dialect, ref_filter: filter, since } of all) {
          if (targets.length >= limit) return targets;
          // Who is there in this very unit wants it, whatever the clocks say.
          if (webhook === about || (late && since > event.created)) continue;
          if (filter !== null && !refPasses(filter, event.ref)) continue;
          targets.push({ webhook, dialect, revision: once(revisions, webhook, () => revisionOf.get(webhook) as number) });
        }
      }
      return targets;
    };
  };
  return (input) => {
    const targetsOf = createTargetsOf(input);
    const bodies = new Map(unpack(input.bodies).map((body) => [`${body.event} ${body.dialect}`, body]));
    const leases = new Set(unpack(input.leases).map(({ event, webhook }) => `${event} ${webhook}`));
    const made: (Made & OfEvent)[] = [];
    const incomplete: number[] = [];
    const known = insertFirsts(input.firsts);
    unpack(input.events).forEach((event, index) => {
      if (known.includes(index)) return;
      const targets = targetsOf(event, aboutWebhook(event));
      const complete = targets.length < input.limit;
      if (!complete) incomplete.push(index);
      const { id, organization, kind, project, repository, ref, facts, created } = event;
      if (!input.known) insertEvent.run(id, organization, kind, project, repository, ref, facts, created, Number(complete));
      else if (complete) markEvent.run(id);
      for (const dialect of dialectsOf(targets)) {
        const body = bodyOf(event, dialect, bodies.get(`${index} ${dialect}`));
        insertBody.run(id, dialect, organization, body.contentType, body.bytes);
      }
      for (const { webhook, dialect, revision } of targets) {
        const leased = leases.has(`${index} ${webhook}`);
        const delivery = ids.next();
        const [state, due, token] = leased ? ['leased', input.leaseUntil, input.token] : ['pending', input.now, null];
        insertDelivery.run(delivery, organization, id, kind, webhook, state, due, token, input.now, input.retryUntil);
        made.push({ event: index, webhook, dialect, delivery, leased, revision });
      }
    });
    return { made: pack(made), incomplete, known };
  };
};

function once<T>(known: Map<string, T>, key: string, read: () => T): T {
  let value = known.get(key);
  if (value === undefined) known.set(key, (value = read()));
  return value;
}

/** One nearly always. */
function dialectsOf(targets: readonly Wanting[]): Iterable<string> {
  const [first] = targets;
  return targets.length === 1 && first !== undefined ? [first.dialect] : new Set(targets.map((target) => target.dialect));
}

/** Inserts the rows that events stand or fall with, and answers the events whose row was there. */
function firstInserter(connection: Connection): (firsts: readonly FirstRows[]) => readonly number[] {
  const prepare = (text: string) => connection.prepare(text);
  const prepared = new Map<string, ReturnType<typeof prepare>>();
  const statementOf = (table: string, columns: readonly string[]) => {
    const text = `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')}) on conflict do nothing`;
    let statement = prepared.get(text);
    if (statement === undefined) prepared.set(text, (statement = prepare(text)));
    return statement;
  };
  return (firsts) =>
    firsts.flatMap(({ table, events, rows }) => {
      const insert = statementOf(table, Object.keys(rows.columns));
      return unpack(rows).flatMap((row, index) => (insert.run(...Object.values(row)).changes === 1 ? [] : [events[index] ?? 0]));
    });
}
