import type { NewEvent } from '../../events/record.ts';
import type { PersonFacts } from '../../events/git-facts.ts';
import type { Tx } from '../../storage/database/database.ts';
import type { Repository } from '../repository.ts';

/** A ref that is to move. 40 zeros stand for a ref that is not there. */
export interface RefCommand {
  /** Whole: `refs/heads/main`. */
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

/** A ref that has moved. */
export interface Moved extends RefCommand {
  /** Id of its push; null where none is recorded: of refs that are neither branches nor tags. */
  readonly push: string | null;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** What moving refs is for beside itself, kept with the intent: whoever makes one (a merge, a pull request that is pushed) knows its facts. */
export interface Purpose {
  readonly kind: string;
  readonly [fact: string]: Json;
}

/** Refs that have moved, as those hear of it that make something of it. */
export interface MovedRefs {
  /** As it is when they have moved. */
  readonly repository: Repository;
  /** In git's order, at least one. Of a push of very many refs: some of them, the others in further calls. */
  readonly moved: readonly RefCommand[];
  readonly actor: PersonFacts;
  readonly purpose: Purpose | null;
  /** Push options, as sent. */
  readonly options: readonly string[];
  readonly serverUrl: string;
}

/** What is written in the unit that settles: `record` records an event with its deliveries, and answers its id. */
export interface SettlingUnit {
  readonly tx: Tx;
  readonly record: (event: NewEvent) => Promise<string>;
}

/** Whoever makes something of refs that moved. */
export interface MoveListener {
  /**
   * Looks at git and at rows, outside of a transaction; what it answers is run in the settling unit, after the events of the pushes. May be
   * asked again for the same move, where the unit could not be written: it has no effects.
   */
  prepare(moved: MovedRefs): Promise<(write: SettlingUnit) => Promise<void>>;
}

export interface MoveOptions {
  readonly repository: Repository;
  /** All of them, or none. */
  readonly commands: readonly RefCommand[];
  readonly actor: PersonFacts;
  readonly purpose?: Purpose | null;
}

/** The one way in which refs move: what moved is an event, even if the server dies in the middle. */
export interface Refs {
  /** Moves refs, and answers once that and its events are on disk. Fails with `ref_moved` (409) where `before` is not what is there. */
  move(options: MoveOptions): Promise<readonly Moved[]>;
  onMoved(listener: MoveListener): void;
  /** Settles what a process before us has left, before requests are taken. */
  start(): Promise<void>;
  /** Waits for what is under way; what cannot be settled now is by the next start. */
  stop(): Promise<void>;
}
