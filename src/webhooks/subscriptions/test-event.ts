import type { Clock } from '../../clock.ts';
import { conflict } from '../../errors.ts';
import type { EventFacts, EventKind, GatepostEvent } from '../../events/event.ts';
import type { Caller } from '../../http/caller.ts';
import type { Identifiers } from '../../identifiers.ts';
import { readProject } from '../../projects/store.ts';
import type { Reader } from '../../storage/database/database.ts';
import { dialectOf } from '../dialects/all.ts';
import { refPasses } from '../ref-filter/ref-filter.ts';
import type { GitKind, WebhookRepositories } from './repositories.ts';
import { gitKinds } from './repositories.ts';
import type { Webhook } from './webhook.ts';

export interface TestEventOptions {
  readonly read: Reader;
  readonly caller: Pick<Caller, 'organization' | 'slug' | 'token'>;
  readonly webhook: Webhook;
  readonly repositories: WebhookRepositories;
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/**
 * What a test delivery of a webhook tells: the sample of its dialect, or on the git side what stands in a repository. Nothing is recorded. Fails
 * with `no_repository`, `ref_filtered` or `no_pull_request` where there is nothing that the webhook would be told of, rather than promise it.
 */
export async function testEvent(options: TestEventOptions): Promise<GatepostEvent> {
  const { caller, webhook, ids, clock } = options;
  const { organization } = caller;
  const project = webhook.project?.id ?? null;
  const repository = webhook.repository?.id ?? null;
  const about = { id: ids.next(), organization, project, created: clock.now() };
  const dialect = dialectOf(webhook.dialect);
  if (dialect.sample === 'git') return { ...about, ...(await ofGit(options, about.id)) };
  const named = project === null ? null : await readProject({ read: options.read, organization, project });
  const sampleOf = { organization: { id: organization, slug: caller.slug }, serverUrl: options.serverUrl, project: named };
  const facts = dialect.sample({ ...sampleOf, id: about.id, created: about.created });
  return { ...about, repository, ref: null, kind: 'webhook.test', facts };
}

interface OfGit {
  readonly kind: EventKind;
  readonly repository: string;
  readonly ref: string | null;
  readonly facts: EventFacts;
}

const testKinds: Readonly<Record<GitKind, EventKind>> = {
  push: 'webhook.test',
  pull_request: 'webhook.test.pull_request',
  pull_request_comment: 'webhook.test.pull_request_comment',
};

/** Of what the webhook asks for the first that there is: a push before a pull request. Where there is none of it, the first says why. */
async function ofGit({ caller, webhook, repositories, serverUrl }: TestEventOptions, id: string): Promise<OfGit> {
  const { refFilter } = webhook;
  const passes = (ref: string): boolean => refFilter === null || refPasses(refFilter, ref);
  const where = { repository: webhook.repository?.id ?? null, project: webhook.project?.id ?? null };
  const asked = { ...where, organization: caller.organization, token: caller.token, passes, id, serverUrl };
  const wanted = gitKinds.filter((kind) => webhook.events.includes(kind));
  let missing: keyof typeof missingMessages | null = null;
  for (const kind of wanted.length > 0 ? wanted : (['push'] as const)) {
    const sample = await repositories.sample({ ...asked, kind });
    if ('facts' in sample) return { kind: testKinds[kind], facts: sample.facts, repository: sample.repository, ref: sample.ref };
    missing ??= sample.missing;
  }
  missing ??= 'no_repository';
  throw conflict(missing, missingMessages[missing], missing === 'ref_filtered' ? { refFilter } : undefined);
}

const missingMessages = {
  no_repository: 'Nothing was sent: there is no repository yet whose events the webhook gets.',
  ref_filtered: 'Nothing was sent: the webhook’s filter of refs lets neither the default branch pass nor any other branch or tag.',
  no_pull_request: 'Nothing was sent: there is no pull request, or no comment on one, that the webhook could be told of.',
} as const;
