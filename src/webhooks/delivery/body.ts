import { dialectOf } from '../dialects/all.ts';
import { eventOf } from './event-row.ts';
import type { BodyText, EventToRecord } from './unit-rows.ts';
import { latin1 } from './unit-rows.ts';

interface KeptBody {
  readonly contentType: string;
  /** What is kept of it: nothing where it is the event's facts, byte for byte, as those are kept already. No body is empty. */
  readonly bytes: Buffer;
}

/** An event's body as it is kept: as it was rendered already, or else rendered now. The same bytes either way. */
export function bodyOf(event: EventToRecord, name: string, rendered: BodyText | undefined): KeptBody {
  if (rendered !== undefined) return { contentType: rendered.contentType, bytes: latin1.bytes(rendered.body) };
  const dialect = dialectOf(name);
  return { contentType: dialect.contentType, bytes: keptOf(dialect.body(eventOf(event)), event.facts) };
}

const nothing = Buffer.alloc(0);

/** What is kept of a body beside these facts. */
export function keptOf(body: Buffer, facts: string): Buffer {
  return body.length === Buffer.byteLength(facts) && body.toString('utf8') === facts ? nothing : body;
}

/** The body that was kept so. */
export function sentOf(kept: Buffer, facts: () => string): Buffer {
  return kept.length > 0 ? kept : Buffer.from(facts(), 'utf8');
}
