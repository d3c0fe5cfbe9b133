/** `2026-03-02T09:15:04+0100`, `…+01:00`, `…Z`, with or without parts of a second: what SonarQube writes, and what others do. */
const instant = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(Z|[+-]\d{2}:?\d{2})$/;

/** RFC 3339 of a date of the server's (contract 1.2: its offset has no colon); undefined for anything else. */
export function rfc3339Of(value: unknown): string | undefined {
  const [, local, offset] = instant.exec(typeof value === 'string' ? value : '') ?? [];
  if (local === undefined || offset === undefined) return undefined;
  const text = `${local}${offset === 'Z' ? '+00:00' : offset.replace(/^(...):?/, '$1:')}`;
  return Number.isNaN(Date.parse(text)) ? undefined : text;
}

/** Milliseconds since 1970 of such a date. */
export function instantOf(value: unknown): number | undefined {
  const text = rfc3339Of(value);
  return text === undefined ? undefined : Date.parse(text);
}

/** As the server reads a date: whole seconds, UTC, an offset without a colon. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, '+0000');
}
