import { systemClock } from '../../clock.ts';
import { factsOfPushes } from '../facts/push-facts.ts';
import { repositoryFacts } from '../facts/repository-facts.ts';
import { createHeads } from './head.ts';
import { readIntents } from './intents.ts';
import type { Journal } from './journal.ts';
import { createJournal } from './journal.ts';
import { moveRefs } from './move.ts';
import { removeAllLeftFiles, removeLeftFiles } from './left-files.ts';
import { endOrphans } from './orphans.ts';
import type { MoveListener, Refs } from './refs.ts';
import type { FactsMakers, SettleOptions } from './settle.ts';

export interface RefsOptions extends Omit<SettleOptions, 'listeners' | 'facts' | 'heads'> {
  /** What pushes are told by; a test puts its own here. */
  readonly facts?: FactsMakers;
}

/** How long a start waits for what was left to be recorded; then that goes on beside the requests, which wait for its refs. */
export const takeOverMs = 20_000;
/** How long a stop waits for what is being recorded. */
export const settleStopMs = 5_000;

export interface RefsAndJournal extends Refs {
  readonly journal: Journal;
}

export function createRefs(options: RefsOptions): RefsAndJournal {
  const { database, git, log } = options;
  const listeners: MoveListener[] = [];
  const stopping = new AbortController();
  let tidying: Promise<void> = Promise.resolve();
  const facts = options.facts ?? { ofPushes: factsOfPushes, ofRepository: repositoryFacts };
  const journal = createJournal({ ...options, facts, listeners, heads: createHeads(git) });
  return {
    journal,
    move: (asked) => moveRefs({ git, journal }, asked),
    onMoved(listener) {
      listeners.push(listener);
    },
    async start() {
      const left = await readIntents({ read: database.read, node: database.node });
      await endOrphans({ git, intents: left, log });
      // What is older than this has no process any more.
      const before = systemClock.now();
      await removeLeftFiles({ git, intents: left, before });
      if (left.length > 0) log.info({ intents: left.length }, 'refs.taken_over');
      await journal.takeOver(left, takeOverMs);
      tidying = removeAllLeftFiles({ git, before, signal: stopping.signal }).catch((error: unknown) => {
        log.warn({ err: error }, 'files that killed git processes left were not removed');
      });
    },
    async stop() {
      stopping.abort();
      await Promise.all([tidying, journal.stop(settleStopMs)]);
    },
  };
}
