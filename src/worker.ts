import type { Clock } from './clock.ts';

export interface WorkerLog {
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface WorkerOptions<Job> {
  readonly name: string;
  /** Takes at most so many jobs, each under a lease. An empty answer means that there is nothing to do now. */
  readonly claim: (count: number) => Promise<readonly Job[]>;
  /** Does one job and settles it. It should not throw: what it throws is logged, and claiming slows down. */
  readonly work: (job: Job, signal: AbortSignal) => Promise<void>;
  /** How many jobs at once. */
  readonly concurrency: number;
  /** How long to wait when there was nothing to do and nobody nudged. */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly log: WorkerLog;
}

export interface Worker {
  start(): void;
  /** There may be something to do: do not wait any longer. Costs nothing, may be called at any time. */
  nudge(): void;
  /**
   * Claims nothing more and answers once what is under way has ended. After `graceMs` the signal that `work` holds is aborted, and work that
   * does not heed it within `abandonMs` is left to its lease.
   */
  stop(graceMs?: number): Promise<void>;
}

/** The wait after the first failure; it doubles with each further one. */
export const backoffFirstMs = 250;
export const backoffMaxMs = 30_000;
/** How long `stop` waits for work that was aborted. */
export const abandonMs = 2_000;

/** One loop: claim, do a few at once, wait or be nudged. Survives whatever `claim` and `work` throw. */
export function createWorker<Job>(options: WorkerOptions<Job>): Worker {
  const { name, claim, work, concurrency, idleMs, clock, log } = options;
  const abort = new AbortController();
  const backoff = createBackoff(clock);
  const bell = createBell();
  const underWay = new Set<Promise<void>>();
  const state: { stopping: boolean; loop: Promise<void> | null } = { stopping: false, loop: null };

  const failed = (error: unknown, what: string): void => {
    log.error({ err: error, worker: name, failures: backoff.failed() }, `${what} failed`);
  };
  const doOne = async (job: Job): Promise<void> => {
    try {
      await work(job, abort.signal);
      backoff.succeeded();
    } catch (error) {
      failed(error, 'work');
    }
  };
  const begin = (job: Job): void => {
    const done = doOne(job).finally(() => {
      underWay.delete(done);
      bell.ring();
    });
    underWay.add(done);
  };
  /** Takes what there is room for. Answers how long to wait, unless rung, until it makes sense to try again. */
  const turn = async (): Promise<number> => {
    // Before the room is counted: whoever ends or nudges from here on rings again.
    bell.silence();
    const room = concurrency - underWay.size;
    if (room <= 0) return idleMs;
    try {
      const jobs = await claim(room);
      for (const job of jobs) begin(job);
      return jobs.length > 0 && jobs.length < room ? 0 : idleMs;
    } catch (error) {
      failed(error, 'claim');
      return 0;
    }
  };
  const go = async (): Promise<void> => {
    while (!state.stopping) {
      if (backoff.waitMs() > 0) await bell.sleep(backoff.waitMs(), true);
      else await bell.sleep(await turn(), false);
    }
  };

  return {
    start() {
      state.loop ??= go();
    },
    nudge: bell.ring,
    async stop(graceMs = 0) {
      state.stopping = true;
      bell.end();
      await state.loop;
      const ended = Promise.allSettled(underWay);
      if (await endsWithin(ended, graceMs)) return;
      abort.abort();
      await endsWithin(ended, abandonMs);
    },
  };
}

interface Backoff {
  /** Counts one failure more and answers how many they are in a row. */
  failed(): number;
  succeeded(): void;
  waitMs(): number;
}

function createBackoff(clock: Clock): Backoff {
  let failures = 0;
  let notBefore = 0;
  return {
    failed() {
      failures += 1;
      notBefore = clock.now() + Math.min(backoffFirstMs * 2 ** (failures - 1), backoffMaxMs);
      return failures;
    },
    succeeded() {
      failures = 0;
    },
    waitMs: () => notBefore - clock.now(),
  };
}

interface Bell {
  ring(): void;
  /** Forgets what rang so far. */
  silence(): void;
  /** Waits, but not where it rang since `silence`, and not after `end`. `deaf`: only `end` wakes. */
  sleep(ms: number, deaf: boolean): Promise<void>;
  end(): void;
}

function createBell(): Bell {
  let rung = false;
  let ended = false;
  let deaf = false;
  let wake: () => void = () => undefined;
  return {
    ring() {
      rung = true;
      if (!deaf) wake();
    },
    silence() {
      rung = false;
    },
    async sleep(ms, whileDeaf) {
      if (ended || ms <= 0 || (rung && !whileDeaf)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      wake = resolve;
      deaf = whileDeaf;
      await promise;
      clearTimeout(timer);
      deaf = false;
    },
    end() {
      ended = true;
      wake();
    },
  };
}

async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  const ended = work.then(() => true);
  const first = await Promise.race([ended, promise]);
  clearTimeout(timer);
  return first;
}
