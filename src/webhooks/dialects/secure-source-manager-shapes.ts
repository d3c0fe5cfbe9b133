import type { CommitFacts, PersonFacts, PullRequestFacts, SignatureFacts } from '../../events/git-facts.ts';
import type { ShownRepository } from './git-words.ts';
import { headName } from './git-words.ts';
import { goTime, goTimeOrNull, goZero } from './go-json.ts';

/** What the event's reader may do, as the contract shows it: all in a push, to read in a pull request, nothing in its two ends. */
export interface Rights {
  readonly admin: boolean;
  readonly push: boolean;
  readonly pull: boolean;
}
export const ownerRights: Rights = { admin: true, push: true, pull: true };
export const writerRights: Rights = { admin: false, push: true, pull: true };
export const readerRights: Rights = { admin: false, push: false, pull: true };
export const noRights: Rights = { admin: false, push: false, pull: false };

interface UserOptions {
  readonly id: number;
  readonly login: string;
  readonly name: string;
  readonly email: string;
  readonly created: string;
  readonly lastLogin: string;
}

/** A user (contract 2.4). Nobody's last login is told, and nobody has a picture. */
function user({ id, login, name, email, created, lastLogin }: UserOptions) {
  return {
    id,
    login,
    full_name: name,
    email,
    avatar_url: '',
    language: '',
    is_admin: false,
    last_login: lastLogin,
    created: goTime(created),
    restricted: false,
    username: login,
  };
}

export function person({ number, login, name, email, created }: PersonFacts) {
  return user({ id: number, login, name, email, created, lastLogin: goZero });
}

export interface RepositoryOptions {
  readonly repository: ShownRepository;
  readonly rights: Rights;
  /** The owner's last login is second zero of Unix in a push, and not filled in elsewhere (contract 2.4). */
  readonly ownerLastLogin: string;
}

/**
 * A repository (contract 2.4): where the sample says what a repository may be used for, its values stand. There is no SSH, so its URL is empty.
 */
export function repositoryShape({ repository, rights, ownerLastLogin }: RepositoryOptions) {
  const { facts, urls } = repository;
  const { number, slug, name, created } = facts.owner;
  return {
    id: facts.number,
    owner: user({ id: number, login: slug, name, email: '', created, lastLogin: ownerLastLogin }),
    name: facts.name,
    full_name: `${slug}/${facts.name}`,
    description: facts.description,
    empty: facts.isEmpty,
    private: false,
    fork: false,
    template: false,
    parent: null,
    mirror: false,
    size: facts.sizeKib,
    html_url: urls.html,
    ssh_url: '',
    clone_url: urls.clone,
    original_url: '',
    website: '',
    stars_count: 0,
    forks_count: 0,
    watchers_count: 0,
    open_issues_count: 0,
    open_pr_counter: facts.openPulls,
    release_counter: facts.tags,
    default_branch: facts.defaultBranch,
    archived: facts.isArchived,
    created_at: goTime(facts.created),
    updated_at: goTime(facts.updated),
    permissions: rights,
    has_issues: true,
    internal_tracker: {
      enable_time_tracker: false,
      allow_only_contributors_to_track_time: true,
      enable_issue_dependencies: true,
    },
    has_wiki: true,
    has_pull_requests: true,
    has_projects: true,
    ignore_whitespace_conflicts: false,
    allow_merge_commits: true,
    allow_rebase: true,
    allow_rebase_explicit: true,
    allow_squash_merge: true,
    avatar_url: '',
    internal: false,
    mirror_interval: '',
    uris: { api: urls.api, html: urls.html, git_https: urls.clone },
  };
}

/** A commit in a push (contract 2.1). That its paths were too many to list is said behind them, where they were. */
export function commitShape(commit: CommitFacts, { urls }: ShownRepository) {
  return {
    id: commit.id,
    message: commit.message,
    url: urls.commit(commit.id),
    author: signature(commit.author),
    committer: signature(commit.committer),
    verification: null,
    timestamp: goTime(commit.author.date),
    added: commit.added,
    removed: commit.removed,
    modified: commit.modified,
    paths_cut: commit.arePathsCut ? true : undefined,
  };
}

function signature({ name, email, login }: SignatureFacts) {
  return { name, email, username: login };
}

/** A pull request (contract 2.3); what stands behind `closed_at` is ours. */
export function pullShape(pull: PullRequestFacts['pull'], repository: ShownRepository) {
  const url = repository.urls.pull(pull.number);
  const end = (label: string, { ref, sha }: { readonly ref: string; readonly sha: string }) => ({
    label,
    ref,
    sha,
    repo_id: repository.facts.number,
    repo: repositoryShape({ repository, rights: noRights, ownerLastLogin: goZero }),
  });
  return {
    id: pull.serial,
    url,
    number: pull.number,
    user: person(pull.author),
    title: pull.title,
    body: pull.body,
    labels: [],
    milestone: null,
    assignee: null,
    assignees: null,
    state: pull.state,
    is_locked: false,
    comments: pull.comments,
    html_url: url,
    diff_url: `${url}.diff`,
    patch_url: `${url}.patch`,
    mergeable: pull.mergeable === true,
    merged: pull.isMerged,
    merged_at: goTimeOrNull(pull.mergedAt),
    merge_commit_sha: pull.mergeCommit,
    merged_by: pull.mergedBy === null ? null : person(pull.mergedBy),
    base: end(pull.base.ref, pull.base),
    head: end(headName(pull), pull.head),
    merge_base: pull.mergeBase,
    due_date: null,
    created_at: goTime(pull.created),
    updated_at: goTime(pull.updated),
    closed_at: goTimeOrNull(pull.closed),
    draft: pull.isDraft,
    mergeable_reason: pull.mergeableReason,
    commits: pull.commits,
    additions: pull.additions,
    deletions: pull.deletions,
    changed_files: pull.changedFiles,
  };
}
