import type { Clock } from '../../clock.ts';
import type { Worker, WorkerLog } from '../../worker.ts';
import { createWorker } from '../../worker.ts';

/** Something that is done now and then. */
export interface Chore {
  readonly name: string;
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
}

/** How often to look whether a chore's time has come. */
const lookMs = 250;

/** The regular works, one after another, each when its time has come. One that fails is logged and comes again. */
export function createChores(chores: readonly Chore[], { clock, log }: { readonly clock: Clock; readonly log: WorkerLog }): Worker {
  // By a clock that nobody sets back.
  const regular = chores.map((chore) => ({ chore, next: performance.now() + Math.min(chore.everyMs, 1_000) * Math.random() }));
  return createWorker<Chore>({
    name: 'delivery upkeep',
    async claim() {
      const now = performance.now();
      const due = regular.filter((each) => each.next <= now).toSorted((one, other) => one.next - other.next)[0];
      if (due === undefined) return [];
      due.next = now + due.chore.everyMs;
      return [due.chore];
    },
    async work(chore) {
      try {
        await chore.run();
      } catch (error) {
        log.error({ err: error, chore: chore.name }, 'a regular work failed');
      }
    },
    concurrency: 1,
    idleMs: lookMs,
    clock,
    log,
  });
}
