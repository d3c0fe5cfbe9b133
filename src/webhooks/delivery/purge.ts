import type { Clock } from '../../clock.ts';
import { firstIdAt } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';

/** Rows of one unit of a purge: enough to keep up, few enough that nobody feels it. */
export const purgedOfUnitMax = 100;
/** Rows that are looked at in one piece. */
export const lookedAtMax = 500;
/** A round ends after so long; what is left waits for the next. */
export const purgeMsMax = 2_000;

export interface PurgeOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** How long what is settled is kept. */
  readonly keptMs: number;
  /** For tests: how long a round may take. */
  readonly roundMsMax?: number;
}

export interface Purged {
  readonly deliveries: number;
  readonly events: number;
  /** Replays that ended, mails that were sent or failed. */
  readonly ended: number;
}

export interface Purge {
  /**
   * Deletes what was settled longer ago than it is kept, with its attempts; then events that no delivery needs; replays and mails likewise. Never
   * what is pending. A round goes on where the one before ran out of time, so that old rows which must stay are not looked at again and again.
   */
  round(): Promise<Purged>;
}

export function createPurge(options: PurgeOptions): Purge {
  const { clock, keptMs, roundMsMax = purgeMsMax } = options;
  const places = { deliveries: '', events: '' };
  return {
    async round() {
      const end = performance.now() + roundMsMax;
      const purged = { deliveries: 0, events: 0, ended: 0 };
      const before = clock.now() - keptMs;
      for (const [name, step] of [
        ['deliveries', purgeDeliveries],
        ['events', purgeEvents],
      ] as const) {
        do {
          const { count, last } = await step({ ...options, before, after: places[name] });
          purged[name] += count;
          places[name] = last ?? '';
        } while (places[name] !== '' && performance.now() < end);
      }
      purged.ended = await purgeEnded(options, before);
      return purged;
    },
  };
}

interface PieceOptions extends PurgeOptions {
  /** What was settled before this goes. */
  readonly before: number;
  /** The id that the piece begins behind. */
  readonly after: string;
}

interface Piece {
  readonly count: number;
  /** Where the next piece begins; null: this was the last. */
  readonly last: string | null;
}

/** By id, which is the order of time: what is younger than the bound cannot be old enough, however soon it was settled. */
async function purgeDeliveries({ database, before, after }: PieceOptions): Promise<Piece> {
  const rows = await database.read
    .selectFrom('deliveries')
    .select(['id', 'settled'])
    .where('id', '>', after)
    .where('id', '<', firstIdAt(before))
    .orderBy('id')
    .limit(lookedAtMax)
    .execute();
  const old = rows.filter(({ settled }) => settled !== null && settled < before).map((row) => row.id);
  const count = await inUnits(old, (ids) =>
    database.write(async (tx) => {
      // Looked at again: one that was asked for again meanwhile is pending, and stays with its attempts.
      const gone = await tx.deleteFrom('deliveries').where('id', 'in', ids).where('settled', '<', before).returning('id').execute();
      if (gone.length === 0) return 0;
      const goneIds = gone.map((row) => row.id);
      await tx.deleteFrom('attempts').where('delivery', 'in', goneIds).execute();
      return gone.length;
    }),
  );
  return { count, last: rows.length < lookedAtMax ? null : (rows.at(-1)?.id ?? null) };
}

/** Events whose deliveries are gone, or that nobody wanted. */
async function purgeEvents({ database, before, after }: PieceOptions): Promise<Piece> {
  const rows = await database.read
    .selectFrom('events')
    .select(['events.id', 'events.fanned_out'])
    .select((row) =>
      row.exists(row.selectFrom('deliveries').select('deliveries.id').whereRef('deliveries.event', '=', 'events.id')).as('is_needed'),
    )
    .where('events.id', '>', after)
    .where('events.id', '<', firstIdAt(before))
    .orderBy('events.id')
    .limit(lookedAtMax)
    .execute();
  const old = rows.filter(({ fanned_out, is_needed }) => fanned_out === 1 && !is_needed).map((row) => row.id);
  const count = await inUnits(old, (ids) =>
    database.write(async (tx) => {
      // Looked at again: a replay may have asked for a delivery of it meanwhile.
      const gone = await tx
        .deleteFrom('events')
        .where('id', 'in', ids)
        .where((row) =>
          row.not(row.exists(row.selectFrom('deliveries').select('deliveries.id').whereRef('deliveries.event', '=', 'events.id'))),
        )
        .returning('id')
        .execute();
      if (gone.length === 0) return 0;
      const goneIds = gone.map((row) => row.id);
      await tx.deleteFrom('event_bodies').where('event', 'in', goneIds).execute();
      return gone.length;
    }),
  );
  return { count, last: rows.length < lookedAtMax ? null : (rows.at(-1)?.id ?? null) };
}

/** They are few: a unit of each in a round. */
async function purgeEnded({ database }: PurgeOptions, before: number): Promise<number> {
  let count = 0;
  for (const [table, ended] of [
    ['replays', 'finished'],
    ['mails', 'settled'],
  ] as const) {
    const rows = await database.read
      .selectFrom(table)
      .select('id')
      .where('id', '<', firstIdAt(before))
      .where(ended, '<', before)
      .limit(purgedOfUnitMax)
      .execute();
    const ids = rows.map((row) => row.id);
    count += await inUnits(ids, (piece) =>
      database.write(async (tx) => (await tx.deleteFrom(table).where('id', 'in', piece).execute(), piece.length)),
    );
  }
  return count;
}

async function inUnits(ids: readonly string[], unit: (ids: readonly string[]) => Promise<number>): Promise<number> {
  let count = 0;
  for (let from = 0; from < ids.length; from += purgedOfUnitMax) count += await unit(ids.slice(from, from + purgedOfUnitMax));
  return count;
}
