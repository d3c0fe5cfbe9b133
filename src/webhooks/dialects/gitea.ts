import type { PullRequestCommentFacts, PullRequestFacts, PushFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import { bareHex } from '../signing/bare-hex.ts';
import { hubSignature, hubSignature256 } from '../signing/hub-signature.ts';
import type { DeliveryFacts, Dialect } from './dialect.ts';
import type { ShownRepository } from './git-words.ts';
import { bodyByFacts, branchInUrl, gitEventName, isBranch, isCreated, isDeleted, shortRef, shownRepository } from './git-words.ts';
import { commentShape, commitShape, issueShape, person, pullShape, repositoryShape } from './gitea-shapes.ts';
import { goJson } from './go-json.ts';
import { changesOf } from './secure-source-manager.ts';
import { ownerRights, readerRights, writerRights } from './secure-source-manager-shapes.ts';

/**
 * Of a push so many commits are listed, the newest. Of other servers it is a setting, with 5 to begin with, which is too few for receivers that ask
 * the commits which files were touched; `total_commits` says how many there are.
 */
export const commitsListedMax = 100;

/** Gitea's webhook as its servers of today send it (contract 2 and 3), for the many receivers that know it. */
export const giteaDialect: Dialect = {
  name: 'gitea',
  // Without a charset: Jenkins refuses one.
  contentType: 'application/json',
  events: ['push', 'pull_request', 'pull_request_comment'],
  body: (event) => Buffer.from(goJson(write(event)), 'utf8'),
  headers,
  schemes: [bareHex('X-Gitea-Signature'), bareHex('X-Gogs-Signature'), hubSignature, hubSignature256],
  unsigned: { 'X-Gitea-Signature': '', 'X-Gogs-Signature': '', 'X-Hub-Signature': 'sha1=', 'X-Hub-Signature-256': 'sha256=' },
  secretOptional: true,
  redirects: 0,
  sample: 'git',
};

const write = bodyByFacts({
  push: (facts) => (isBranch(facts) && isDeleted(facts) ? deletionPayload(facts) : pushPayload(facts)),
  pull: pullPayload,
  comment: commentPayload,
});

const families = ['X-Gitea', 'X-Gogs', 'X-GitHub'] as const;

function headers({ delivery, kind, attempt, body }: DeliveryFacts): Readonly<Record<string, string>> {
  const { event, type } = eventOf(kind, body);
  const named: Record<string, string> = {};
  for (const family of families) {
    named[`${family}-Delivery`] = delivery;
    named[`${family}-Event`] = event;
    named[`${family}-Event-Type`] = type;
  }
  return { ...named, 'x-gatepost-event': kind, 'x-gatepost-attempt': String(attempt) };
}

/** How a body begins that tells of a deletion, behind its ref, and one that tells of commits that have come to a pull request. */
const deletionStart = /^\{\n {2}"ref": "(?:[^"\\]|\\.)*",\n {2}"ref_type"/;
const synchronizedStart = /^\{\n {2}"action": "synchronized"/;
/** No ref that git takes makes a longer line, its escapes counted. */
const startBytes = 32_768;

/** The group of events and the exact one. Both are in the bytes as they go out, where the kind of the event does not tell them apart. */
function eventOf(kind: string, body: Buffer): { readonly event: string; readonly type: string } {
  const name = gitEventName(kind);
  if (name === 'pull_request_comment') return { event: 'issue_comment', type: name };
  const start = body.toString('utf8', 0, Math.min(body.length, startBytes));
  if (name === 'pull_request') return { event: name, type: synchronizedStart.test(start) ? 'pull_request_sync' : name };
  return deletionStart.test(start) ? { event: 'delete', type: 'delete' } : { event: name, type: name };
}

/** A push of a branch that is there, or of a tag (contract 2.1). */
export function pushPayload(facts: PushFacts): object {
  const repository = shownRepository(facts.repository, facts.serverUrl);
  const { before, head } = facts;
  return {
    ref: facts.ref,
    before: isBranch(facts) || isDeleted(facts) ? before : zeroId,
    after: facts.after,
    compare_url: compareUrl(facts, repository),
    commits: facts.commits.slice(0, commitsListedMax).map((commit) => commitShape(commit, repository)),
    total_commits: facts.total,
    head_commit: head === null ? null : commitShape(head, repository),
    repository: repositoryShape(repository, ownerRights),
    pusher: person(facts.pusher),
    sender: person(facts.pusher),
  };
}

/** What a new branch is compared with: where its new commits begin, or else the default branch. What cannot be compared leads to the repository. */
function compareUrl(facts: PushFacts, { urls }: ShownRepository): string {
  const { before, after, compareBase, repository } = facts;
  if (!isBranch(facts)) return urls.html;
  if (!isCreated(facts)) return urls.compare(before, after);
  if (compareBase !== null) return urls.compare(compareBase, after);
  const { defaultBranch } = repository;
  return defaultBranch === shortRef(facts.ref) ? urls.html : urls.compare(branchInUrl(defaultBranch), after);
}

/** A branch that is gone is no push to these receivers. */
export function deletionPayload(facts: PushFacts): object {
  const repository = shownRepository(facts.repository, facts.serverUrl);
  return {
    ref: shortRef(facts.ref),
    ref_type: 'branch',
    pusher_type: 'user',
    repository: repositoryShape(repository, ownerRights),
    sender: person(facts.pusher),
  };
}

/** A pull request (contract 2.2). */
export function pullPayload(facts: PullRequestFacts): object {
  const { pull, sender, pullAction: action } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  const isMerge = action === 'closed' && pull.isMerged;
  return {
    action,
    number: pull.number,
    changes: changesOf(facts),
    pull_request: pullShape(pull, repository),
    requested_reviewer: null,
    repository: repositoryShape(repository, isMerge ? writerRights : readerRights),
    sender: person(sender),
    commit_id: '',
    review: null,
  };
}

/** A comment on a pull request (contract 2.5). */
export function commentPayload(facts: PullRequestCommentFacts): object {
  const { commentAction: action, bodyFrom, pull, sender } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  return {
    action,
    issue: issueShape(facts, repository),
    pull_request: pullShape(pull, repository),
    comment: commentShape(facts, repository),
    changes: action === 'edited' ? { body: { from: bodyFrom ?? '' } } : undefined,
    repository: repositoryShape(repository, readerRights),
    sender: person(sender),
    is_pull: true,
  };
}
