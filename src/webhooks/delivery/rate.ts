/** Spacing is stretched by this part, or by a millisecond where that is more and little: what travels at different speeds still arrives within the limit. */
const stretchPart = 0.005;
const stretchPartMax = 0.05;
/** The time up to which attempts are spoken for lies in its row in microseconds: rounded to milliseconds, a thousand a second would be seven hundred. */
export const rateAt = { kept: (at: number): number => Math.round(at * 1_000), read: (kept: number): number => kept / 1_000 };
/** How far back unused room counts where attempts follow each other faster than anybody looks at the clock. */
const lookMs = 5;

export interface RateOptions {
  /** At most so many attempts … */
  readonly count: number;
  /** … in each span of so long. */
  readonly periodMs: number;
  /** The time up to which attempts are spoken for. */
  readonly at: number;
  readonly now: number;
  readonly wanted: number;
}

/**
 * How many attempts may begin now, evenly spaced: no span of the period ever sees more than `count`, also over a restart and over all nodes, since
 * `at` is in the webhook's row. Answers what `at` becomes when they are taken, and when the next may begin. Pure.
 */
export function rateAllows({ count, periodMs, at, now, wanted }: RateOptions): {
  readonly count: number;
  readonly at: number;
  readonly next: number;
} {
  const even = periodMs / count;
  const spacing = even + Math.max(even * stretchPart, Math.min(1, even * stretchPartMax));
  // A clock that was set back must not close the webhook for longer than two periods.
  const spoken = at > now + 2 * periodMs ? now : at;
  const from = Math.max(spoken, spacing < lookMs ? now - lookMs : now);
  const allowed = spoken > now ? 0 : Math.floor((now - from) / spacing) + 1;
  const taken = Math.min(wanted, allowed);
  const after = taken === 0 ? spoken : from + taken * spacing;
  return { count: taken, at: after, next: Math.max(Math.ceil(after), now + 1) };
}

/** At most so many attempts in each span of so long. */
export interface Rate {
  readonly count: number;
  readonly periodMs: number;
}

/** When the latest attempts began, as many as may in one period, each over the one a period before it. */
export interface Begun {
  readonly rate: Rate;
  readonly times: number[];
  next: number;
}

/** An attempt that was held up longer than this is not held up for the sake of those behind it: its lease is short. */
export const heldMsMax = 1_000;

/**
 * When an attempt that was claimed may begin, and notes it. Claims are spaced, but one may be longer on its way than the next: without this its
 * span would see one too many.
 */
export function beginsAt(begun: Begun, now: number): number {
  const { rate, times, next } = begun;
  const before = times[next];
  const at = before === undefined ? now : Math.min(Math.max(now, before + rate.periodMs), now + heldMsMax);
  times[next] = at;
  begun.next = (next + 1) % rate.count;
  return at;
}
