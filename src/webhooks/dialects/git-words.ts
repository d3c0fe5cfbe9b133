import type { EventFacts, GatepostEvent } from '../../events/event.ts';
import type { PullRequestCommentFacts, PullRequestFacts, PushFacts, RepositoryFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import type { RepositoryUrls } from '../../events/git-urls.ts';
import { repositoryUrls } from '../../events/git-urls.ts';

/** What of the git side an event tells, or null: it tells of something else. */
export function isPush(facts: EventFacts): facts is PushFacts {
  return 'pusher' in facts;
}
export function isPull(facts: EventFacts): facts is PullRequestFacts {
  return 'pullAction' in facts;
}
export function isComment(facts: EventFacts): facts is PullRequestCommentFacts {
  return 'commentAction' in facts;
}

/** A repository as it is shown: with where it can be reached. */
export interface ShownRepository {
  readonly facts: RepositoryFacts;
  readonly serverUrl: string;
  readonly urls: RepositoryUrls;
}

export function shownRepository(facts: RepositoryFacts, serverUrl: string): ShownRepository {
  return { facts, serverUrl, urls: repositoryUrls({ serverUrl, slug: facts.owner.slug, name: facts.name }) };
}

/** Our own API's resource of it. */
export function apiUrl({ facts, serverUrl }: ShownRepository): string {
  return `${serverUrl}/v1/repositories/${facts.name}`;
}

/** Where a comment stands on the page of its pull request. */
export function commentUrl(repository: ShownRepository, { pull, comment }: PullRequestCommentFacts): string {
  return `${repository.urls.pull(pull.number)}#issuecomment-${comment.serial}`;
}

const branches = 'refs/heads/';

export function isBranch({ ref }: Pick<PushFacts, 'ref'>): boolean {
  return ref.startsWith(branches);
}
export function isCreated({ before }: Pick<PushFacts, 'before'>): boolean {
  return before === zeroId;
}
/** A test delivery of an empty repository has zeros, too, and a commit with them: nothing was deleted. */
export function isDeleted({ after, head }: Pick<PushFacts, 'after' | 'head'>): boolean {
  return after === zeroId && head === null;
}

/** `main` of `refs/heads/main`, `v1` of `refs/tags/v1`. */
export function shortRef(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, '');
}

/** A branch as it stands in a path: its slashes stay. */
export function branchInUrl(name: string): string {
  return name.toWellFormed().split('/').map(encodeURIComponent).join('/');
}

/** The name that a pull request's head goes by: its branch, be it gone or not, or else the ref that keeps its commits. */
export function headName({ head }: PullRequestFacts['pull']): string {
  return head.branch ?? head.ref;
}

/** What an event's name is on the wire: a test says what it would be, if it were none. */
export type GitEventName = 'push' | 'pull_request' | 'pull_request_comment' | 'ping';

export function gitEventName(kind: string): GitEventName {
  if (kind === 'webhook.ping') return 'ping';
  if (kind.endsWith('pull_request_comment')) return 'pull_request_comment';
  return kind.endsWith('pull_request') ? 'pull_request' : 'push';
}

/** A body by what the event tells of; of anything else, which no webhook of such a dialect can ask for, an empty object. */
export function bodyByFacts(writers: {
  readonly push: (facts: PushFacts) => object;
  readonly pull: (facts: PullRequestFacts) => object;
  readonly comment: (facts: PullRequestCommentFacts) => object;
}): (event: GatepostEvent) => object {
  return ({ facts }) => {
    if (isPush(facts)) return writers.push(facts);
    if (isPull(facts)) return writers.pull(facts);
    return isComment(facts) ? writers.comment(facts) : {};
  };
}
