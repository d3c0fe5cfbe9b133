import type { CommitFacts, PersonFacts, RepositoryFacts, SignatureFacts } from '../../events/git-facts.ts';
import type { ShownRepository } from './git-words.ts';
import { apiUrl } from './git-words.ts';
import { goTime } from './go-json.ts';

/** Links that GitHub has and we have nothing for. They are texts to receivers that check types, and lead nowhere. */
const noLinksOfUser = {
  avatar_url: '',
  gravatar_id: '',
  url: '',
  html_url: '',
  followers_url: '',
  following_url: '',
  gists_url: '',
  starred_url: '',
  subscriptions_url: '',
  organizations_url: '',
  repos_url: '',
  events_url: '',
  received_events_url: '',
} as const;

export function person({ number, login, name, email }: PersonFacts) {
  return { login, id: number, node_id: `U_${number}`, name, email, ...noLinksOfUser, type: 'User' as const, site_admin: false };
}

export function organization({ owner }: RepositoryFacts) {
  const { number, slug, name } = owner;
  return {
    login: slug,
    id: number,
    node_id: `O_${number}`,
    name,
    email: null,
    ...noLinksOfUser,
    type: 'Organization' as const,
    site_admin: false,
  };
}

const noLinksOfRepository = {
  forks_url: '',
  keys_url: '',
  collaborators_url: '',
  teams_url: '',
  hooks_url: '',
  issue_events_url: '',
  events_url: '',
  assignees_url: '',
  blobs_url: '',
  git_tags_url: '',
  git_refs_url: '',
  trees_url: '',
  statuses_url: '',
  languages_url: '',
  stargazers_url: '',
  contributors_url: '',
  subscribers_url: '',
  subscription_url: '',
  git_commits_url: '',
  comments_url: '',
  issue_comment_url: '',
  contents_url: '',
  merges_url: '',
  archive_url: '',
  downloads_url: '',
  issues_url: '',
  milestones_url: '',
  notifications_url: '',
  labels_url: '',
  releases_url: '',
  deployments_url: '',
} as const;

const abilities = {
  homepage: null,
  stargazers_count: 0,
  watchers_count: 0,
  language: null,
  has_issues: false,
  has_projects: false,
  has_downloads: false,
  has_wiki: false,
  has_pages: false,
  has_discussions: false,
  forks_count: 0,
  mirror_url: null,
  disabled: false,
  license: null,
  allow_forking: false,
  is_template: false,
  web_commit_signoff_required: false,
  topics: [] as string[],
  visibility: 'private' as const,
  forks: 0,
  watchers: 0,
  custom_properties: {},
} as const;

/** A repository. It is private: a clone needs a token. Its `pulls_url` and the like are those of our own API. */
export function repositoryShape(repository: ShownRepository) {
  const { facts, urls } = repository;
  const api = apiUrl(repository);
  return {
    id: facts.number,
    node_id: `R_${facts.number}`,
    name: facts.name,
    full_name: `${facts.owner.slug}/${facts.name}`,
    private: true,
    owner: organization(facts),
    html_url: urls.html,
    description: facts.description === '' ? null : facts.description,
    fork: false,
    url: api,
    ...noLinksOfRepository,
    branches_url: `${api}/branches{/branch}`,
    tags_url: `${api}/tags`,
    commits_url: `${api}/commits{/sha}`,
    compare_url: `${urls.html}/compare/{base}...{head}`,
    pulls_url: `${api}/pulls{/number}`,
    created_at: goTime(facts.created),
    updated_at: goTime(facts.updated),
    pushed_at: goTime(facts.updated),
    git_url: '',
    ssh_url: '',
    clone_url: urls.clone,
    svn_url: urls.html,
    size: facts.sizeKib,
    ...abilities,
    archived: facts.isArchived,
    open_issues_count: facts.openPulls,
    open_issues: facts.openPulls,
    default_branch: facts.defaultBranch,
    allow_squash_merge: true,
    allow_merge_commit: true,
    allow_rebase_merge: true,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
  };
}

/** A push shows it otherwise: `url` is the page, times are seconds of Unix, the branch has its old name too. */
export function repositoryOfPush(repository: ShownRepository) {
  const shape = repositoryShape(repository);
  const seconds = (text: string) => Math.floor(Date.parse(text) / 1000);
  return {
    ...shape,
    url: shape.html_url,
    created_at: seconds(shape.created_at),
    pushed_at: seconds(shape.pushed_at),
    stargazers: 0,
    master_branch: shape.default_branch,
  };
}

/** A commit of a push. `distinct`: it was in no branch before. */
export function commitShape(commit: CommitFacts, { urls }: ShownRepository, distinct: boolean) {
  return {
    id: commit.id,
    tree_id: commit.tree,
    distinct,
    message: commit.message.replace(/\n+$/, ''),
    timestamp: goTime(commit.committer.date),
    url: urls.commit(commit.id),
    author: signature(commit.author),
    committer: signature(commit.committer),
    added: [...commit.added],
    removed: [...commit.removed],
    modified: [...commit.modified],
  };
}

function signature({ name, email, login, date }: SignatureFacts) {
  return { name, email, date: goTime(date), ...(login === '' ? {} : { username: login }) };
}
