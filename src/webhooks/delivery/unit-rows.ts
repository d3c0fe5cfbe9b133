import type { FirstRow } from '../../events/record.ts';
import type { Packed } from './packed.ts';

/** What goes to the hot units and comes back: plain data. Bodies travel as Latin-1 text, a character a byte, since a Buffer in a message is copied with all that it was cut from. */

/** Lanes of a webhook, in the order they are claimed. */
export const lanes = { asked: 0, first: 1, retry: 2, replay: 3 } as const;
export type Lane = (typeof lanes)[keyof typeof lanes];

export interface BodyText {
  readonly dialect: string;
  readonly contentType: string;
  readonly body: string;
}

export interface EventToRecord {
  readonly id: string;
  readonly organization: string;
  readonly kind: string;
  readonly project: string | null;
  readonly repository: string | null;
  readonly ref: string | null;
  /** JSON. */
  readonly facts: string;
  readonly created: number;
}

/** Of an event, by its place among the events of the message. */
export interface OfEvent {
  readonly event: number;
}

/** Rows that events stand or fall with, of one table and with the same columns each. */
export interface FirstRows {
  readonly table: FirstRow['table'];
  /** The event that each belongs to, by its place. */
  readonly events: readonly number[];
  readonly rows: Packed<FirstRow['values']>;
}

export interface RecordInput {
  readonly events: Packed<EventToRecord>;
  readonly firsts: readonly FirstRows[];
  /** Rendered already, for the dialects that are known to be wanted; what else is wanted is rendered where it is found out. */
  readonly bodies: Packed<BodyText & OfEvent>;
  /** Webhooks that may be sent to at once: their deliveries are born leased. */
  readonly leases: Packed<OfEvent & { readonly webhook: string }>;
  /** `known`: the event's row is there, and perhaps some of its deliveries: the sweep of a large fan-out. */
  readonly known: boolean;
  /** It happened a while ago: who came after it did not want it. */
  readonly late: boolean;
  readonly now: number;
  readonly token: string;
  readonly leaseUntil: number;
  readonly retryUntil: number;
  /** Deliveries made for one event at once. */
  readonly limit: number;
}

export interface Made {
  readonly webhook: string;
  readonly dialect: string;
  readonly delivery: string;
  readonly leased: boolean;
  /** Of the webhook's row. */
  readonly revision: number;
}

export interface Recorded {
  readonly made: Packed<Made & OfEvent>;
  /** Events that more webhooks want than `limit`: they keep their mark. */
  readonly incomplete: readonly number[];
  /** Events whose first row was there before: nothing is recorded of them. */
  readonly known: readonly number[];
}

/** An outcome, ready for its rows. */
export interface OutcomeRow {
  readonly delivery: string;
  readonly organization: string;
  readonly webhook: string;
  /** The lease it was sent under. */
  readonly token: string;
  readonly state: 'delivered' | 'pending' | 'exhausted';
  readonly lane: Lane;
  readonly due: number;
  readonly number: number;
  /** By the delivery's own clock, for what is decided by it; `at` is by the wall's, for people. */
  readonly now: number;
  readonly attempt: string;
  readonly at: number;
  readonly durationMs: number;
  readonly request: string;
  readonly status: number | null;
  readonly answerHeaders: string | null;
  readonly answerBody: string | null;
  readonly error: string | null;
  /** Whether the webhook works, and how it stands from now on. */
  readonly worked: boolean;
  readonly slow: boolean;
  readonly restingUntil: number | null;
  /** Nothing about the webhook is new by it: it works, as it did a moment ago. */
  readonly quiet: boolean;
  /** It answered 410: it is switched off with this outcome. */
  readonly gone: boolean;
}

/** A delivery that was claimed and is not sent now. */
export interface ReturnedRow {
  readonly delivery: string;
  readonly token: string;
  readonly lane: Lane;
  readonly due: number;
}

export interface ClaimRow {
  readonly webhook: string;
  readonly lane: Lane;
  readonly limit: number;
}

export interface TurnInput {
  readonly now: number;
  readonly token: string;
  readonly leaseUntil: number;
  readonly outcomes: Packed<OutcomeRow>;
  readonly returned: readonly ReturnedRow[];
  readonly claims: readonly ClaimRow[];
}

export interface ClaimedRow {
  readonly delivery: string;
  readonly event: string;
  readonly kind: string;
  /** Made so far. */
  readonly attempts: number;
  readonly created: number;
  readonly retryUntil: number;
  /** Index of its body in the answer. */
  readonly body: number;
}

/** What came of one claim. */
export interface Claimed {
  readonly webhook: string;
  readonly lane: Lane;
  /** False: it is off or gone; nothing was claimed and nothing will be until it is switched on. */
  readonly active: boolean;
  readonly revision: number;
  readonly rows: Packed<ClaimedRow>;
  /** When the lane has something again: a time; null: nothing is left in it. Only told where fewer than `limit` came. */
  readonly next: number | null;
}

export interface TurnOutput {
  /** The state that each outcome's delivery is in now; null: it did not count, another has the delivery. `pending` may mean "asked for again". */
  readonly states: readonly (string | null)[];
  readonly claimed: readonly Claimed[];
  readonly bodies: readonly BodyText[];
}

/** Who finds a webhook in strict order held, by another node or by a process that is no more, looks again after this. */
export const heldMs = 20;

export const latin1 = {
  text: (bytes: Buffer): string => bytes.toString('latin1'),
  bytes: (text: string): Buffer => Buffer.from(text, 'latin1'),
};
