// Facts of the git side as the server records them, for what writes and receives webhooks of them.
import type { EventFacts, EventKind, GatepostEvent } from '../../src/events/event.ts';
import type {
  CommitFacts,
  PersonFacts,
  PullFacts,
  PullRequestCommentFacts,
  PullRequestFacts,
  PushFacts,
  RepositoryFacts,
} from '../../src/events/git-facts.ts';
import { zeroId } from '../../src/events/git-facts.ts';

export const serverUrl = 'https://gatepost.example.test/sub';
export const html = `${serverUrl}/git/harbour/crane`;

export const person: PersonFacts = {
  number: 4,
  login: 'ada@example.com',
  name: 'Ada',
  email: 'ada@example.com',
  created: '2026-06-02T20:53:58.123+00:00',
};

export const repository: RepositoryFacts = {
  id: '01920000-0000-7000-8000-000000000001',
  number: 7,
  owner: { number: 2, slug: 'harbour', name: 'Harbour & Sons', created: '2026-06-02T14:18:40.000+00:00' },
  name: 'crane',
  description: 'lifts <things>',
  project: 'harbour:crane',
  isEmpty: false,
  isArchived: false,
  sizeKib: 12,
  defaultBranch: 'main',
  openPulls: 1,
  tags: 3,
  created: '2026-06-06T20:34:36.000+00:00',
  updated: '2026-07-03T18:27:42.999+00:00',
};

/** 40 times the same digit. */
export const idOf = (digit: string) => digit.repeat(40);

export function commit(change: Partial<CommitFacts> = {}): CommitFacts {
  return {
    id: idOf('b'),
    tree: idOf('e'),
    parents: [idOf('a')],
    message: 'Lift less\n',
    author: { name: 'Ada', email: 'ada@example.com', login: 'ada@example.com', date: '2026-07-03T20:27:38+02:00' },
    committer: { name: 'Bob', email: 'bob@example.com', login: '', date: '2026-07-03T18:30:00+00:00' },
    added: [],
    removed: ['old.txt'],
    modified: ['README.md'],
    arePathsCut: false,
    ...change,
  };
}

export function push(change: Partial<PushFacts> = {}): PushFacts {
  return {
    organization: 'harbour',
    serverUrl,
    push: '01920000-0000-7000-8000-000000000002',
    ref: 'refs/heads/main',
    before: idOf('a'),
    after: idOf('b'),
    isForced: false,
    commits: [commit()],
    total: 1,
    head: commit(),
    compareBase: null,
    repository,
    pusher: person,
    ...change,
  };
}

/** A push of so many commits, the newest first: ids end in their number from the oldest. */
export function pushOf(count: number, change: Partial<PushFacts> = {}): PushFacts {
  const id = (n: number) => String(n).padStart(40, 'c');
  const commits = Array.from({ length: count }, (_, index) => commit({ id: id(count - index), parents: [id(count - index - 1)] }));
  const [head = null] = commits;
  return push({ after: id(count), commits, total: count, head, ...change });
}

export const goneBranch = push({ ref: 'refs/heads/gone/#1', after: zeroId, commits: [], total: 0, head: null });
export const newTag = push({ ref: 'refs/tags/v1', before: zeroId, after: idOf('d'), commits: [], total: 0 });
export const movedTag = push({ ref: 'refs/tags/v1', after: idOf('d'), commits: [], total: 0, isForced: true });
export const goneTag = push({ ref: 'refs/tags/v1', after: zeroId, commits: [], total: 0, head: null });

export const pull: PullFacts = {
  id: '01920000-0000-7000-8000-000000000003',
  serial: 18,
  number: 4,
  author: person,
  title: 'Lift <more>',
  body: '',
  state: 'open',
  isMerged: false,
  mergedAt: null,
  mergeCommit: null,
  mergedBy: null,
  base: { ref: 'main', sha: idOf('b') },
  head: { ref: 'dev', sha: idOf('c'), branch: 'dev' },
  mergeBase: idOf('a'),
  mergeable: true,
  mergeableReason: 'clean',
  isDraft: false,
  comments: 2,
  commits: 3,
  additions: 10,
  deletions: 5,
  changedFiles: 2,
  created: '2026-07-03T18:40:21.000+00:00',
  updated: '2026-07-03T18:41:21.000+00:00',
  closed: null,
};

export function pullRequest(change: Partial<PullRequestFacts> = {}): PullRequestFacts {
  return { organization: 'harbour', serverUrl, pullAction: 'opened', changes: null, pull, repository, sender: person, ...change };
}

export const mergedPull: PullFacts = {
  ...pull,
  state: 'closed',
  isMerged: true,
  mergedAt: '2026-07-04T08:00:00.500+00:00',
  mergeCommit: idOf('f'),
  mergedBy: { ...person, number: 5, login: 'bob' },
  mergeable: null,
  mergeableReason: 'merged',
  closed: '2026-07-04T08:00:00.500+00:00',
};

/** One of each action. */
export const pullRequests: Readonly<Record<PullRequestFacts['pullAction'], PullRequestFacts>> = {
  opened: pullRequest(),
  closed: pullRequest({ pullAction: 'closed', pull: mergedPull }),
  reopened: pullRequest({ pullAction: 'reopened' }),
  edited: pullRequest({ pullAction: 'edited', changes: { title: { from: 'Lift' }, base: { from: 'old', sha: idOf('9') } } }),
  synchronized: pullRequest({ pullAction: 'synchronized', changes: { head: { before: idOf('8'), after: idOf('c') } } }),
};

export function comment(change: Partial<PullRequestCommentFacts> = {}): PullRequestCommentFacts {
  return {
    organization: 'harbour',
    serverUrl,
    commentAction: 'created',
    comment: {
      id: '01920000-0000-7000-8000-000000000004',
      serial: 31,
      author: person,
      body: 'Fine & good',
      created: '2026-07-03T19:00:00.000+00:00',
      updated: '2026-07-03T19:00:00.000+00:00',
    },
    bodyFrom: null,
    pull,
    repository,
    sender: person,
    ...change,
  };
}

export const comments: Readonly<Record<PullRequestCommentFacts['commentAction'], PullRequestCommentFacts>> = {
  created: comment(),
  edited: comment({ commentAction: 'edited', bodyFrom: 'Fine' }),
  deleted: comment({ commentAction: 'deleted' }),
};

export function eventOf(kind: EventKind, facts: EventFacts): GatepostEvent {
  return { id: 'e', organization: 'o', kind, project: null, facts, created: 1_800_000_000_000 };
}

/** All of the above, each as the event that would be recorded. */
export const gitEvents: readonly GatepostEvent[] = [
  ...[push(), pushOf(0), pushOf(12, { before: zeroId }), goneBranch, newTag, movedTag, goneTag].map((facts) => eventOf('push', facts)),
  ...Object.values(pullRequests).map((facts) => eventOf('pull_request', facts)),
  ...Object.values(comments).map((facts) => eventOf('pull_request_comment', facts)),
];

/**
 * Keys in their order, with the type of each value: `a:string b:{c:null} d:[number]`. Of an array the first stands for all.
 */
export function structureOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.length === 0 ? '' : structureOf(value[0])}]`;
  if (typeof value !== 'object') return typeof value;
  const fields = Object.entries(value).map(([key, each]) => `${key}:${structureOf(each)}`);
  return `{${fields.join(' ')}}`;
}
