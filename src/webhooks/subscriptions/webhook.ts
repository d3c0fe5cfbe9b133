import type { EventKind } from '../../events/event.ts';
import { invalid } from '../../errors.ts';
import type { RetryName } from '../delivery/decide.ts';

export const retryDefault: RetryName = 'hourly';

/** At most so many attempts in each second or minute. */
export interface RateLimit {
  readonly count: number;
  readonly per: 'second' | 'minute';
}
export const rateCountMax = 10_000;
export const ratePeriodsMs = { second: 1_000, minute: 60_000 } as const;

/** How a webhook's deliveries are sent, as it may be shown. */
export interface Sending {
  readonly retry: RetryName;
  /** One delivery after the other, in the order of their events. */
  readonly ordered: boolean;
  readonly rateLimit: RateLimit | null;
  /** Names of the headers that are added, each with `mask` in the place of its value. */
  readonly headers: Readonly<Record<string, string>>;
  /** Masked; null: the server's. */
  readonly proxy: string | null;
  /** Certificates (PEM) that are believed beside the server's. */
  readonly ca: string | null;
}

/** How a webhook does. */
export interface Health {
  readonly standing: 'healthy' | 'failing' | 'off';
  /** When the first of the attempts that have failed since the last success ended. */
  readonly failingSince: number | null;
  readonly lastSuccess: number | null;
  readonly lastFailure: number | null;
  /** Of the last attempt, whatever came of it. */
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly restingUntil: number | null;
}

/** Since when a webhook is off, and why: `by_hand`, `gone` (it answered 410), `failing` (days without a success). */
export interface Off {
  readonly since: number;
  readonly reason: string;
}

/** Who wants which events, where, in which dialect. Its secret is not part of it: that is shown once and then only signs. */
export interface Webhook {
  readonly id: string;
  /** Of the one project whose events it gets; null: the whole organization. */
  readonly project: { readonly id: string; readonly key: string } | null;
  /** Of the one repository whose events it gets, or null. Never both. */
  readonly repository: { readonly id: string; readonly name: string } | null;
  /** What names it in its repository; null: it is for none. */
  readonly hookId: string | null;
  readonly name: string;
  /** Masked, without the sensitive query string. */
  readonly url: string;
  /** Whether something is added to the URL that is never shown. */
  readonly hasSensitiveQuery: boolean;
  /** Glob that the ref of a push must match; null: all do. */
  readonly refFilter: string | null;
  readonly events: readonly EventKind[];
  readonly dialect: string;
  readonly active: boolean;
  readonly off: Off | null;
  readonly health: Health;
  readonly sending: Sending;
  /** False: nothing is signed for it. */
  readonly hasSecret: boolean;
  readonly secretTail: string;
  /** Until when the old secret signs beside the new one; null where none does. */
  readonly overlapUntil: number | null;
  readonly created: number;
  readonly updated: number;
}

export const webhooksOfOrganizationMax = 1_000;
export const secretCharactersMax = 1_000;
/** How long both secrets sign unless told otherwise, and at most. */
export const overlapDefault = '24h';
export const overlapMsMax = 30 * 86_400_000;

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `24h`, `30m`, `0s` in milliseconds. Fails with `invalid_overlap`. */
export function parseOverlap(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const ms = Number(match?.[1]) * (unitsMs[match?.[2] ?? ''] ?? Number.NaN);
  if (!(ms <= overlapMsMax))
    throw invalid('invalid_overlap', 'The overlap is a duration such as 24h, 30m or 0s, of at most 30d.', { field: 'overlap' });
  return ms;
}

/** Any text is a secret, but what could not be told apart from a slip: nothing, or blanks and control characters alone. Fails with `invalid_secret`. */
export function checkedSecret(secret: string): string {
  if (secret.length > secretCharactersMax || !/[^\s\p{Cc}]/u.test(secret) || !secret.isWellFormed()) {
    throw invalid('invalid_secret', `A secret is a text of 1 to ${secretCharactersMax} characters, not blanks alone.`, { field: 'secret' });
  }
  return secret;
}
