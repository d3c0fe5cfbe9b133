import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import type { OnRecorded } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { pack } from './packed.ts';
import type { EventToRecord, RecordInput } from './unit-rows.ts';
import { recordUnit } from './units.ts';

/** To so many webhooks an event is fanned out in the unit that records it; more follow after its commit. */
export const fanOutInlineMax = 100;
/** Deliveries that one unit of the sweep inserts. */
export const fanOutPieceMax = 500;
/** A unit that got deliveries made has been committed by then, or never will be. */
const commitMsMax = 2_000;
/** Events that one look of a sweep takes … */
const eventsOfSweepMax = 50;
/** … and looks of one sweep: what is left waits for the next. */
const roundsOfSweepMax = 40;

export interface FanOut {
  /** What `recordEvent` runs inside its unit: the event's deliveries are there with the event. */
  readonly onRecorded: OnRecorded;
  /** Which webhooks got deliveries a moment ago: what a nudge is for. Some may not be committed yet, so they are named again meanwhile. */
  touched(): readonly string[];
  /** Makes the deliveries of every event that still carries its mark, piece by piece. Answers which webhooks got any. */
  sweep(): Promise<readonly string[]>;
}

export interface FanOutOptions {
  readonly database: Database;
  readonly ids: Identifiers;
  /** Steady. */
  readonly clock: Clock;
  /** How long a delivery is retried. */
  readonly retryForMs: number;
  /** So many deliveries were made. */
  readonly accepted: (count: number) => void;
}

export function createFanOut(options: FanOutOptions): FanOut {
  const { database } = options;
  const touched = new Map<string, number>();
  return {
    async onRecorded({ tx, event }) {
      const { repository = null, ref = null } = event;
      const row = { ...event, repository, ref, facts: JSON.stringify(event.facts) };
      const recorded = await database.runIn(tx, recordUnit, inputOf(options, row, { late: false, limit: fanOutInlineMax }));
      options.accepted(recorded.made.count);
      const now = options.clock.now();
      for (const webhook of recorded.made.columns.webhook ?? []) touched.set(webhook, now);
    },
    touched() {
      const since = options.clock.now() - commitMsMax;
      for (const [webhook, at] of touched) if (at < since) touched.delete(webhook);
      return [...touched.keys()];
    },
    async sweep() {
      const webhooks: string[] = [];
      for (let round = 0; round < roundsOfSweepMax; round += 1) {
        const waiting = await waitingEvents(database);
        for (const row of waiting) webhooks.push(...(await fanOutLate(options, row)));
        if (waiting.length < eventsOfSweepMax) break;
      }
      return webhooks;
    },
  };
}

async function waitingEvents({ read }: Database): Promise<readonly EventToRecord[]> {
  return read
    .selectFrom('events')
    .select(['id', 'organization', 'kind', 'project', 'repository', 'ref', 'facts', 'created'])
    .where(sql<boolean>`fanned_out = 0`)
    .orderBy('id')
    .limit(eventsOfSweepMax)
    .execute();
}

/** Makes the deliveries that an event still lacks and answers to which webhooks. */
async function fanOutLate(options: FanOutOptions, event: EventToRecord): Promise<readonly string[]> {
  const webhooks: string[] = [];
  for (let complete = false; !complete; ) {
    const recorded = await options.database.run(recordUnit, inputOf(options, event, { late: true, limit: fanOutPieceMax }));
    options.accepted(recorded.made.count);
    webhooks.push(...(recorded.made.columns.webhook ?? []));
    complete = recorded.incomplete.length === 0;
  }
  return webhooks;
}

/** Of an event whose row is there: nothing is born leased, since whoever asked for it is not the one who sends. */
function inputOf({ clock, retryForMs }: FanOutOptions, event: EventToRecord, piece: Pick<RecordInput, 'late' | 'limit'>): RecordInput {
  const now = clock.now();
  return {
    events: pack([event]),
    firsts: [],
    bodies: pack([]),
    leases: pack([]),
    known: true,
    now,
    token: '',
    leaseUntil: 0,
    retryUntil: now + retryForMs,
    ...piece,
  };
}
