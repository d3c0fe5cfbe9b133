import { invalid, notFound } from '../../errors.ts';
import type { EventKind } from '../../events/event.ts';
import type { PullRequestCommentFacts, PullRequestFacts, PushFacts, RepositoryFacts } from '../../events/git-facts.ts';
import type { Caller } from '../../http/caller.ts';

/** What the git side's dialects tell of. */
export const gitKinds = ['push', 'pull_request', 'pull_request_comment'] as const;
export type GitKind = (typeof gitKinds)[number];

/** Refuses events that no repository has, for a webhook of one: it would wait for ever. Fails with `event_not_of_scope`. */
export function requireEventsOfRepository(events: readonly EventKind[]): void {
  const known: readonly EventKind[] = [...gitKinds, 'webhook.failing', 'webhook.disabled'];
  const event = events.find((kind) => !known.includes(kind));
  if (event === undefined) return;
  throw invalid('event_not_of_scope', `No repository has the event ${event}: a webhook of one gets ${known.join(', ')}.`, {
    field: 'events',
    event,
    events: known,
  });
}

export interface SampleOptions {
  readonly organization: string;
  /** Whose events the webhook gets: of one repository, of those tied to a project, or of all where both are null. */
  readonly repository: string | null;
  readonly project: string | null;
  readonly kind: GitKind;
  /** Whether the webhook's filter lets a ref pass, which is named whole. Of no matter but for a push. */
  readonly passes: (ref: string) => boolean;
  /** Id of the event. */
  readonly id: string;
  /** The token that asks: who acts in the facts. */
  readonly token: string;
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
}

/**
 * What a test delivery tells, or why there is nothing to tell: no repository, one without a branch or tag that the filter lets pass (of an empty
 * one the default branch is asked for), no pull request or no comment on one.
 */
export type Sample =
  | { readonly facts: PushFacts | PullRequestFacts | PullRequestCommentFacts; readonly repository: string; readonly ref: string | null }
  | { readonly missing: 'no_repository' | 'ref_filtered' | 'no_pull_request' };

/** What webhooks ask of repositories; app.ts hands it in, so that neither side imports the other. */
export interface WebhookRepositories {
  /** The one of this name. Fails with `unknown_repository`, also where the caller may not see it. */
  named(options: { readonly caller: Caller; readonly name: string }): Promise<{ readonly id: string; readonly name: string }>;
  /**
   * Facts for a test delivery. Of a push: of the default branch where the filter lets it pass, else of another branch or tag that it does; nothing
   * is recorded of it. Of a pull request or a comment: the newest that there is. `repository` in the answer is an id.
   */
  sample(options: SampleOptions): Promise<Sample>;
  /** The repository as it is now, for the ping of a webhook that was made for it; null: it is gone. */
  facts(options: {
    readonly organization: string;
    readonly repository: string;
    readonly serverUrl: string;
  }): Promise<RepositoryFacts | null>;
}

/** Of a server without a git host. */
export const noRepositories: WebhookRepositories = {
  named: () => Promise.reject(notFound('unknown_repository', 'There is no repository of this name.')),
  sample: () => Promise.resolve({ missing: 'no_repository' }),
  facts: () => Promise.resolve(null),
};
