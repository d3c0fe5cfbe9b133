import type { Clock } from '../../clock.ts';

/** A difference beyond this is a jump: somebody set the clock. Below it, clocks drift and are put right as we go. */
export const jumpMsMin = 2_000;
/** After a jump the steady clock comes nearer to the other by this part of the time that goes by. */
export const catchUpPart = 0.1;

/**
 * A clock for what falls due: it follows the wall clock, but never jumps with it. Set a day forward, it would make all retries due at once and end
 * promises early; set an hour back, it would hold everything for an hour. Instead it goes on as time really passes, and comes nearer slowly.
 * `notBefore` is the last time it showed before the process ended.
 */
export function createSteadyClock(options: {
  readonly clock: Clock;
  /** Milliseconds that pass evenly, whatever is done to the wall clock. */
  readonly elapsed: () => number;
  readonly notBefore?: number;
}): Clock {
  const { clock, elapsed } = options;
  let last = elapsed();
  // From time elapsed to time of day.
  let offset = Math.max(clock.now(), options.notBefore ?? 0) - last;
  return {
    now() {
      const at = elapsed();
      const apart = clock.now() - at - offset;
      if (Math.abs(apart) < jumpMsMin) offset += apart;
      else offset += Math.sign(apart) * Math.min(Math.abs(apart), (at - last) * catchUpPart);
      last = at;
      return Math.round(at + offset);
    },
  };
}
