/** RFC 3339 in UTC with `Z`, as Google writes times. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
