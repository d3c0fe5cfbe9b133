import type { Clock } from '../../clock.ts';
import type { PushFacts } from '../../events/git-facts.ts';
import type { NewEvent, OnRecorded } from '../../events/record.ts';
import { recordEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Tx } from '../../storage/database/database.ts';
import type { Repository } from '../repository.ts';
import type { Intent } from './intents.ts';
import { closeIntent } from './intents.ts';
import type { RefCommand, SettlingUnit } from './refs.ts';

/** A push whose event is recorded. */
export interface Told {
  readonly facts: PushFacts;
  readonly created: number;
}

export interface UnitOptions {
  readonly tx: Tx;
  readonly intent: Intent;
  /** What of the intent is not recorded by this unit. */
  readonly left: readonly RefCommand[];
  readonly repository: Repository;
  /** The default branch that was. */
  readonly before: string;
  readonly grown: number;
  /** When it is said to have moved. */
  readonly now: number;
  readonly told: readonly Told[];
  readonly writes: readonly ((unit: SettlingUnit) => Promise<void>)[];
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly onRecorded: OnRecorded;
}

/** Rows that one statement inserts. */
const rowsOfInsertMax = 200;

/**
 * The one unit in which an intent ends: pushes, their commits and events in git's order, then what listeners make of it. False: it was written before,
 * by a try whose answer was lost, and nothing was written now.
 */
export async function writeUnit(options: UnitOptions): Promise<boolean> {
  const { tx, intent, left, repository, told, clock, ids, onRecorded } = options;
  if (!(await closeIntent({ tx, intent, left }))) return false;
  if (!(await touchRepository(options))) return true;
  const record = (event: NewEvent): Promise<string> => recordEvent({ ...event, tx, clock, ids, onRecorded });
  const project = repository.project?.id ?? null;
  for (const one of told) {
    await insertPush(options, one);
    const { facts } = one;
    await record({ organization: repository.organization, kind: 'push', project, repository: repository.id, ref: facts.ref, facts });
  }
  for (const write of options.writes) await write({ tx, record });
  return true;
}

/** False where the repository is gone. */
async function touchRepository({ tx, repository, before, grown, now }: UnitOptions): Promise<boolean> {
  const { organization, id, defaultBranch } = repository;
  const changed = await tx
    .updateTable('repositories')
    .set((row) => ({ pushed: now, updated: now, bytes: row('bytes', '+', grown) }))
    .where('organization', '=', organization)
    .where('id', '=', id)
    .executeTakeFirst();
  if (changed.numUpdatedRows === 0n) return false;
  if (before === defaultBranch) return true;
  await tx
    .updateTable('repositories')
    .set({ default_branch: defaultBranch })
    .where('organization', '=', organization)
    .where('id', '=', id)
    .where('default_branch', '=', before)
    .execute();
  return true;
}

async function insertPush({ tx, intent, repository }: UnitOptions, { facts, created }: Told): Promise<void> {
  const { organization } = repository;
  const { push, ref, before, after, isForced, commits, total } = facts;
  const actor = JSON.stringify(intent.actor);
  const forced = isForced ? 1 : 0;
  await tx
    .insertInto('pushes')
    .values({ id: push, organization, repository: repository.id, ref, before, after, forced, actor, commits: total, created })
    .execute();
  const rows = commits.map(({ id }) => ({ repository: repository.id, organization, sha: id, push }));
  for (let from = 0; from < rows.length; from += rowsOfInsertMax) {
    await tx
      .insertInto('push_commits')
      .values(rows.slice(from, from + rowsOfInsertMax))
      .onConflict((on) => on.columns(['repository', 'sha']).doNothing())
      .execute();
  }
}
