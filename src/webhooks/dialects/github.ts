import type { EventKind, GatepostEvent, PingFacts } from '../../events/event.ts';
import type { PullRequestCommentFacts, PullRequestFacts, PushFacts } from '../../events/git-facts.ts';
import { hubSignature, hubSignature256 } from '../signing/hub-signature.ts';
import type { DeliveryFacts, Dialect } from './dialect.ts';
import type { GitEventName, ShownRepository } from './git-words.ts';
import {
  apiUrl,
  bodyByFacts,
  branchInUrl,
  commentUrl,
  gitEventName,
  isBranch,
  isCreated,
  isDeleted,
  shortRef,
  shownRepository,
} from './git-words.ts';
import { issueShape, noReactions, pullShape } from './github-pull-shapes.ts';
import { commitShape, organization, person, repositoryOfPush, repositoryShape } from './github-shapes.ts';
import { goTime, wellFormedJson } from './go-json.ts';

/**
 * GitHub's webhook, for the receivers that know nothing else: the fields that its published types name, which those read. A link that we have
 * nothing for is an empty text. The signature of SHA-1 goes out beside that of SHA-256, as GitHub's does. The `User-Agent` is our own: none of the
 * receivers that are tried looks at it.
 */
export const githubDialect: Dialect = {
  name: 'github',
  contentType: 'application/json',
  events: ['push', 'pull_request', 'pull_request_comment'],
  body: (event) => Buffer.from(wellFormedJson(JSON.stringify(payloadOf(event))), 'utf8'),
  headers,
  schemes: [hubSignature, hubSignature256],
  secretOptional: true,
  redirects: 0,
  sample: 'git',
  pings: true,
};

const eventNames: Readonly<Record<GitEventName, string>> = {
  push: 'push',
  pull_request: 'pull_request',
  pull_request_comment: 'issue_comment',
  ping: 'ping',
};

function headers({ delivery, kind, attempt }: DeliveryFacts): Readonly<Record<string, string>> {
  return {
    'X-GitHub-Delivery': delivery,
    'X-GitHub-Event': eventNames[gitEventName(kind)],
    'x-gatepost-event': kind,
    'x-gatepost-attempt': String(attempt),
  };
}

const write = bodyByFacts({ push: pushPayload, pull: pullPayload, comment: commentPayload });

function payloadOf(event: GatepostEvent): object {
  return 'hook' in event.facts ? pingPayload(event.facts) : write(event);
}

/** A push. Commits are oldest first. */
export function pushPayload(facts: PushFacts) {
  const repository = shownRepository(facts.repository, facts.serverUrl);
  const { ref, before, after, head } = facts;
  const fresh = new Set(facts.commits.map(({ id }) => id));
  return {
    ref,
    before,
    after,
    repository: repositoryOfPush(repository),
    pusher: { name: facts.pusher.login, email: facts.pusher.email === '' ? null : facts.pusher.email },
    organization: organizationOf(repository),
    sender: person(facts.pusher),
    created: isCreated(facts),
    deleted: isDeleted(facts),
    forced: facts.isForced,
    base_ref: null,
    compare: compareUrl(facts, repository),
    commits: facts.commits.map((commit) => commitShape(commit, repository, true)).toReversed(),
    head_commit: head === null ? null : commitShape(head, repository, fresh.has(head.id)),
  };
}

function compareUrl(facts: PushFacts, { urls }: ShownRepository): string {
  const { before, after, compareBase, repository } = facts;
  if (!isCreated(facts)) return urls.compare(before, after);
  if (compareBase !== null) return urls.compare(compareBase, after);
  const { defaultBranch } = repository;
  const isFirst = !isBranch(facts) || defaultBranch === shortRef(facts.ref);
  return isFirst ? urls.html : urls.compare(branchInUrl(defaultBranch), after);
}

function organizationOf({ facts }: ShownRepository) {
  const { login, id, node_id } = organization(facts);
  return {
    login,
    id,
    node_id,
    url: '',
    repos_url: '',
    events_url: '',
    hooks_url: '',
    issues_url: '',
    members_url: '',
    public_members_url: '',
    avatar_url: '',
    description: null,
  };
}

const actions: Readonly<Record<PullRequestFacts['pullAction'], string>> = {
  opened: 'opened',
  closed: 'closed',
  reopened: 'reopened',
  edited: 'edited',
  synchronized: 'synchronize',
};

/** A pull request. */
export function pullPayload(facts: PullRequestFacts) {
  const { pull, sender, pullAction, changes } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  return {
    action: actions[pullAction],
    number: pull.number,
    pull_request: pullShape(pull, repository),
    ...(pullAction === 'edited' ? { changes: changesOf(changes) } : {}),
    ...(pullAction === 'synchronized' ? changes?.head : {}),
    repository: repositoryShape(repository),
    organization: organizationOf(repository),
    sender: person(sender),
  };
}

function changesOf(changes: PullRequestFacts['changes']) {
  const { title, body, base } = changes ?? {};
  return {
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { body }),
    ...(base === undefined ? {} : { base: { ref: { from: base.from }, sha: { from: base.sha } } }),
  };
}

/** A comment on a pull request. */
export function commentPayload(facts: PullRequestCommentFacts) {
  const { commentAction: action, comment, pull, bodyFrom, sender } = facts;
  const repository = shownRepository(facts.repository, facts.serverUrl);
  const api = `${apiUrl(repository)}/pulls/${pull.number}`;
  return {
    action,
    ...(action === 'edited' ? { changes: { body: { from: bodyFrom ?? '' } } } : {}),
    issue: issueShape(pull, repository),
    comment: {
      url: commentUrl(repository, facts),
      html_url: commentUrl(repository, facts),
      issue_url: api,
      id: comment.serial,
      node_id: `IC_${comment.serial}`,
      user: person(comment.author),
      created_at: goTime(comment.created),
      updated_at: goTime(comment.updated),
      author_association: 'MEMBER' as const,
      body: comment.body,
      reactions: noReactions,
      performed_via_github_app: null,
    },
    repository: repositoryShape(repository),
    organization: organizationOf(repository),
    sender: person(sender),
  };
}

/** What our events are called there, each once. */
function eventsOf(events: readonly EventKind[]) {
  const names = { push: 'push', pull_request: 'pull_request', pull_request_comment: 'issue_comment' } as const;
  return events.flatMap((kind) => (kind in names ? [names[kind as keyof typeof names]] : []));
}

/** A number for a webhook, since there it has one: the first 48 bits of its id. */
function numberOf(id: string): number {
  const number = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  return Number.isNaN(number) ? 0 : number;
}

/** What a new webhook is told. */
export function pingPayload({ hook, repository, sender, serverUrl }: PingFacts) {
  const url = `${serverUrl}/v1/webhooks/${hook.id}`;
  const id = numberOf(hook.id);
  const shown = repository === null ? null : shownRepository(repository, serverUrl);
  return {
    zen: 'Nothing is lost that was promised.',
    hook_id: id,
    hook: {
      type: repository === null ? ('Organization' as const) : ('Repository' as const),
      id,
      name: 'web',
      active: true,
      events: eventsOf(hook.events),
      config: {
        content_type: 'json' as const,
        insecure_ssl: '0' as const,
        url: hook.url,
        ...(hook.hasSecret ? { secret: '********' } : {}),
      },
      updated_at: goTime(hook.created),
      created_at: goTime(hook.created),
      url,
      test_url: '',
      ping_url: '',
      deliveries_url: `${serverUrl}/v1/deliveries?webhook=${hook.id}`,
      last_response: { code: null, status: 'unused', message: null },
    },
    ...(shown === null ? {} : { repository: repositoryShape(shown), organization: organizationOf(shown) }),
    sender: person(sender),
  };
}
