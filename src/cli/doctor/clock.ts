import type { Clock } from '../../clock.ts';
import { timestampText } from '../../clock.ts';
import type { Reader } from '../../storage/database/database.ts';
import { readSetting } from '../../storage/database/settings.ts';
import { clockKeptMs, clockSetting } from '../../webhooks/webhooks.ts';
import type { Check } from './check.ts';
import { failed, ok, warning } from './check.ts';

/** Rows of the future by more than this: the clock was put back. Receivers refuse signatures that are further away than that, too. */
export const skewMsMax = 5 * 60_000;
/** Clocks that are nearer than this agree. */
export const differenceMsMax = 2_000;

export interface ClockOptions {
  readonly read: Reader;
  /** This machine's. */
  readonly clock: Clock;
  /** The database's own, where nodes share one. */
  readonly shared: Clock | null;
  /** A server answers. */
  readonly isServing: boolean;
}

const setClock = 'Set the clock; best by NTP, on every machine.';

/** This machine's clock, held against what was recorded, and against the clock that deliveries fall due by. */
export async function checkClock(options: ClockOptions): Promise<Check> {
  const now = options.clock.now();
  const recorded = await newestRecorded(options.read);
  if (recorded > now + skewMsMax) {
    return failed('clock', `it says ${timestampText(now)}, but something was recorded at ${timestampText(recorded)}`, setClock);
  }
  return (
    (options.shared === null ? await againstKept(options) : againstDatabase(options, options.shared)) ?? ok('clock', timestampText(now))
  );
}

/** By id, which is the order of time. */
async function newestRecorded(read: Reader): Promise<number> {
  const audit = await read.selectFrom('audit').select('at').orderBy('id', 'desc').limit(1).executeTakeFirst();
  const event = await read.selectFrom('events').select('created').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return Math.max(audit?.at ?? 0, event?.created ?? 0);
}

function againstDatabase({ clock }: ClockOptions, shared: Clock): Check | null {
  const ahead = clock.now() - shared.now();
  if (Math.abs(ahead) <= differenceMsMax) return null;
  const says = `this machine's is ${spanText(ahead)} ${ahead > 0 ? 'ahead of' : 'behind'} the database's, by which deliveries fall due`;
  return Math.abs(ahead) > skewMsMax ? failed('clock', says, setClock) : warning('clock', says, setClock);
}

/** A server on SQLite writes its delivery's clock down once a minute. That one never jumps, so it shows what was done to this machine's. */
async function againstKept({ read, clock, isServing }: ClockOptions): Promise<Check | null> {
  const kept = Number((await readSetting(read, clockSetting)) ?? Number.NaN);
  const ahead = kept - clock.now();
  const nearer = 'Deliveries go by their own clock, which comes nearer by six minutes an hour: nothing to do where this one is right now.';
  if (ahead > differenceMsMax)
    return warning('clock', `it was set back: deliveries fall due by one that is ${spanText(ahead)} ahead`, nearer);
  if (!isServing || !(-ahead > 3 * clockKeptMs)) return null;
  return warning('clock', `it was set forward, or the server stands still: deliveries' own clock is ${spanText(ahead)} behind`, nearer);
}

/** `3 d`, `2 h`, `4 min`, `5 s`. */
export function spanText(ms: number): string {
  const span = Math.abs(ms);
  const [unitMs, unit] = (
    [
      [86_400_000, 'd'],
      [3_600_000, 'h'],
      [60_000, 'min'],
    ] as const
  ).find(([least]) => span >= 2 * least) ?? [1_000, 's'];
  return `${Math.round(span / unitMs)} ${unit}`;
}
