import type { Answer } from './send.ts';

/** A receiver that asks for more time than this is asked again anyway. */
export const retryAfterMsMax = 86_400_000;
/** Each wait of `backoff` is so many times the one before … */
export const backoffFactor = 3;
/** … and up to this part longer or shorter, so that what failed together does not come back together. */
export const backoffJitter = 0.2;

export const retryNames = ['none', 'hourly', 'backoff'] as const;
export type RetryName = (typeof retryNames)[number];

export type RetryPolicy =
  | { readonly name: 'none' }
  /** From the end of one attempt to the next. */
  | { readonly name: 'hourly'; readonly intervalMs: number }
  | { readonly name: 'backoff'; readonly firstMs: number; readonly longestMs: number };

/** The policies by name, all made from the one interval that the operator may set. */
export function retryPolicy(name: RetryName, intervalMs: number): RetryPolicy {
  if (name === 'none') return { name };
  if (name === 'hourly') return { name, intervalMs };
  return { name, firstMs: Math.min(backoffFirstMs, intervalMs), longestMs: intervalMs * backoffLongestIntervals };
}

const backoffFirstMs = 5_000;
/** The longest wait of `backoff`, in intervals: six hours where the interval is one. */
const backoffLongestIntervals = 6;

export interface DecideOptions {
  readonly answer: Pick<Answer, 'status' | 'headers'>;
  /** Which attempt it was, 1 for the first. */
  readonly attempt: number;
  /** When the promise to retry ends, in milliseconds since 1970. */
  readonly retryUntil: number;
  readonly policy: RetryPolicy;
  readonly now: number;
  /** 0 to 1. */
  readonly random: number;
}

export type Decision =
  | { readonly state: 'delivered' }
  | { readonly state: 'pending'; readonly due: number }
  /** `gone`: the receiver said that it wants nothing any more. */
  | { readonly state: 'exhausted'; readonly gone: boolean };

/**
 * What becomes of a delivery after an attempt: delivered by any 2xx; over, and the webhook switched off, by 410 (Standard Webhooks, "Webhook
 * response status"); else tried again as its policy says, until the time is over. `Retry-After` may put an attempt off, but neither before the
 * policy's time nor past the end: a receiver that asks for patience loses no delivery by it.
 */
export function decide({ answer, attempt, retryUntil, policy, now, random }: DecideOptions): Decision {
  if (succeeded(answer)) return { state: 'delivered' };
  if (answer.status === 410) return { state: 'exhausted', gone: true };
  if (policy.name === 'none') return { state: 'exhausted', gone: false };
  const due = now + waitMs(policy, attempt, random);
  if (due > retryUntil) return { state: 'exhausted', gone: false };
  return { state: 'pending', due: Math.max(due, Math.min(askedFor(answer, now), retryUntil)) };
}

function waitMs(policy: Exclude<RetryPolicy, { name: 'none' }>, attempt: number, random: number): number {
  if (policy.name === 'hourly') return policy.intervalMs;
  const steps = Math.min(attempt - 1, 50);
  const even = Math.min(policy.firstMs * backoffFactor ** steps, policy.longestMs);
  return Math.round(even * (1 - backoffJitter + 2 * backoffJitter * random));
}

/** Before when the receiver asked to be left alone (`Retry-After`), at most `retryAfterMsMax` away; 0: it did not ask. */
export function askedFor(answer: Pick<Answer, 'headers'>, now: number): number {
  const asked = retryAfterMs(answer.headers['retry-after'], now);
  return asked === null ? 0 : now + Math.min(asked, retryAfterMsMax);
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
