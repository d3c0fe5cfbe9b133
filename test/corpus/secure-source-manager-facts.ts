// What a sample body of Secure Source Manager tells, read into the facts that we would have recorded.
import type {
  CommitFacts,
  PersonFacts,
  PullFacts,
  PullRequestFacts,
  PushFacts,
  RepositoryFacts,
  SignatureFacts,
} from '../../src/events/git-facts.ts';

/** Anything of JSON, looked into by path; what is not there is empty. */
export class Sample {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  at(...path: readonly string[]): Sample {
    return new Sample(path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], this.#value));
  }

  get text(): string {
    return typeof this.#value === 'string' ? this.#value : '';
  }
  get textOrNull(): string | null {
    return typeof this.#value === 'string' ? this.#value : null;
  }
  get number(): number {
    return Number(this.#value);
  }
  get isTrue(): boolean {
    return this.#value === true;
  }
  get isNull(): boolean {
    return this.#value === null;
  }
  get list(): readonly Sample[] {
    return Array.isArray(this.#value) ? this.#value.map((each) => new Sample(each)) : [];
  }
  get texts(): readonly string[] {
    return this.list.map(({ text }) => text);
  }
}

const serverUrl = 'https://gatepost.example';

function personOf(user: Sample): PersonFacts {
  return {
    number: user.at('id').number,
    login: user.at('login').text,
    name: user.at('full_name').text,
    email: user.at('email').text,
    created: user.at('created').text,
  };
}

function repositoryOf(shown: Sample): RepositoryFacts {
  const owner = shown.at('owner');
  return {
    id: 'r',
    number: shown.at('id').number,
    owner: {
      number: owner.at('id').number,
      slug: owner.at('login').text,
      name: owner.at('full_name').text,
      created: owner.at('created').text,
    },
    name: shown.at('name').text,
    description: shown.at('description').text,
    project: null,
    isEmpty: shown.at('empty').isTrue,
    isArchived: shown.at('archived').isTrue,
    sizeKib: shown.at('size').number,
    defaultBranch: shown.at('default_branch').text,
    openPulls: shown.at('open_pr_counter').number,
    tags: shown.at('release_counter').number,
    created: shown.at('created_at').text,
    updated: shown.at('updated_at').text,
  };
}

function signatureOf(shown: Sample, date: string): SignatureFacts {
  return { name: shown.at('name').text, email: shown.at('email').text, login: shown.at('username').text, date };
}

function commitOf(shown: Sample): CommitFacts {
  const date = shown.at('timestamp').text;
  return {
    id: shown.at('id').text,
    tree: '',
    parents: [],
    message: shown.at('message').text,
    author: signatureOf(shown.at('author'), date),
    committer: signatureOf(shown.at('committer'), date),
    added: shown.at('added').texts,
    removed: shown.at('removed').texts,
    modified: shown.at('modified').texts,
    arePathsCut: false,
  };
}

export function pushOf(body: Sample): PushFacts {
  const commits = body.at('commits').list.map(commitOf);
  return {
    organization: body.at('repository', 'owner', 'login').text,
    serverUrl,
    push: 'p',
    ref: body.at('ref').text,
    before: body.at('before').text,
    after: body.at('after').text,
    isForced: false,
    commits,
    total: commits.length,
    head: commits[0] ?? null,
    compareBase: null,
    repository: repositoryOf(body.at('repository')),
    pusher: personOf(body.at('pusher')),
  };
}

export function pullRequestOf(body: Sample): PullRequestFacts {
  const action = body.at('action').text;
  return {
    organization: body.at('repository', 'owner', 'login').text,
    serverUrl,
    pullAction: action === 'closed' || action === 'reopened' || action === 'edited' ? action : 'opened',
    changes: null,
    pull: pullOf(body.at('pull_request')),
    repository: repositoryOf(body.at('repository')),
    sender: personOf(body.at('sender')),
  };
}

function pullOf(shown: Sample): PullFacts {
  const end = (side: Sample) => ({ ref: side.at('ref').text, sha: side.at('sha').text });
  return {
    id: 'p',
    serial: shown.at('id').number,
    number: shown.at('number').number,
    author: personOf(shown.at('user')),
    title: shown.at('title').text,
    body: shown.at('body').text,
    state: shown.at('state').text === 'closed' ? 'closed' : 'open',
    isMerged: shown.at('merged').isTrue,
    mergedAt: shown.at('merged_at').textOrNull,
    mergeCommit: shown.at('merge_commit_sha').textOrNull,
    mergedBy: shown.at('merged_by').isNull ? null : personOf(shown.at('merged_by')),
    base: end(shown.at('base')),
    head: end(shown.at('head')),
    mergeBase: shown.at('merge_base').text,
    mergeable: shown.at('mergeable').isTrue,
    mergeableReason: 'unknown',
    isDraft: false,
    comments: shown.at('comments').number,
    commits: 1,
    additions: 0,
    deletions: 0,
    changedFiles: 0,
    created: shown.at('created_at').text,
    updated: shown.at('updated_at').text,
    closed: shown.at('closed_at').textOrNull,
  };
}
