import type { EventKind } from '../../events/event.ts';
import { invalid } from '../../errors.ts';

/** Who wants which events, where, in which dialect. Its secret is not part of it: that is shown once and then only signs. */
export interface Webhook {
  readonly id: string;
  /** Of the one project whose events it gets; null: the whole organization. */
  readonly project: { readonly id: string; readonly key: string } | null;
  readonly name: string;
  /** Masked. */
  readonly url: string;
  readonly events: readonly EventKind[];
  readonly dialect: string;
  readonly active: boolean;
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
