/** What part of a body of `length` bytes a request wants: all, some (`end` exclusive), or one that is not there. */
export type Wanted =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const whole: Wanted = { kind: 'whole' };

export interface RangeHeaders {
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly length: number;
}

/**
 * Reads `Range` as RFC 9110 (14) has it. What is no byte range, or several of them, is answered whole; so is one whose `If-Range` names
 * another state of the body than today's.
 */
export function readRange({ range, ifRange, etag, length }: RangeHeaders): Wanted {
  const match = range === undefined ? null : /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(range);
  if (match === null || (ifRange !== undefined && ifRange.trim() !== etag)) return whole;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return whole;
  if (first === '') return part(Math.max(0, length - Number(last)), length);
  if (last !== '' && Number(last) < Number(first)) return whole;
  return part(Number(first), last === '' ? length : Math.min(length, Number(last) + 1));
}

function part(start: number, end: number): Wanted {
  return start < end ? { kind: 'part', start, end } : { kind: 'unsatisfiable' };
}
