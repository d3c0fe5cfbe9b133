import type { Clock } from '../../../clock.ts';
import type { GateFacts } from '../../../events/event.ts';
import type { VersionOrigin } from '../../finding.ts';
import type { SonarqubeClient } from '../client/client.ts';
import type { RuleCache } from './rules.ts';

export interface FetchProgress {
  readonly stage: 'analysis' | 'issues' | 'hotspots' | 'rules' | 'measures' | 'check' | 'write';
  /** Findings on disk so far, and how many the server said there are; 0 while unknown. */
  readonly done: number;
  readonly total: number;
  readonly requests: number;
}

/** Where the version of a project comes from where its scanner gave none (SonarQube says `not provided`). */
export type VersionFrom = 'property' | 'tag' | 'revision';

/** The version tag of a commit in a repository of a project (its id), or null. Handed in: repositories stand beside analyses. */
export type TagOf = (named: {
  readonly organization: string;
  readonly project: string;
  readonly revision: string;
}) => Promise<string | null>;

/** What is to be fetched. Facts that the webhook told come first; what is null is asked for over there. */
export interface FetchJob {
  readonly client: SonarqubeClient;
  /** Key over there. */
  readonly project: string;
  /** Null, or `isMain`: the main branch. `name` is the pull request's key for `PULL_REQUEST`. */
  readonly branch: { readonly name: string | null; readonly type: 'BRANCH' | 'PULL_REQUEST'; readonly isMain: boolean } | null;
  /** The background task, and the analysis it made, as far as known. */
  readonly task: string | null;
  readonly analysis: string | null;
  /** As the payload says it: RFC 3339, or with SonarQube's offset without a colon. */
  readonly analysedAt: string | null;
  readonly revision: string | null;
  readonly properties: Readonly<Record<string, string>>;
  readonly versionFrom: VersionFrom;
  /** Kept over runs: pages stay here, so that a fetch that was broken off goes on where it was. The caller removes it when the file is stored. */
  readonly directory: string;
  /** The version tag of a revision in a repository of ours. */
  readonly tagOf?: (revision: string) => Promise<string | null>;
  /** CWEs that reports have categories for: whether an active rule has them is asked. */
  readonly cwes: readonly number[];
  /** Rules' standards, kept per server and version, and what profiles cover; left out: files in `directory`. */
  readonly rules?: RuleCache;
  /** Where links lead: the server's public address (`serverUrl` of its webhook); left out: where the client calls. */
  readonly linkBase?: string;
  readonly clock?: Clock;
  readonly signal: AbortSignal;
  onProgress(progress: FetchProgress): void;
}

/** What a reader of the report should know about how complete it is: a code of `sonarqubeNotices`, how many, and of what. */
export interface FetchNotice {
  readonly code: string;
  readonly count: number;
  readonly pointer?: string;
}

export interface Fetched {
  /** NDJSON as fetch/file.ts says; lies in the job's directory. */
  readonly file: string;
  readonly version: string;
  readonly versionFrom: VersionOrigin;
  readonly revision: string | null;
  /** RFC 3339 with offset. */
  readonly dateText: string;
  /** Its key over there; null where the server does not tell. */
  readonly analysis: string | null;
  readonly gate: GateFacts | null;
  readonly requests: number;
  readonly findings: number;
  /** False where a notice says that findings are missing. */
  readonly complete: boolean;
  readonly notices: readonly FetchNotice[];
}
