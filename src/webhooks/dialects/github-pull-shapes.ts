import type { PullRequestFacts } from '../../events/git-facts.ts';
import type { ShownRepository } from './git-words.ts';
import { apiUrl, headName } from './git-words.ts';
import { organization, person, repositoryShape } from './github-shapes.ts';
import { goTime, goTimeOrNull } from './go-json.ts';

/** GitHub's words for what we know of it; it has none for most reasons why nothing can be merged. */
const mergeableStates: Readonly<Record<string, string>> = { clean: 'clean', conflicts: 'dirty', draft: 'draft', unknown: 'unknown' };

const noLinksOfPull = { issue_url: '', review_comments_url: '', review_comment_url: '', statuses_url: '' } as const;

export function pullShape(pull: PullRequestFacts['pull'], repository: ShownRepository) {
  const page = repository.urls.pull(pull.number);
  const api = `${apiUrl(repository)}/pulls/${pull.number}`;
  return {
    url: api,
    id: pull.serial,
    node_id: `PR_${pull.serial}`,
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    ...noLinksOfPull,
    comments_url: `${api}/comments`,
    commits_url: `${api}/commits`,
    number: pull.number,
    state: pull.state,
    locked: false,
    title: pull.title,
    user: person(pull.author),
    body: pull.body === '' ? null : pull.body,
    created_at: goTime(pull.created),
    updated_at: goTime(pull.updated),
    closed_at: goTimeOrNull(pull.closed),
    merged_at: goTimeOrNull(pull.mergedAt),
    merge_commit_sha: pull.mergeCommit,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: [],
    milestone: null,
    draft: pull.isDraft,
    head: end(headName(pull), pull.head.sha, repository),
    base: end(pull.base.ref, pull.base.sha, repository),
    _links: links(api, page),
    author_association: 'MEMBER' as const,
    auto_merge: null,
    active_lock_reason: null,
    merged: pull.isMerged,
    mergeable: pull.mergeable,
    rebaseable: null,
    mergeable_state: mergeableStates[pull.mergeableReason] ?? 'unknown',
    merged_by: pull.mergedBy === null ? null : person(pull.mergedBy),
    comments: pull.comments,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: pull.commits,
    additions: pull.additions,
    deletions: pull.deletions,
    changed_files: pull.changedFiles,
  };
}

function end(ref: string, sha: string, repository: ShownRepository) {
  return {
    label: `${repository.facts.owner.slug}:${ref}`,
    ref,
    sha,
    user: organization(repository.facts),
    repo: repositoryShape(repository),
  };
}

function links(api: string, page: string) {
  const link = (href: string) => ({ href });
  return {
    self: link(api),
    html: link(page),
    issue: link(''),
    comments: link(`${api}/comments`),
    review_comments: link(''),
    review_comment: link(''),
    commits: link(`${api}/commits`),
    statuses: link(''),
  };
}

export const noReactions = {
  url: '',
  total_count: 0,
  '+1': 0,
  '-1': 0,
  laugh: 0,
  hooray: 0,
  confused: 0,
  heart: 0,
  rocket: 0,
  eyes: 0,
} as const;

/** The pull request as an issue, which is how comments see it. */
export function issueShape(pull: PullRequestFacts['pull'], repository: ShownRepository) {
  const page = repository.urls.pull(pull.number);
  const api = `${apiUrl(repository)}/pulls/${pull.number}`;
  return {
    url: api,
    repository_url: apiUrl(repository),
    labels_url: '',
    comments_url: `${api}/comments`,
    events_url: '',
    html_url: page,
    id: pull.serial,
    node_id: `PR_${pull.serial}`,
    number: pull.number,
    title: pull.title,
    user: person(pull.author),
    labels: [],
    state: pull.state,
    locked: false,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: pull.comments,
    created_at: goTime(pull.created),
    updated_at: goTime(pull.updated),
    closed_at: goTimeOrNull(pull.closed),
    author_association: 'MEMBER' as const,
    active_lock_reason: null,
    draft: pull.isDraft,
    pull_request: {
      url: api,
      html_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      merged_at: goTimeOrNull(pull.mergedAt),
    },
    body: pull.body === '' ? null : pull.body,
    reactions: noReactions,
    timeline_url: '',
    performed_via_github_app: null,
    state_reason: null,
  };
}
