import type { WorkerLog } from './worker.ts';

export interface PeriodicOptions {
  readonly name: string;
  readonly everyMs: number;
  /** The wait before the first run, so that a start is not slowed down by it. */
  readonly firstAfterMs: number;
  /** Ends early when the signal is aborted. What it throws is logged; the next run comes as planned. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly log: WorkerLog;
}

export interface Periodic {
  start(): void;
  /** No further run; answers when the one under way has ended. */
  stop(): Promise<void>;
}

/** Runs something now and then, never twice at once. */
export function createPeriodic({ name, everyMs, firstAfterMs, run, log }: PeriodicOptions): Periodic {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> = Promise.resolve();
  const once = async (): Promise<void> => {
    try {
      await run(abort.signal);
    } catch (error) {
      log.error({ err: error, periodic: name }, 'run failed');
    }
    if (!abort.signal.aborted) plan(everyMs);
  };
  const plan = (ms: number): void => {
    timer = setTimeout(() => {
      underWay = once();
    }, ms).unref();
  };
  return {
    start() {
      plan(firstAfterMs);
    },
    async stop() {
      abort.abort();
      clearTimeout(timer);
      await underWay;
    },
  };
}
