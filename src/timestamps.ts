/** A point in time as somebody wrote it. */
export interface Timestamp {
  /** RFC 3339 with a numeric offset, at most seven decimals: what is shown. */
  readonly text: string;
  /** Milliseconds since 1970: what orders. */
  readonly ms: number;
}

const form = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,30}))?(?:([Zz])|([+-]\d{2}):?(\d{2}))$/;
/** Decimals of a second that the report API shows (its contract, section 3). */
export const decimalsMax = 7;

/**
 * Reads RFC 3339, and SonarQube's offset without a colon (`+0100`). Keeps the offset and the decimals as they came; `Z` becomes `+00:00`. Null
 * for anything else and for days that no calendar has.
 */
export function parseTimestamp(text: string): Timestamp | null {
  const match = form.exec(text);
  if (match === null) return null;
  const [, day = '', time = '', decimals, zulu, hours = '+00', minutes = '00'] = match;
  if (!dayExists(day) || Number(time.slice(0, 2)) > 23 || Number(hours.slice(1)) > 23 || Number(minutes) > 59) return null;
  const offset = zulu === undefined ? `${hours}:${minutes}` : '+00:00';
  const fraction = decimals === undefined ? '' : `.${decimals.slice(0, decimalsMax)}`;
  const ms = Date.parse(`${day}T${time}.${(decimals ?? '').slice(0, 3).padEnd(3, '0')}${offset}`);
  return Number.isNaN(ms) ? null : { text: `${day}T${time}${fraction}${offset}`, ms };
}

const daysOfMonths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** `Date.parse` takes 30 February for 1 March. Counted, since a `Date` that is written out to compare costs more than all else about a time. */
function dayExists(text: string): boolean {
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8))];
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeap ? 29 : (daysOfMonths[month - 1] ?? 0);
  return day >= 1 && day <= days;
}
