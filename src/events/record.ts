import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Tx } from '../storage/database/database.ts';
import type { EventFacts, EventKind, GatepostEvent } from './event.ts';

/**
 * What runs inside the unit that records an event, right after the event: app.ts hands in the fan-out, so that its deliveries exist with the
 * very same commit and neither side imports the other. It clears the event's mark where all deliveries are made; else the mark is left for the sweep.
 */
export type OnRecorded = (options: { readonly tx: Tx; readonly event: GatepostEvent }) => Promise<void>;

/** What happened, as whoever saw it tells it. */
export type NewEvent = Pick<GatepostEvent, 'organization' | 'kind' | 'project' | 'repository' | 'ref' | 'facts'>;

/** A row that an event stands or falls with: where a row with its key is there already, nothing is recorded at all. */
export interface FirstRow {
  readonly table: 'analyses';
  readonly values: Readonly<Record<string, string | number | Uint8Array | null>>;
}

/**
 * Records events that are a unit of work of their own; app.ts hands in the delivery's. Answers the event's id once it is on disk with its
 * deliveries, or null where its first row was there before.
 */
export interface RecordAlone {
  (event: NewEvent): Promise<string>;
  (event: NewEvent, first: FirstRow): Promise<string | null>;
}

export interface RecordEventOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly kind: EventKind;
  /** Project id, or null where it is about no project. */
  readonly project: string | null;
  /** Repository id, and the ref that moved; left out where it is about none. */
  readonly repository?: string | null;
  readonly ref?: string | null;
  readonly facts: EventFacts;
  readonly ids: Identifiers;
  readonly clock: Clock;
  /** Left out, the event is marked and its deliveries are made by the next sweep: later, never lost. */
  readonly onRecorded?: OnRecorded;
}

/**
 * Records what happened in the caller's unit of work and answers the event's id: it is there if and only if the unit's other rows are.
 * Nothing is sent here; after the commit the caller nudges the delivery worker.
 */
export async function recordEvent(options: RecordEventOptions): Promise<string> {
  const event: GatepostEvent = {
    id: options.ids.next(),
    organization: options.organization,
    kind: options.kind,
    project: options.project,
    repository: options.repository ?? null,
    ref: options.ref ?? null,
    facts: options.facts,
    created: options.clock.now(),
  };
  await insertEvent({ tx: options.tx, event });
  await options.onRecorded?.({ tx: options.tx, event });
  return event.id;
}

/** Inserts the row with its mark: not yet fanned out. */
export async function insertEvent({ tx, event }: { readonly tx: Tx; readonly event: GatepostEvent }): Promise<void> {
  await tx
    .insertInto('events')
    .values({
      id: event.id,
      organization: event.organization,
      kind: event.kind,
      project: event.project,
      repository: event.repository ?? null,
      ref: event.ref ?? null,
      facts: JSON.stringify(event.facts),
      created: event.created,
      fanned_out: 0,
    })
    .execute();
}

/** Clears the mark: all deliveries of this event are in the database, or in the same unit of work. */
export async function markFannedOut(options: { readonly tx: Tx; readonly organization: string; readonly event: string }): Promise<void> {
  await options.tx
    .updateTable('events')
    .set({ fanned_out: 1 })
    .where('organization', '=', options.organization)
    .where('id', '=', options.event)
    .execute();
}
