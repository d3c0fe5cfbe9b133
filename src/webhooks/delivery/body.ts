import { dialectOf } from '../dialects/all.ts';
import { eventOf } from './event-row.ts';
import type { BodyText, EventToRecord } from './unit-rows.ts';
import { latin1 } from './unit-rows.ts';

/** The bytes of an event's body: as they were rendered already, or else rendered now. The same bytes either way. */
export function bodyOf(
  event: EventToRecord,
  name: string,
  rendered: BodyText | undefined,
): { readonly contentType: string; readonly bytes: Buffer } {
  if (rendered !== undefined) return { contentType: rendered.contentType, bytes: latin1.bytes(rendered.body) };
  const dialect = dialectOf(name);
  return { contentType: dialect.contentType, bytes: dialect.body(eventOf(event)) };
}
