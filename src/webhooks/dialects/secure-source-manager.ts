import type { PullRequestCommentFacts, PullRequestFacts, PushFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import { bareHex } from '../signing/bare-hex.ts';
import type { DeliveryFacts, Dialect } from './dialect.ts';
import type { ShownRepository } from './git-words.ts';
import { apiUrl, bodyByFacts, commentUrl, gitEventName, isBranch, isCreated, isDeleted, shownRepository } from './git-words.ts';
import { goJson, goTime, goTimeOrNull, goZero, unixZero } from './go-json.ts';
import {
  commitShape,
  ownerRights,
  person,
  pullShape,
  readerRights,
  repositoryShape,
  writerRights,
} from './secure-source-manager-shapes.ts';

/** Of a push so many commits are listed, the newest; of a new branch so many are looked at before that (contract 2.1). */
export const commitsListedMax = 5;
export const commitsOfNewBranchMax = 10;

const signatureHeader = 'X-SecureSourceManager-Signature';

/**
 * Secure Source Manager's webhook (its contract, sections 2 and 3): its fields in its order, with its nulls and defaults. What we say beside it
 * stands behind its last field, under names of its own. The signature, which it always sends empty, is filled in where there is a secret.
 */
export const secureSourceManagerDialect: Dialect = {
  name: 'secure-source-manager',
  contentType: 'application/json',
  events: ['push', 'pull_request', 'pull_request_comment'],
  body: (event) => Buffer.from(goJson(write(event)), 'utf8'),
  headers,
  schemes: [bareHex(signatureHeader)],
  unsigned: { [signatureHeader]: '' },
  secretOptional: true,
  redirects: 0,
  sample: 'git',
};

const write = bodyByFacts({ push: pushPayload, pull: pullPayload, comment: commentPayload });

function headers({ delivery, kind, attempt }: DeliveryFacts): Readonly<Record<string, string>> {
  return {
    'X-SecureSourceManager-Delivery': delivery,
    'X-SecureSourceManager-Event': gitEventName(kind),
    'x-gatepost-event': kind,
    'x-gatepost-attempt': String(attempt),
  };
}

/** A push (contract 2.1). A tag is always told as if it were new, where it was moved too. */
export function pushPayload(facts: PushFacts): object {
  const repository = shownRepository(facts.repository, facts.serverUrl);
  const { ref, before, after } = facts;
  const seen = facts.commits.slice(0, isCreated(facts) ? commitsOfNewBranchMax : facts.commits.length);
  return {
    secret: '',
    ref,
    before: isBranch(facts) || isDeleted(facts) ? before : zeroId,
    after,
    compare_url: isBranch(facts) ? repository.urls.compare(before, after) : repository.urls.html,
    commits: seen.slice(0, commitsListedMax).map((commit) => commitShape(commit, repository)),
    head_commit: null,
    repository: repositoryShape({ repository, rights: ownerRights, ownerLastLogin: unixZero }),
    pusher: person(facts.pusher),
    sender: person(facts.pusher),
    total_commits: facts.total,
    created: isCreated(facts),
    deleted: isDeleted(facts),
    forced: facts.isForced,
    previous: before,
  };
}

/** A pull request (contract 2.2). */
export function pullPayload(facts: PullRequestFacts): object {
  const { pull, sender, pullAction: action } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  const isMerge = action === 'closed' && pull.isMerged;
  return {
    secret: '',
    action,
    number: pull.number,
    changes: changesOf(facts),
    pull_request: pullShape(pull, repository),
    repository: repositoryShape({ repository, rights: isMerge ? writerRights : readerRights, ownerLastLogin: goZero }),
    sender: person(sender),
    review: null,
    ...facts.changes?.head,
  };
}

/** What was edited, as it was before. */
export function changesOf({ pullAction, changes }: PullRequestFacts): object | undefined {
  if (pullAction !== 'edited') return undefined;
  const { title, body, base } = changes ?? {};
  return { title, body, ref: base === undefined ? undefined : { from: base.from } };
}

/** A comment on a pull request (contract 2.5). */
export function commentPayload(facts: PullRequestCommentFacts): object {
  const { commentAction: action, bodyFrom, sender } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  return {
    secret: '',
    action,
    issue: issueShape(facts, repository),
    comment: commentShape(facts, repository),
    changes: action === 'edited' ? { body: { from: bodyFrom ?? '' } } : undefined,
    repository: repositoryShape({ repository, rights: readerRights, ownerLastLogin: goZero }),
    sender: person(sender),
    is_pull: true,
  };
}

/** The pull request as an issue, which is how comments see it. */
function issueShape({ pull }: PullRequestCommentFacts, repository: ShownRepository): object {
  const { number, name, owner } = repository.facts;
  return {
    id: pull.serial,
    url: `${apiUrl(repository)}/pulls/${pull.number}`,
    html_url: repository.urls.pull(pull.number),
    number: pull.number,
    user: person(pull.author),
    original_author: '',
    original_author_id: 0,
    title: pull.title,
    body: pull.body,
    ref: '',
    labels: [],
    milestone: null,
    assignee: null,
    assignees: null,
    state: pull.state,
    is_locked: false,
    comments: pull.comments,
    created_at: goTime(pull.created),
    updated_at: goTime(pull.updated),
    closed_at: goTimeOrNull(pull.closed),
    due_date: null,
    pull_request: { merged: pull.isMerged, merged_at: goTimeOrNull(pull.mergedAt) },
    repository: { id: number, name, owner: owner.slug, full_name: `${owner.slug}/${name}` },
  };
}

function commentShape(facts: PullRequestCommentFacts, repository: ShownRepository): object {
  const { comment, pull } = facts;
  return {
    id: comment.serial,
    html_url: commentUrl(repository, facts),
    pull_request_url: repository.urls.pull(pull.number),
    issue_url: '',
    user: person(comment.author),
    original_author: '',
    original_author_id: 0,
    body: comment.body,
    created_at: goTime(comment.created),
    updated_at: goTime(comment.updated),
  };
}
