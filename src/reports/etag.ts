import { hash } from 'node:crypto';

/** A short, stable name of some content for an `ETag`, without quotes. */
export function contentTag(content: string): string {
  return hash('sha256', content, 'base64url').slice(0, 27);
}

/** Whether an `If-None-Match` names this tag, compared weakly as RFC 9110 (13.1.2) has it. */
export function matchesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((part) => part.trim().replace(/^W\//, '') === `"${tag}"`);
}
