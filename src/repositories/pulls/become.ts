import type { NewEvent } from '../../events/record.ts';
import type { Tx } from '../../storage/database/database.ts';
import type { Assessment } from './assess.ts';
import { scopeOf } from './deps.ts';
import type { PullEvent, Scene } from './facts.ts';
import { pullEvent } from './facts.ts';
import type { NewPull } from './store.ts';
import { changePull, countOpen, insertPull } from './store.ts';
import type { Pull } from './pull.ts';

// What becomes of a pull request, each with its event, in the unit of whoever makes it so. Rows are held by the caller (`holdPull`).

export interface Writing {
  readonly tx: Tx;
  readonly record: (event: NewEvent) => Promise<string>;
  readonly scene: Scene;
  readonly now: number;
}

/** Tells what happened to it. */
export async function tell({ tx, record, scene }: Writing, event: Omit<PullEvent, 'openPulls'>): Promise<void> {
  const openPulls = await countOpen({ read: tx, ...scopeOf(scene.repository) });
  await record(pullEvent(scene, { ...event, openPulls }));
}

/** A new one. Null where there is one of this number already. Fails as `insertPull` does. */
export async function becomeOpened(writing: Writing, { id, pull }: { readonly id: string; readonly pull: NewPull }): Promise<Pull | null> {
  const { tx, scene, now } = writing;
  const opened = await insertPull({ tx, ...scopeOf(scene.repository), id, now, pull });
  if (opened !== null) await tell(writing, { pull: opened, pullAction: 'opened' });
  return opened;
}

/** What is known of its tips, as columns. */
export function assessed(assessment: Assessment) {
  return {
    mergeable: assessment.mergeability,
    mergeable_of: assessment.mergeabilityOf,
    merge_base: assessment.mergeBase,
    // What could not be counted now keeps the old figures until it is.
    ...(assessment.mergeabilityOf === null ? {} : { counts: JSON.stringify(assessment.counts) }),
  };
}

export interface Synchronized {
  /** Open, and its head elsewhere. */
  readonly pull: Pull;
  readonly headSha: string;
  /** Tip of its base, where it is there. */
  readonly baseSha: string | null;
  readonly assessment: Assessment;
}

/** Its head has moved. */
export async function becomeSynchronized(writing: Writing, { pull, headSha, baseSha, assessment }: Synchronized): Promise<Pull> {
  const { tx, scene, now } = writing;
  const change = { head_sha: headSha, base_sha: baseSha ?? pull.baseSha, ...assessed(assessment), updated: now };
  const changed = await changePull({ tx, ...scopeOf(scene.repository), id: pull.id, change });
  await tell(writing, { pull: changed, pullAction: 'synchronized', changes: { head: { before: pull.headSha, after: headSha } } });
  return changed;
}

/** It is merged: `sha` is the commit of the base that brought it. */
export async function becomeMerged(writing: Writing, { pull, sha }: { readonly pull: Pull; readonly sha: string }): Promise<Pull> {
  const { tx, scene, now } = writing;
  const change = { state: 'merged', merge_sha: sha, merged_by: JSON.stringify(scene.sender), updated: now, closed: now };
  const changed = await changePull({ tx, ...scopeOf(scene.repository), id: pull.id, change });
  await tell(writing, { pull: changed, pullAction: 'closed' });
  return changed;
}

/** It is closed without being merged. */
export async function becomeClosed(writing: Writing, pull: Pull): Promise<Pull> {
  const { tx, scene, now } = writing;
  const change = { state: 'closed', updated: now, closed: now };
  const changed = await changePull({ tx, ...scopeOf(scene.repository), id: pull.id, change });
  await tell(writing, { pull: changed, pullAction: 'closed' });
  return changed;
}
