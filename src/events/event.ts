import type { PersonFacts, PullRequestCommentFacts, PullRequestFacts, PushFacts, RepositoryFacts } from './git-facts.ts';

/** A report as the list and its webhook show it: names, order and types of the report API's contract, section 3. */
export interface ListedReport {
  readonly projectName: string;
  readonly id: string;
  readonly reportType: string;
  readonly reportVersion: number;
  readonly projectVersion: string;
  readonly date: string;
  readonly uploadDate: string;
  readonly vulnerabilitiesCount: number;
  readonly securityRating: 'A' | 'B' | 'C' | 'D' | 'E' | null;
}

/** What a report event says: exactly the body of the list's answer. */
export interface ReportFacts {
  readonly organizationId: string;
  readonly reports: readonly ListedReport[];
}

/** What an event about a webhook says, ready to be shown: the organization by its slug, times as RFC 3339, no secret in the URL. */
export interface WebhookFacts {
  readonly organization: string;
  /** Whom the event is about; it is not told about itself. */
  readonly webhook: { readonly id: string; readonly name: string; readonly url: string };
  /** When the first of the failures ended that it has had without a success since; null: unknown. */
  readonly since: string | null;
  /** How many those are. */
  readonly failures: number;
  /** What the last attempt brought: a status, or why there was none. */
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  /** Why it was switched off: it answered 410, or failed for too long. Null: it is on. */
  readonly reason: 'gone' | 'failing' | null;
}

/** A condition of a quality gate as it came out, in SonarQube's words (its contract, 1.1). */
export interface GateCondition {
  readonly metric: string;
  readonly operator: string;
  /** Left out where there is none. */
  readonly value?: string;
  readonly status: string;
  readonly errorThreshold: string;
}

export interface GateFacts {
  readonly name: string;
  /** `OK`, `ERROR`, of old servers `WARN`. */
  readonly status: string;
  readonly conditions: readonly GateCondition[];
}

/** What an analysis that came to its end says: SonarQube's webhook in our words, and for other scanners the same. Times as RFC 3339 or as SonarQube writes them. */
export interface AnalysisCompletedFacts {
  /** The organization's slug. */
  readonly organization: string;
  /** Our analysis. */
  readonly analysis: string;
  readonly origin: 'sonarqube' | 'sarif';
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
  /** Null where no background task brought it: an issue that was edited. */
  readonly task: string | null;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly analysedAt: string | null;
  readonly changedAt: string;
  readonly revision: string | null;
  readonly project: { readonly key: string; readonly name: string };
  /** `name` is the pull request's key for `PULL_REQUEST`. */
  readonly branch: { readonly name: string | null; readonly type: 'BRANCH' | 'PULL_REQUEST'; readonly isMain: boolean } | null;
  readonly gate: GateFacts | null;
  readonly properties: Readonly<Record<string, string>>;
  /** SonarQube's own payload, exactly as its bytes say it (UTF-8); null where there is none. */
  readonly relayed: string | null;
}

/** What a new webhook is told where its dialect greets (GitHub's `ping`). Times are RFC 3339. */
export interface PingFacts {
  /** The organization's slug. */
  readonly organization: string;
  readonly serverUrl: string;
  readonly hook: {
    readonly id: string;
    readonly name: string;
    /** As it may be shown. */
    readonly url: string;
    readonly events: readonly EventKind[];
    readonly hasSecret: boolean;
    readonly created: string;
  };
  /** Null: it is for a project's or the organization's. */
  readonly repository: RepositoryFacts | null;
  readonly sender: PersonFacts;
}

export type EventFacts =
  | ReportFacts
  | WebhookFacts
  | AnalysisCompletedFacts
  | PushFacts
  | PullRequestFacts
  | PullRequestCommentFacts
  | PingFacts;

/** What a webhook can ask for. */
export const eventKinds = [
  'report.ingested',
  'report.updated',
  'analysis.completed',
  'push',
  'pull_request',
  'pull_request_comment',
  'webhook.failing',
  'webhook.disabled',
] as const;
/**
 * Kinds that nobody asks for: made for one webhook, when a person wants to see whether it works, or when it is new. A test that tells of a push
 * is `webhook.test`, like every other that is not named here.
 */
export const ownKinds = ['webhook.test', 'webhook.test.pull_request', 'webhook.test.pull_request_comment', 'webhook.ping'] as const;
export type EventKind = (typeof eventKinds)[number] | (typeof ownKinds)[number];

/** Something that happened, in our words, with its facts in full. It never changes once recorded. */
export interface GatepostEvent {
  readonly id: string;
  readonly organization: string;
  readonly kind: EventKind;
  /** The project it is about, or null: what webhooks of one project are chosen by. */
  readonly project: string | null;
  /** The repository it is about, or null: what webhooks of one repository are chosen by. */
  readonly repository?: string | null;
  /** The ref that moved, whole, of a push: what filters of refs are held against. */
  readonly ref?: string | null;
  readonly facts: EventFacts;
  /** Milliseconds since 1970. */
  readonly created: number;
}
