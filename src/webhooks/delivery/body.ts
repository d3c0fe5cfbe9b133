import type { EventFacts } from '../../events/event.ts';
import { dialectOf } from '../dialects/all.ts';
import { eventOf } from './event-row.ts';
import type { BodyText, EventToRecord } from './unit-rows.ts';
import { latin1 } from './unit-rows.ts';

interface KeptBody {
  readonly contentType: string;
  /** What is kept of it: nothing where the event's facts hold it byte for byte, as those are kept already. No body is empty. */
  readonly bytes: Buffer;
}

/** An event's body as it is kept: as it was rendered already, or else rendered now. The same bytes either way. */
export function bodyOf(event: EventToRecord, name: string, rendered: BodyText | undefined): KeptBody {
  if (rendered !== undefined) return { contentType: rendered.contentType, bytes: latin1.bytes(rendered.body) };
  const dialect = dialectOf(name);
  const whole = eventOf(event);
  return { contentType: dialect.contentType, bytes: keptOf(dialect.body(whole), event.facts, relayedIn(whole.facts)) };
}

const nothing = Buffer.alloc(0);

/** What facts hold of a body that is passed on as it came; null: nothing. */
export function relayedIn(facts: EventFacts): string | null {
  return 'relayed' in facts ? facts.relayed : null;
}

/** What is kept of a body beside these facts: nothing where it is what they pass on, or else they themselves. */
export function keptOf(body: Buffer, facts: string, relayed: string | null): Buffer {
  const held = relayed ?? facts;
  return body.length === Buffer.byteLength(held) && body.toString('utf8') === held ? nothing : body;
}

/** The body that was kept so. */
export function sentOf(kept: Buffer, facts: () => string): Buffer {
  if (kept.length > 0) return kept;
  const held = facts();
  // As a key it stands nowhere else: inside a text its quotes would be escaped.
  const relayed = held.includes('"relayed":') ? relayedIn(JSON.parse(held) as EventFacts) : null;
  return Buffer.from(relayed ?? held, 'utf8');
}
