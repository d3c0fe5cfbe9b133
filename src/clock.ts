/** Milliseconds since 1970, UTC. Handed in wherever time decides something, so that a test can turn it. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** RFC 3339 in UTC with a numeric offset (`+00:00`, never `Z`), as the report API's contract (section 3) wants it. */
export function timestampText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}+00:00`;
}
