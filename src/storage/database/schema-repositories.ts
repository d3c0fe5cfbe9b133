import type { Generated } from 'kysely';

// Repositories, what was pushed, and pull requests. What holds for schema.ts holds here. People are JSON PersonFacts (events/git-facts.ts).

/** Whole numbers that count up, such as of repositories: what is handed out next is one more. */
export interface NumbersTable {
  readonly name: string;
  last: number;
}

export interface RepositoriesTable {
  readonly id: string;
  readonly organization: string;
  /** Unique on the server. */
  readonly number: number;
  name: string;
  /** The name in lower case: unique in the organization. */
  name_key: string;
  description: string;
  /** Project id, or null. */
  project: string | null;
  /** Without `refs/heads/`. */
  default_branch: string;
  /** 1: nothing may be pushed. */
  archived: Generated<number>;
  /** The data directory that holds it (storage/database/node.ts). */
  readonly node: string;
  /** Its own limits; null: the server's. */
  bytes_max: number | null;
  object_bytes_max: number | null;
  refs_max: number | null;
  /** On disk, as last counted. */
  bytes: Generated<number>;
  /** Number of its last pull request. */
  last_pull: Generated<number>;
  readonly created: number;
  updated: number;
  /** When a ref last moved; null: never. */
  pushed: number | null;
  /** When it was deleted: nobody sees it any more, and its node takes its files away, then this row. Its `name_key` is its id then. */
  deleted: Generated<number | null>;
}

/** Names that are taken although no repository has them: of deleted and renamed ones. */
export interface RepositoryNamesTable {
  readonly organization: string;
  readonly name_key: string;
  /** Who has another name now; null: it is deleted. */
  readonly repository: string | null;
  readonly retired: number;
}

/** What is about to be done to refs: written before they move, gone in the unit that records what happened. */
export interface RefIntentsTable {
  readonly id: string;
  readonly organization: string;
  readonly repository: string;
  readonly node: string;
  /** JSON PersonFacts. */
  readonly actor: string;
  /** JSON array of { ref, before, after }, in git's order: those whose end is not recorded yet. */
  commands: string;
  /** JSON array of push options. */
  readonly options: string;
  /** JSON: what it is for beside moving refs, such as a merge; null: nothing. */
  readonly purpose: string | null;
  /** The git process that does it, while it is known. */
  readonly pid: number | null;
  readonly created: number;
}

/** A ref that moved. */
export interface PushesTable {
  readonly id: string;
  readonly organization: string;
  readonly repository: string;
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly forced: number;
  readonly actor: string;
  /** How many commits were new. */
  readonly commits: number;
  readonly created: number;
}

/** Which push first brought a commit. */
export interface PushCommitsTable {
  readonly repository: string;
  readonly organization: string;
  readonly sha: string;
  readonly push: string;
}

export interface PullsTable {
  readonly id: string;
  readonly organization: string;
  readonly repository: string;
  readonly number: number;
  /** Unique on the server. */
  readonly serial: number;
  title: string;
  body: string;
  readonly author: string;
  /** `open`, `closed`, `merged`. */
  state: string;
  /** Branch it goes to. */
  base: string;
  /** Branch it comes from; null: pushed to refs/for. */
  readonly head: string | null;
  /** 1: that branch is deleted. */
  head_gone: Generated<number>;
  /** What tells those pushed to refs/for apart; null: another way. */
  readonly topic: string | null;
  /** Tip of the head, kept as refs/pull/<number>/head too; tip of the base when that was last looked at. */
  head_sha: string;
  base_sha: string;
  merge_base: string;
  /** PullFacts.mergeableReason, and for which tips that was found out. */
  mergeable: string;
  mergeable_of: string | null;
  /** JSON: commits, additions, deletions, changedFiles of those tips. */
  counts: string;
  merge_sha: string | null;
  merged_by: string | null;
  comments: Generated<number>;
  readonly created: number;
  updated: number;
  closed: number | null;
}

export interface PullCommentsTable {
  readonly id: string;
  readonly organization: string;
  readonly repository: string;
  readonly pull: string;
  /** Unique on the server. */
  readonly serial: number;
  readonly author: string;
  body: string;
  readonly created: number;
  updated: number;
}
