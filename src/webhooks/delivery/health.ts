/** How much may be under way to one webhook, and what counts as slow. Settings of the operator's. */
export interface Bounds {
  /** A webhook that answers begins with so many in flight … */
  readonly inFlightMin: number;
  /** … and grows to so many. */
  readonly inFlightMax: number;
  /** An attempt without an answer after this long is slow, and so is its webhook. */
  readonly slowMs: number;
  /** The first rest of a webhook that failed twice; it doubles with each further failure … */
  readonly restMsMin: number;
  /** … up to this. */
  readonly restMsMax: number;
}

export const boundsDefault: Bounds = { inFlightMin: 4, inFlightMax: 64, slowMs: 1_000, restMsMin: 1_000, restMsMax: 60_000 };

/** To a slow webhook that answers after all so many may be under way. */
export const inFlightOfSlowMax = 4;

/**
 * How a webhook stands: `healthy`, it answers; `probing`, its last attempt failed, so one at a time finds out whether it works again; `resting`, it
 * failed more than once running, so nothing but what a person asks for is sent until the rest is over, when it is probed.
 */
export type Standing = 'healthy' | 'probing' | 'resting';

/** One webhook, as this process sees it. Changed by the functions below alone. */
export interface Health {
  standing: Standing;
  /** It has answered well before: only then may more than one be under way. */
  proven: boolean;
  /** Its last outcome was a timeout or slow. */
  slow: boolean;
  /** How many may be under way while it is healthy. */
  cap: number;
  /** Failed rounds since the last success: attempts that were under way together count once. */
  failures: number;
  /** Grows with each failed round, so that what was begun before it does not count again. */
  round: number;
  restUntil: number;
}

/** What the database remembers of a webhook from before this process. */
export interface Remembered {
  readonly failures: number;
  readonly slow: boolean;
  readonly proven: boolean;
  readonly restingUntil: number | null;
}

export function createHealth({ failures, slow, proven, restingUntil }: Remembered, bounds: Bounds): Health {
  const standing = restingUntil !== null ? 'resting' : failures > 0 ? 'probing' : 'healthy';
  return {
    standing,
    proven: proven && failures === 0,
    slow,
    cap: bounds.inFlightMin,
    failures,
    round: 0,
    restUntil: restingUntil ?? 0,
  };
}

/** How many may be under way to it now. */
export function inFlightOf(health: Health, now: number): number {
  if (health.standing === 'resting' && now < health.restUntil) return 0;
  if (health.standing !== 'healthy' || !health.proven) return 1;
  return health.slow ? Math.min(health.cap, inFlightOfSlowMax) : health.cap;
}

/** An attempt was answered well. */
export function worked(health: Health, durationMs: number, bounds: Bounds): void {
  const again = health.standing !== 'healthy' || !health.proven;
  health.standing = 'healthy';
  health.proven = true;
  health.failures = 0;
  health.restUntil = 0;
  health.slow = durationMs > bounds.slowMs;
  health.cap = again ? bounds.inFlightMin : Math.min(health.cap + 1, bounds.inFlightMax);
}

export interface Failure {
  /** The round in which the attempt was begun. */
  readonly round: number;
  readonly durationMs: number;
  readonly timedOut: boolean;
  /** What the receiver asked for, as a time; 0: nothing. */
  readonly notBefore: number;
  readonly now: number;
}

/** An attempt failed. Twice running, and the webhook rests. */
export function failed(health: Health, failure: Failure, bounds: Bounds): void {
  health.slow = failure.timedOut || failure.durationMs > bounds.slowMs;
  health.cap = bounds.inFlightMin;
  const asked = Math.min(failure.notBefore, failure.now + bounds.restMsMax);
  if (failure.round === health.round) {
    health.round += 1;
    health.failures += 1;
  }
  const restMs = health.failures < 2 ? 0 : Math.min(bounds.restMsMin * 2 ** Math.min(health.failures - 2, 30), bounds.restMsMax);
  const until = Math.max(failure.now + restMs, asked);
  health.standing = until > failure.now ? 'resting' : 'probing';
  health.restUntil = Math.max(health.restUntil, until);
}

/** It has not answered for `slowMs`, and may never: from now on it counts as slow. */
export function overdue(health: Health): void {
  health.slow = true;
}
