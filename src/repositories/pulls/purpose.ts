import type { Purpose } from '../refs/refs.ts';
import type { MergeMethod } from './pull.ts';
import { mergeMethods } from './pull.ts';

/** A merge that we make: kept with the intent, so that a crash behind the ref's move ends with the pull request merged. */
export interface MergePurpose {
  readonly kind: 'merge';
  /** Id and number of the pull request. */
  readonly pull: string;
  readonly number: number;
  readonly method: MergeMethod;
  /** Tip of the head that was merged. */
  readonly head: string;
}

/** A pull request that a push opens. */
export interface PlannedPull {
  /** That moves: `refs/pull/<number>/head`, or the branch it comes from. */
  readonly ref: string;
  readonly number: number;
  readonly base: string;
  /** Null: pushed to refs/for. */
  readonly head: string | null;
  readonly topic: string | null;
  /** As the push options say; null: as its newest commit says. */
  readonly title: string | null;
  readonly body: string | null;
}

export function mergePurpose(purpose: MergePurpose): Purpose {
  return { ...purpose };
}

export function openPurpose(pulls: readonly PlannedPull[]): Purpose | null {
  return pulls.length === 0 ? null : { kind: 'pull', pulls: pulls.map((pull) => ({ ...pull })) };
}

/** What `mergePurpose` made, or null. */
export function mergeOf(purpose: Purpose | null): MergePurpose | null {
  if (purpose?.kind !== 'merge') return null;
  const { pull, number, head } = purpose;
  const method = mergeMethods.find((one) => one === purpose['method']);
  if (typeof pull !== 'string' || typeof number !== 'number' || typeof head !== 'string' || method === undefined) return null;
  return { kind: 'merge', pull, number, method, head };
}

/** What `openPurpose` made. */
export function plannedOf(purpose: Purpose | null): readonly PlannedPull[] {
  if (purpose?.kind !== 'pull' || !Array.isArray(purpose['pulls'])) return [];
  // Written by us and by nobody else, in the same database.
  return purpose['pulls'] as readonly PlannedPull[];
}
