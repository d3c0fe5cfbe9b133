import type {
  CommentFacts,
  CommitFacts,
  PersonFacts,
  PullFacts,
  PullRequestCommentFacts,
  PullRequestFacts,
  PushFacts,
  SignatureFacts,
} from '../../events/git-facts.ts';
import type { ShownRepository } from './git-words.ts';
import { commentUrl, headName, isCreated, isDeleted, shownRepository } from './git-words.ts';

/** A push in our own words: one ref that moved. Commits newest first. */
export function pushData(facts: PushFacts): object {
  const { organization, push, ref, before, after, isForced, total, head, compareBase, pusher } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  return {
    organization,
    repository: repositoryWords(repository),
    push,
    ref,
    before,
    after,
    isCreated: isCreated(facts),
    isDeleted: isDeleted(facts),
    isForced,
    compareBase,
    total,
    commits: facts.commits.map((commit) => commitWords(commit, repository)),
    head: head === null ? null : commitWords(head, repository),
    pusher: personWords(pusher),
  };
}

/** What happened to a pull request, and how it is now. */
export function pullData(facts: PullRequestFacts): object {
  const { organization, pullAction: action, changes, pull, sender } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  return {
    organization,
    repository: repositoryWords(repository),
    action,
    changes,
    pull: pullWords(pull, repository),
    sender: personWords(sender),
  };
}

/** What happened to a comment on a pull request. */
export function commentData(facts: PullRequestCommentFacts): object {
  const { organization, commentAction: action, comment, bodyFrom, pull, sender } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  return {
    organization,
    repository: repositoryWords(repository),
    action,
    changes: action === 'edited' ? { body: { from: bodyFrom } } : null,
    comment: commentWords(comment, commentUrl(repository, facts)),
    pull: pullWords(pull, repository),
    sender: personWords(sender),
  };
}

function repositoryWords({ facts, urls }: ShownRepository) {
  const { id, name, description, project, defaultBranch, isEmpty, isArchived } = facts;
  return { id, name, description, project, defaultBranch, isEmpty, isArchived, url: urls.html, cloneUrl: urls.clone };
}

function personWords({ login, name, email }: PersonFacts) {
  return { login, name, email };
}

function commitWords(commit: CommitFacts, { urls }: ShownRepository) {
  const { id, tree, parents, message, author, committer, added, removed, modified, arePathsCut } = commit;
  return {
    id,
    url: urls.commit(id),
    tree,
    parents,
    message,
    author: signatureWords(author),
    committer: signatureWords(committer),
    added,
    removed,
    modified,
    arePathsCut,
  };
}

function signatureWords({ name, email, login, date }: SignatureFacts) {
  return { name, email, login, date };
}

function pullWords(pull: PullFacts, { urls }: ShownRepository) {
  const { number, title, body, state, isDraft, author, base, head, mergeBase, mergeable, mergeableReason } = pull;
  return {
    number,
    url: urls.pull(number),
    title,
    body,
    state,
    isDraft,
    author: personWords(author),
    base: { ref: base.ref, sha: base.sha },
    head: { ref: head.ref, sha: head.sha, name: headName(pull) },
    mergeBase,
    mergeable,
    mergeableReason,
    merged: mergeWords(pull),
    comments: pull.comments,
    commits: pull.commits,
    additions: pull.additions,
    deletions: pull.deletions,
    changedFiles: pull.changedFiles,
    created: pull.created,
    updated: pull.updated,
    closed: pull.closed,
  };
}

/** Null: it is not merged. */
function mergeWords({ isMerged, mergedAt, mergeCommit, mergedBy }: PullFacts) {
  return isMerged ? { at: mergedAt, commit: mergeCommit, by: mergedBy === null ? null : personWords(mergedBy) } : null;
}

function commentWords({ id, author, body, created, updated }: CommentFacts, url: string) {
  return { id, url, author: personWords(author), body, created, updated };
}
