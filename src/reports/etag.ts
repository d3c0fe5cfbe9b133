import { crc32 } from 'node:zlib';

/**
 * A short, stable name of some content for a weak `ETag`, without quotes. Made on every answer, so by CRC-32 (and the length): it sees every
 * change within 32 bits, and misses one in four thousand million of the others.
 */
export function contentTag(content: string): string {
  return `${crc32(content).toString(36)}-${content.length.toString(36)}`;
}

/** Whether an `If-None-Match` names this tag, compared weakly as RFC 9110 (13.1.2) has it. */
export function matchesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((part) => part.trim().replace(/^W\//, '') === `"${tag}"`);
}
