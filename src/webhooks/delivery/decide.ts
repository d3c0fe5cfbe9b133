import type { Answer } from './send.ts';

/** A receiver that asks for more time than this is asked again anyway. */
export const retryAfterMsMax = 86_400_000;

export interface RetryPolicy {
  /** From the end of one attempt to the next. */
  readonly intervalMs: number;
}

export interface DecideOptions {
  readonly answer: Pick<Answer, 'status' | 'headers'>;
  /** When the promise to retry ends, in milliseconds since 1970. */
  readonly retryUntil: number;
  readonly policy: RetryPolicy;
  readonly now: number;
}

export type Decision =
  | { readonly state: 'delivered' }
  | { readonly state: 'pending'; readonly due: number }
  | { readonly state: 'exhausted' };

/**
 * What becomes of a delivery after an attempt: delivered by any 2xx; else tried again after the interval, until the time is over. `Retry-After`
 * may put an attempt off, but neither before the interval nor past the end: a receiver that asks for patience loses no delivery by it.
 */
export function decide({ answer, retryUntil, policy, now }: DecideOptions): Decision {
  if (succeeded(answer)) return { state: 'delivered' };
  const due = now + policy.intervalMs;
  if (due > retryUntil) return { state: 'exhausted' };
  const asked = Math.min(retryAfterMs(answer.headers['retry-after'], now) ?? 0, retryAfterMsMax);
  return { state: 'pending', due: Math.max(due, Math.min(now + asked, retryUntil)) };
}

/** Any 2xx is success. */
export function succeeded({ status }: Pick<Answer, 'status'>): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** `Retry-After` as seconds or as a date (RFC 9110, 10.2.3), in milliseconds from now; null where there is none that can be read. */
export function retryAfterMs(text: string | undefined, now: number): number | null {
  const value = text?.trim() ?? '';
  if (/^\d{1,12}$/.test(value)) return Number(value) * 1000;
  // Only what begins with the name of a day and holds a time: Date.parse reads much that is no date of HTTP.
  const at = /^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d\d:\d\d:\d\d/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
