import { conflict, invalid } from '../../errors.ts';
import type { GatepostError } from '../../errors.ts';
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

/** What git says of merging two tips; `unknown`: not asked yet, or it took too long. */
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
  /** Of one that was pushed to refs/for: what tells it apart from others of its author and base. */
  readonly topic: string | null;
  /** Its tip; kept as refs/pull/<number>/head too. */
  readonly headSha: string;
  /** Tip of its base; once it is merged or closed: as it was then. */
  readonly baseSha: string;
  readonly mergeBase: string;
  readonly mergeability: Mergeability;
  /** The tips that `mergeability` is of. */
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
  readonly pull: string;
  readonly serial: number;
  readonly author: PersonFacts;
  readonly body: string;
  readonly created: number;
  readonly updated: number;
}

export const titleCharactersMax = 255;
export const bodyCharactersMax = 65_536;
export const commentCharactersMax = 65_536;
export const topicCharactersMax = 100;
/** Of one repository: what a push to a base looks through. */
export const openPullsMax = 1_000;
/** Of one pull request. */
export const commentsMax = 5_000;

/** Not ready to be merged, as its title says it: `WIP:`, `[WIP]`, `Draft:` or `[Draft]` in front, in whatever case. */
export function isDraft({ title }: Pick<Pull, 'title'>): boolean {
  return /^\s*(?:(?:wip|draft)\s*:|\[(?:wip|draft)\])/i.test(title);
}

/** Of which tips a mergeability is. */
export function tipsText(baseSha: string, headSha: string): string {
  return `${baseSha} ${headSha}`;
}

/**
 * Whether it can be merged as it is, and why not. Null: not known yet (Gitea's false there is a known fault, contract 2.3). Of one that is closed
 * or merged: as it was last found out, since receivers take false for a conflict or a draft; the reason says the state.
 */
export function mergeableOf(pull: Pull): { readonly mergeable: boolean | null; readonly reason: string } {
  if (pull.state !== 'open') return { mergeable: lastMergeable(pull), reason: pull.state };
  const known = pull.mergeabilityOf === tipsText(pull.baseSha, pull.headSha) ? pull.mergeability : 'unknown';
  if (known === 'unknown') return { mergeable: null, reason: known };
  if (known !== 'clean') return { mergeable: false, reason: known };
  return isDraft(pull) ? { mergeable: false, reason: 'draft' } : { mergeable: true, reason: 'clean' };
}

/** Its tips are not looked at: the base of a merged one has moved by that. */
function lastMergeable(pull: Pull): boolean | null {
  if (pull.mergeability === 'unknown') return null;
  return pull.mergeability === 'clean' && !isDraft(pull);
}

/** Where its head is found for ever, also once the branch is gone. */
export function headRefOf({ number }: Pick<Pull, 'number'>): string {
  return `refs/pull/${number}/head`;
}

/** One line, trimmed. Fails with `invalid_title`. */
export function checkedTitle(text: string): string {
  const title = text.trim().normalize('NFC');
  if (title === '' || title.length > titleCharactersMax || /[\p{Cc}\p{Cs}]/u.test(title)) {
    throw invalid('invalid_title', `A title is one line of 1 to ${titleCharactersMax} characters without control characters.`, {
      field: 'title',
      charactersMax: titleCharactersMax,
    });
  }
  return title;
}

/** Any text without NUL or broken characters: both databases and git take it. Fails with `invalid_body`. */
export function checkedText(text: string, charactersMax: number, field = 'body'): string {
  if (text.length > charactersMax || text.includes('\0') || !text.isWellFormed()) {
    throw invalid('invalid_body', `The text has at most ${charactersMax} characters, no NUL and no half characters.`, {
      field,
      charactersMax,
    });
  }
  return text;
}

/** What cannot be merged, in words; the code stays. */
export function cannotMerge(why: 'nothing_to_merge' | 'unrelated' | 'base_gone' | 'head_gone'): GatepostError {
  const words = {
    nothing_to_merge: ['nothing_to_merge', 'The base has all commits of the head already.'],
    unrelated: ['unrelated_histories', 'The two branches have no commit in common.'],
    base_gone: ['base_gone', 'The branch it goes to is not there any more.'],
    head_gone: ['head_gone', 'The branch it comes from is not there any more.'],
  } as const;
  const [code, message] = words[why];
  return conflict(code, message);
}

export function alreadyMerged(): GatepostError {
  return conflict('pull_request_merged', 'The pull request is merged: that cannot be undone or done again.');
}
