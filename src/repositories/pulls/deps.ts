import type { Clock } from '../../clock.ts';
import type { PersonFacts } from '../../events/git-facts.ts';
import type { NewEvent, OnRecorded } from '../../events/record.ts';
import { recordEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import { repositoryFacts } from '../facts/repository-facts.ts';
import type { Git } from '../git/git.ts';
import type { Refs } from '../refs/refs.ts';
import type { Repository } from '../repository.ts';
import type { Scene } from './facts.ts';
import type { Scope } from './store.ts';

/** What pull requests are made with; app.ts hands it in. */
export interface PullsDeps {
  readonly database: Database;
  readonly git: Git;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly refs: Pick<Refs, 'move'>;
  /** The public base URL of this server, without a slash at its end. */
  readonly publicUrl: () => string;
  /** Makes the deliveries in the unit that records. */
  readonly onRecorded?: OnRecorded;
  /** Events are on disk: their deliveries can go. */
  readonly recorded?: () => void;
}

/** Whoever does something to the pull requests of a repository. */
export interface Doing {
  readonly repository: Repository;
  readonly actor: PersonFacts;
}

export function scopeOf({ organization, id }: Repository): Scope {
  return { organization, repository: id };
}

/** What events of one repository and one actor have in common, read before the unit that records them. */
export async function sceneOf(deps: PullsDeps, { repository, actor }: Doing): Promise<Scene> {
  const { database, git } = deps;
  const facts = await repositoryFacts({ read: database.read, git, repository });
  return { repository, facts, sender: actor, serverUrl: deps.publicUrl() };
}

/** Records an event in a unit of ours. */
export function recorder({ ids, clock, onRecorded }: PullsDeps, tx: Tx): (event: NewEvent) => Promise<string> {
  return (event) => recordEvent({ tx, ...event, ids, clock, ...(onRecorded === undefined ? {} : { onRecorded }) });
}
