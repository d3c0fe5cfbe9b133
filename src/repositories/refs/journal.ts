import type { PersonFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import { conflict, GatepostError } from '../../errors.ts';
import type { Repository } from '../repository.ts';
import type { Intent } from './intents.ts';
import { insertIntent } from './intents.ts';
import { removeLocksOfKilled } from './left-files.ts';
import { createRefLocks } from './locks.ts';
import { readRefs } from './ref-values.ts';
import type { Moved, Purpose, RefCommand } from './refs.ts';
import type { SettleOptions } from './settle.ts';
import { createSettler, within } from './settler.ts';

/** How long a move waits for those before it that want the same ref. */
export const lockWaitMs = 30_000;
/** Those of a start wait for as long as it takes. */
const takeOverLockMs = 2 ** 31 - 1;

export interface BeginOptions {
  readonly repository: Repository;
  readonly commands: readonly RefCommand[];
  readonly actor: PersonFacts;
  readonly purpose: Purpose | null;
  /** Push options. */
  readonly options: readonly string[];
  /** Of the git process that waits for leave; null: none does yet. */
  readonly pid: number | null;
  /**
   * What becomes of a command whose `before` is not there. `fails`: the whole call does. `git`: git, which is told of it nevertheless, refuses it.
   * `late`: git has moved these refs already, without asking; that must be recorded still.
   */
  readonly stale: 'fails' | 'git' | 'late';
  readonly signal?: AbortSignal;
}

/** How git ended. */
export interface Settlement {
  /** By force, or nobody knows how: it may have left locks. */
  readonly isKilled: boolean;
  /** How many bytes it took in. */
  readonly grown?: number;
}

/** The intent is on disk and its refs are held: git may move them now. */
export interface Begun {
  /**
   * To be called once git has ended, whatever came of it: records what moved, again and again until it can be, and gives the refs back. Answers
   * what moved once that is on disk; rejects only where the server stops first (the next start settles it).
   */
  settle(options: Settlement): Promise<readonly Moved[]>;
}

export interface Journal {
  /**
   * Holds the refs, sees what of it can be done and writes that down. Fails with `ref_busy`, with `ref_moved` (409) where a command's `before` is not
   * there and git would not see it itself, and as the database does; then nothing may be moved.
   */
  begin(options: BeginOptions): Promise<Begun>;
  /** Settles what an earlier process has left. Answers once that is done, or is going on in the background for `withinMs`. */
  takeOver(intents: readonly Intent[], withinMs: number): Promise<void>;
  /** How many intents are open. */
  open(): number;
  /** Waits for what is being settled, not longer than `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export function createJournal(options: SettleOptions): Journal {
  const { database, git, clock, ids } = options;
  const locks = createRefLocks();
  const settler = createSettler(options);
  const begin = async (asked: BeginOptions): Promise<Begun> => {
    const { repository, commands, actor, purpose, signal } = asked;
    const refs = commands.map(({ ref }) => ref);
    const release = await locks.take({ repository: repository.id, refs, waitMs: lockWaitMs, signal });
    let possible: readonly RefCommand[];
    try {
      if (settler.isStopping()) throw stoppingError();
      possible = possibleOf(asked, await readRefs(git.directory(repository.id), refs));
    } catch (error) {
      release();
      throw error;
    }
    if (possible.length === 0) return { settle: async () => (release(), []) };
    const { organization, id } = repository;
    const about = { organization, repository: id, actor, purpose, commands: possible, options: asked.options };
    const intent: Intent = { id: ids.next(), created: clock.now(), ...about };
    const job = settler.add(intent);
    try {
      await database.write((tx) => insertIntent({ tx, intent, node: database.node, pid: asked.pid }));
    } catch (error) {
      // Whether it is on disk is not known where the answer was lost: the refs are held until it is surely gone.
      settler.settle(job).then(release, () => undefined);
      throw error;
    }
    return {
      async settle({ isKilled, grown = 0 }) {
        if (isKilled) await removeLocksOfKilled({ git, repository: id, refs }).catch(() => undefined);
        job.grown = grown;
        const moved = await settler.settle(job);
        release();
        return moved;
      },
    };
  };
  return {
    begin,
    async takeOver(intents, withinMs) {
      const all = intents.map(async (intent) => {
        const refs = intent.commands.map(({ ref }) => ref);
        const release = await locks.take({ repository: intent.repository, refs, waitMs: takeOverLockMs });
        await settler.settle(settler.add(intent)).then(release, () => undefined);
      });
      await within(Promise.all(all), withinMs);
    },
    open: settler.open,
    stop: settler.stop,
  };
}

/**
 * What of it can be done: `before` is what is there, and something changes. Of the rest, git refuses creations and updates by itself, whose old value
 * it compares; a deletion it may carry out whatever it was told (of a value it does not know), so that one fails the whole.
 */
function possibleOf({ commands, stale }: BeginOptions, values: ReadonlyMap<string, string>): readonly RefCommand[] {
  if (stale === 'late') return commands;
  const isThere = ({ ref, before }: RefCommand): boolean => values.get(ref) === before;
  const other = commands.find((command) => !isThere(command) && (stale === 'fails' || command.after === zeroId));
  if (other !== undefined) {
    throw conflict('ref_moved', `${other.ref} is not where it was thought to be: another has moved it.`, { ref: other.ref });
  }
  return commands.filter((command) => isThere(command) && command.before !== command.after);
}

function stoppingError(): GatepostError {
  return new GatepostError('unavailable', 'stopping', 'The server is stopping. Try again.', { retryAfterSeconds: 1 });
}
