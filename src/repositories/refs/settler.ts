import { setTimeout as sleep } from 'node:timers/promises';
import type { Intent } from './intents.ts';
import type { Moved, RefCommand } from './refs.ts';
import type { SettleJob, SettleOptions } from './settle.ts';
import { settle } from './settle.ts';

/** The wait after the first failure to record what moved; it doubles with each further one. */
export const settleFirstMs = 250;
export const settleMaxMs = 15_000;
const stopLookMs = 20;

/** Intents that are open, and the recording of what came of them. */
export interface Settler {
  add(intent: Intent): SettleJob;
  /** Records what came of it, again and again until that is on disk. Rejects only where the server stops first. */
  settle(job: SettleJob): Promise<readonly Moved[]>;
  /** How many intents are open. */
  open(): number;
  isStopping(): boolean;
  /** Waits until no intent is open, not longer than `graceMs`; tries nothing again after that. */
  stop(graceMs: number): Promise<void>;
}

export function createSettler(options: SettleOptions): Settler {
  const { log } = options;
  const jobs = new Set<SettleJob>();
  const underWay = new Set<Promise<unknown>>();
  const stopping = new AbortController();
  const othersOf = (job: SettleJob): readonly RefCommand[] =>
    [...jobs].filter((one) => one !== job && one.intent.repository === job.intent.repository).flatMap((one) => one.intent.commands);
  const settleSurely = async (job: SettleJob): Promise<readonly Moved[]> => {
    for (;;) {
      try {
        const moved = await settle(options, job, othersOf(job));
        jobs.delete(job);
        return moved;
      } catch (error) {
        if (stopping.signal.aborted) throw error;
        job.failures += 1;
        const { repository } = job.intent;
        log.warn({ err: error, repository, failures: job.failures }, 'what moved is not recorded yet: tried again');
        await sleep(Math.min(settleFirstMs * 2 ** (job.failures - 1), settleMaxMs), undefined, { signal: stopping.signal });
      }
    }
  };
  return {
    add(intent) {
      const job: SettleJob = { intent, grown: 0, moved: null, recorded: 0, failures: 0 };
      jobs.add(job);
      return job;
    },
    settle(job) {
      const settled = settleSurely(job);
      const kept = settled.catch(() => undefined).finally(() => underWay.delete(kept));
      underWay.add(kept);
      return settled;
    },
    open: () => jobs.size,
    isStopping: () => stopping.signal.aborted,
    async stop(graceMs) {
      const until = performance.now() + graceMs;
      // Those whose git is still at work come to be settled in a moment.
      while (jobs.size > 0 && performance.now() < until) await sleep(stopLookMs);
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}

/** Waits for it, but not longer. */
export async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const enough = new AbortController();
  const timer = sleep(ms, undefined, { signal: enough.signal }).catch(() => undefined);
  await Promise.race([work, timer]);
  enough.abort();
}
