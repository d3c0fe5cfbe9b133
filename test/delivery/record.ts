import type { App } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import type { Configuration } from '../../src/configuration.ts';
import type { EventKind, ReportFacts } from '../../src/events/event.ts';
import { recordEvent } from '../../src/events/record.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createFanOut } from '../../src/webhooks/delivery/fan-out.ts';

export interface NewEvent {
  readonly organization: string;
  readonly kind: EventKind;
  readonly project: string | null;
  readonly facts: ReportFacts;
}

/** Records one event and answers its id once it is on disk with its deliveries. */
export type RecordOne = (event: NewEvent) => Promise<string>;

/** The app's own way to record; where it has none, a unit of its own for each event, whose deliveries the poll finds. */
export function recorderOf(app: App, { retryForMs }: Configuration): RecordOne {
  if ('record' in app && typeof app.record === 'function') return app.record as RecordOne;
  const ids = createIdentifiers();
  const { onRecorded } = createFanOut({ ids, clock: systemClock, retryForMs });
  return (event) => app.database.write((tx) => recordEvent({ tx, ...event, ids, clock: systemClock, onRecorded }));
}
