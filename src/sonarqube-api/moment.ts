import { parseTimestamp } from '../timestamps.ts';
import { invalid } from './refusals.ts';

const dayMs = 86_400_000;

/**
 * A date or a time as SonarQube's parameters take it, in milliseconds: `2026-03-02`, whose day is meant from its start or to its end, or
 * `2026-03-02T09:15:04+0100`. Null for none. Fails in SonarQube's words.
 */
export function parseMoment(text: string | undefined, edge: 'start' | 'end'): number | null {
  if (text === undefined) return null;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const moment = parseTimestamp(isDay ? `${text}T00:00:00+0000` : text);
  if (moment === null) throw invalid(`Date '${text}' cannot be parsed as either a date or date+time`);
  return isDay && edge === 'end' ? moment.ms + dayMs - 1 : moment.ms;
}
