import { timestampText } from '../../clock.ts';
import type { CommentFacts, PersonFacts, PullFacts, PullRequestFacts, RepositoryFacts } from '../../events/git-facts.ts';
import type { NewEvent } from '../../events/record.ts';
import type { Repository } from '../repository.ts';
import type { Pull, PullComment } from './pull.ts';
import { headRefOf, isDraft, mergeableOf } from './pull.ts';

/** The branch it comes from, or where its head is kept where there is none (any more); contract 2.3. */
export function shownHead(pull: Pull): string {
  return pull.head === null || pull.isHeadGone ? headRefOf(pull) : pull.head;
}

/** A pull request as events show it. */
export function pullFacts(pull: Pull): PullFacts {
  const { mergeable, reason } = mergeableOf(pull);
  const isMerged = pull.state === 'merged';
  const closed = pull.closed === null ? null : timestampText(pull.closed);
  return {
    id: pull.id,
    serial: pull.serial,
    number: pull.number,
    author: pull.author,
    title: pull.title,
    body: pull.body,
    state: pull.state === 'open' ? 'open' : 'closed',
    isMerged,
    mergedAt: isMerged ? closed : null,
    mergeCommit: pull.mergeSha,
    mergedBy: pull.mergedBy,
    base: { ref: pull.base, sha: pull.baseSha },
    head: { ref: shownHead(pull), sha: pull.headSha, ...(pull.head === null ? {} : { branch: pull.head }) },
    mergeBase: pull.mergeBase,
    mergeable,
    mergeableReason: reason,
    isDraft: isDraft(pull),
    comments: pull.comments,
    ...pull.counts,
    created: timestampText(pull.created),
    updated: timestampText(pull.updated),
    closed,
  };
}

/** A comment as events show it. */
export function commentFacts(comment: PullComment): CommentFacts {
  const { id, serial, author, body, created, updated } = comment;
  return { id, serial, author, body, created: timestampText(created), updated: timestampText(updated) };
}

/** Where something happened to a pull request, and who did it. */
export interface Scene {
  readonly repository: Repository;
  /** Its facts; how many pull requests are open is taken from `openPulls`. */
  readonly facts: RepositoryFacts;
  readonly sender: PersonFacts;
  readonly serverUrl: string;
}

export interface PullEvent extends Pick<PullRequestFacts, 'pullAction'> {
  readonly pull: Pull;
  readonly changes?: PullRequestFacts['changes'];
  /** How many are open once it has happened. */
  readonly openPulls: number;
}

/** `pull_request`: no filter of refs is held against it (contract 1.4), so it names no ref. */
export function pullEvent(scene: Scene, { pull, pullAction, changes = null, openPulls }: PullEvent): NewEvent {
  return {
    ...eventOf(scene),
    kind: 'pull_request',
    facts: { ...about(scene, pull, openPulls), pullAction, changes },
  };
}

export interface CommentEvent {
  readonly pull: Pull;
  readonly comment: PullComment;
  readonly commentAction: 'created' | 'edited' | 'deleted';
  readonly bodyFrom?: string | null;
  readonly openPulls: number;
}

export function commentEvent(scene: Scene, { pull, comment, commentAction, bodyFrom = null, openPulls }: CommentEvent): NewEvent {
  return {
    ...eventOf(scene),
    kind: 'pull_request_comment',
    facts: { ...about(scene, pull, openPulls), commentAction, comment: commentFacts(comment), bodyFrom },
  };
}

function eventOf({ repository }: Scene): Pick<NewEvent, 'organization' | 'project' | 'repository' | 'ref'> {
  return { organization: repository.organization, project: repository.project?.id ?? null, repository: repository.id, ref: null };
}

function about({ repository, facts, sender, serverUrl }: Scene, pull: Pull, openPulls: number) {
  return { organization: repository.slug, serverUrl, pull: pullFacts(pull), repository: { ...facts, openPulls }, sender };
}
