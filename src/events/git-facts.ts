/** Who acted, as the git side's events show it: a token stands for a machine or a person. Times of all these facts are RFC 3339 in UTC unless said. */
export interface PersonFacts {
  /** A whole number that stays, unique on the server. */
  readonly number: number;
  /** The token's mail address where it has one, else its name. */
  readonly login: string;
  readonly name: string;
  /** Empty where none is known. */
  readonly email: string;
  readonly created: string;
}

/** A repository as it is when something happens to it. Its links are made by git-urls.ts. */
export interface RepositoryFacts {
  readonly id: string;
  /** A whole number that stays, unique on the server. */
  readonly number: number;
  /** The organization, which owns it. */
  readonly owner: { readonly number: number; readonly slug: string; readonly name: string; readonly created: string };
  readonly name: string;
  readonly description: string;
  /** Key of the project it is tied to, or null. */
  readonly project: string | null;
  /** No branch is there. */
  readonly isEmpty: boolean;
  readonly isArchived: boolean;
  /** On disk, rounded up. */
  readonly sizeKib: number;
  readonly defaultBranch: string;
  readonly openPulls: number;
  readonly tags: number;
  readonly created: string;
  readonly updated: string;
}

/** A person as a commit names it. */
export interface SignatureFacts {
  readonly name: string;
  readonly email: string;
  /** Login of the organization's token with that mail address, or empty. */
  readonly login: string;
  /** RFC 3339 with the zone that the commit says. */
  readonly date: string;
}

export interface CommitFacts {
  readonly id: string;
  readonly tree: string;
  readonly parents: readonly string[];
  /** Whole, as UTF-8, with the line end it ends with. */
  readonly message: string;
  readonly author: SignatureFacts;
  readonly committer: SignatureFacts;
  /** Paths against the first parent; a rename is one removed and one added. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly modified: readonly string[];
  /** True: there were more paths than are listed. */
  readonly arePathsCut: boolean;
}

/** One ref that moved. */
export interface PushFacts {
  /** The organization's slug. */
  readonly organization: string;
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
  /** Id of the push's row; of a test delivery: a fresh one. */
  readonly push: string;
  /** Whole: `refs/heads/main`, `refs/tags/v1`. */
  readonly ref: string;
  /** 40 zeros where it was not there. */
  readonly before: string;
  /** 40 zeros where it is gone. Of an annotated tag: the tag object. */
  readonly after: string;
  /** A branch whose old tip is not in its new history, or a tag that was moved. */
  readonly isForced: boolean;
  /** Of a branch: what is new by this push, newest first, at most `commitsOfPushMax`. Empty for tags, deletions and rewinds. */
  readonly commits: readonly CommitFacts[];
  /** How many are new, whole. */
  readonly total: number;
  /** The commit that `after` comes to, be it new or not; null: it is gone, or is no commit. */
  readonly head: CommitFacts | null;
  /** Of a new branch: the first parent of the oldest listed commit, or null. */
  readonly compareBase: string | null;
  readonly repository: RepositoryFacts;
  readonly pusher: PersonFacts;
}

export interface PullFacts {
  readonly id: string;
  /** Unique on the server, where `number` is unique in its repository. */
  readonly serial: number;
  readonly number: number;
  readonly author: PersonFacts;
  readonly title: string;
  readonly body: string;
  readonly state: 'open' | 'closed';
  readonly isMerged: boolean;
  readonly mergedAt: string | null;
  readonly mergeCommit: string | null;
  readonly mergedBy: PersonFacts | null;
  /** The branch it goes to, and its tip. */
  readonly base: { readonly ref: string; readonly sha: string };
  /** `ref`: the branch, or `refs/pull/<number>/head` where there is none (any more). */
  readonly head: {
    readonly ref: string;
    readonly sha: string;
    /** The branch that it came from, be it gone or not; left out where there never was one. */
    readonly branch?: string;
  };
  readonly mergeBase: string;
  /** Null: not known yet. */
  readonly mergeable: boolean | null;
  /** `clean`, `conflicts`, `draft`, `unknown`, `closed`, `merged`, `nothing_to_merge`, `base_gone`, `head_gone`. */
  readonly mergeableReason: string;
  readonly isDraft: boolean;
  readonly comments: number;
  readonly commits: number;
  readonly additions: number;
  readonly deletions: number;
  readonly changedFiles: number;
  readonly created: string;
  readonly updated: string;
  readonly closed: string | null;
}

interface PullEventFacts {
  /** The organization's slug. */
  readonly organization: string;
  readonly serverUrl: string;
  readonly pull: PullFacts;
  readonly repository: RepositoryFacts;
  readonly sender: PersonFacts;
}

export interface PullRequestFacts extends PullEventFacts {
  readonly pullAction: 'opened' | 'closed' | 'reopened' | 'edited' | 'synchronized';
  /** Of `edited`: what it was before; of `synchronized`: the tips of the head. */
  readonly changes: {
    readonly title?: { readonly from: string };
    readonly body?: { readonly from: string };
    readonly base?: { readonly from: string; readonly sha: string };
    readonly head?: { readonly before: string; readonly after: string };
  } | null;
}

export interface CommentFacts {
  readonly id: string;
  readonly serial: number;
  readonly author: PersonFacts;
  readonly body: string;
  readonly created: string;
  readonly updated: string;
}

export interface PullRequestCommentFacts extends PullEventFacts {
  readonly commentAction: 'created' | 'edited' | 'deleted';
  readonly comment: CommentFacts;
  /** Of `edited`: the text before. */
  readonly bodyFrom: string | null;
}

/** Commits that a push's facts list; `total` counts all. */
export const commitsOfPushMax = 1_000;
/** Paths that a commit's facts list in all, and a push's. */
export const pathsOfCommitMax = 3_000;
export const pathsOfPushMax = 20_000;
export const zeroId = '0'.repeat(40);
