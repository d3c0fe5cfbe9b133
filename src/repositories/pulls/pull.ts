import type { PersonFacts } from '../../events/git-facts.ts';

export const pullStates = ['open', 'closed', 'merged'] as const;
export type PullState = (typeof pullStates)[number];

export const mergeMethods = ['merge', 'squash', 'rebase'] as const;
export type MergeMethod = (typeof mergeMethods)[number];

/** How large what a pull request brings is. */
export interface PullCounts {
  readonly commits: number;
  readonly additions: number;
  readonly deletions: number;
  readonly changedFiles: number;
}

/** What git says of merging these two tips; `unknown`: not asked yet, or it took too long. */
export const mergeabilities = ['clean', 'conflicts', 'nothing_to_merge', 'unrelated', 'base_gone', 'head_gone', 'unknown'] as const;
export type Mergeability = (typeof mergeabilities)[number];

/** A request to bring what one branch has into another. */
export interface Pull {
  readonly id: string;
  readonly repository: string;
  /** Unique in its repository. */
  readonly number: number;
  /** Unique on the server. */
  readonly serial: number;
  readonly title: string;
  readonly body: string;
  readonly author: PersonFacts;
  readonly state: PullState;
  /** The branch it goes to. */
  readonly base: string;
  /** The branch it comes from; null: it was pushed to refs/for. */
  readonly head: string | null;
  /** The branch it came from is deleted. */
  readonly isHeadGone: boolean;
  readonly topic: string | null;
  /** Its tip; kept as refs/pull/<number>/head too. */
  readonly headSha: string;
  /** Tip of its base; once it is merged or closed: as it was then. */
  readonly baseSha: string;
  readonly mergeBase: string;
  readonly mergeability: Mergeability;
  /** The tips that `mergeability`, `mergeBase` and `counts` are of. */
  readonly mergeabilityOf: string | null;
  readonly counts: PullCounts;
  readonly mergeSha: string | null;
  readonly mergedBy: PersonFacts | null;
  readonly comments: number;
  readonly created: number;
  readonly updated: number;
  readonly closed: number | null;
}

export interface PullComment {
  readonly id: string;
  readonly serial: number;
  readonly author: PersonFacts;
  readonly body: string;
  readonly created: number;
  readonly updated: number;
}
