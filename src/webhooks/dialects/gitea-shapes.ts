import type { CommitFacts, PersonFacts, PullRequestCommentFacts, PullRequestFacts, SignatureFacts } from '../../events/git-facts.ts';
import type { ShownRepository } from './git-words.ts';
import { apiUrl, commentUrl, headName } from './git-words.ts';
import { goTime, goTimeOrNull, goZero, unixZero } from './go-json.ts';
import type { Rights } from './secure-source-manager-shapes.ts';
import { noRights } from './secure-source-manager-shapes.ts';

type Person = Pick<PersonFacts, 'number' | 'login' | 'name' | 'email' | 'created'>;

/** A user as servers of today show it. There are no pages of people, so nothing leads to one. */
export function person({ number, login, name, email, created }: Person) {
  return {
    id: number,
    login,
    login_name: '',
    source_id: 0,
    full_name: name,
    email,
    avatar_url: '',
    html_url: '',
    language: '',
    is_admin: false,
    last_login: goZero,
    created: goTime(created),
    restricted: false,
    active: true,
    prohibit_login: false,
    location: '',
    website: '',
    description: '',
    visibility: 'private',
    followers_count: 0,
    following_count: 0,
    starred_repos_count: 0,
    username: login,
  };
}

/** What of a repository is the same for all: what it can do here, and what there is none of. */
const abilities = {
  has_issues: false,
  has_wiki: false,
  has_pull_requests: true,
  has_projects: false,
  projects_mode: 'all',
  has_releases: false,
  has_packages: false,
  has_actions: false,
  ignore_whitespace_conflicts: false,
  allow_merge_commits: true,
  allow_rebase: true,
  allow_rebase_explicit: false,
  allow_squash_merge: true,
  allow_fast_forward_only_merge: false,
  allow_rebase_update: false,
  allow_manual_merge: false,
  autodetect_manual_merge: false,
  default_delete_branch_after_merge: false,
  default_merge_style: 'merge',
  default_allow_maintainer_edit: false,
  avatar_url: '',
  internal: false,
  mirror_interval: '',
  object_format_name: 'sha1',
  mirror_updated: goZero,
  topics: [],
  licenses: [],
} as const;

/** A repository as servers of today show it. It is private: a clone needs a token, and receivers look here whether it does. */
export function repositoryShape(repository: ShownRepository, rights: Rights) {
  const { facts, urls } = repository;
  const { owner } = facts;
  return {
    id: facts.number,
    owner: person({ ...owner, login: owner.slug, email: '' }),
    name: facts.name,
    full_name: `${owner.slug}/${facts.name}`,
    description: facts.description,
    empty: facts.isEmpty,
    private: true,
    fork: false,
    template: false,
    mirror: false,
    size: facts.sizeKib,
    language: '',
    languages_url: '',
    html_url: urls.html,
    url: apiUrl(repository),
    link: '',
    ssh_url: '',
    clone_url: urls.clone,
    original_url: '',
    website: '',
    stars_count: 0,
    forks_count: 0,
    watchers_count: 0,
    open_issues_count: 0,
    open_pr_counter: facts.openPulls,
    release_counter: 0,
    default_branch: facts.defaultBranch,
    archived: facts.isArchived,
    created_at: goTime(facts.created),
    updated_at: goTime(facts.updated),
    archived_at: unixZero,
    permissions: rights,
    ...abilities,
  };
}

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
  };
}

function signature({ name, email, login }: SignatureFacts) {
  return { name, email, username: login };
}

export function pullShape(pull: PullRequestFacts['pull'], repository: ShownRepository) {
  const url = repository.urls.pull(pull.number);
  const end = (label: string, { ref, sha }: { readonly ref: string; readonly sha: string }) => ({
    label,
    ref,
    sha,
    repo_id: repository.facts.number,
    repo: repositoryShape(repository, noRights),
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
    assignees: [],
    requested_reviewers: [],
    requested_reviewers_teams: [],
    state: pull.state,
    draft: pull.isDraft,
    is_locked: false,
    comments: pull.comments,
    additions: pull.additions,
    deletions: pull.deletions,
    changed_files: pull.changedFiles,
    html_url: url,
    diff_url: `${url}.diff`,
    patch_url: `${url}.patch`,
    mergeable: pull.mergeable === true,
    merged: pull.isMerged,
    merged_at: goTimeOrNull(pull.mergedAt),
    merge_commit_sha: pull.mergeCommit,
    merged_by: pull.mergedBy === null ? null : person(pull.mergedBy),
    allow_maintainer_edit: false,
    base: end(pull.base.ref, pull.base),
    head: end(headName(pull), pull.head),
    merge_base: pull.mergeBase,
    due_date: null,
    created_at: goTime(pull.created),
    updated_at: goTime(pull.updated),
    closed_at: goTimeOrNull(pull.closed),
    pin_order: 0,
  };
}

/** The pull request as an issue, which is how comments see it. */
export function issueShape({ pull }: PullRequestCommentFacts, repository: ShownRepository) {
  const { number, name, owner } = repository.facts;
  const url = repository.urls.pull(pull.number);
  return {
    id: pull.serial,
    url: `${apiUrl(repository)}/pulls/${pull.number}`,
    html_url: url,
    number: pull.number,
    user: person(pull.author),
    original_author: '',
    original_author_id: 0,
    title: pull.title,
    body: pull.body,
    ref: '',
    assets: [],
    labels: [],
    milestone: null,
    assignee: null,
    assignees: [],
    state: pull.state,
    is_locked: false,
    comments: pull.comments,
    created_at: goTime(pull.created),
    updated_at: goTime(pull.updated),
    closed_at: goTimeOrNull(pull.closed),
    due_date: null,
    time_estimate: 0,
    pull_request: { merged: pull.isMerged, merged_at: goTimeOrNull(pull.mergedAt), draft: pull.isDraft, html_url: url },
    repository: { id: number, name, owner: owner.slug, full_name: `${owner.slug}/${name}` },
    pin_order: 0,
  };
}

export function commentShape(facts: PullRequestCommentFacts, repository: ShownRepository) {
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
    assets: [],
    created_at: goTime(comment.created),
    updated_at: goTime(comment.updated),
  };
}
