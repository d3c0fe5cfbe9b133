import type { PersonFacts, PullRequestCommentFacts, PullRequestFacts, PushFacts, RepositoryFacts } from '../events/git-facts.ts';
import type { Caller } from '../http/caller.ts';
import { personOf } from '../organizations/people.ts';
import type { Database, Reader } from '../storage/database/database.ts';
import { repositoryFacts } from './facts/repository-facts.ts';
import { samplePush } from './facts/sample-push.ts';
import type { Git } from './git/git.ts';
import type { Scene } from './pulls/facts.ts';
import { commentEvent, pullEvent } from './pulls/facts.ts';
import type { PullComment } from './pulls/pull.ts';
import { listPulls } from './pulls/store.ts';
import type { Repository } from './repository.ts';
import { loginsFor } from './routes-refs.ts';
import { callersRepository, listRepositories, repositoryById, requireHere } from './store.ts';

// What webhooks ask of repositories, whose interface it fits without either side knowing the other: app.ts hands it over.

export interface ForWebhooksOptions {
  readonly database: Database;
  readonly git: Git;
}

export interface SampleAsked {
  readonly organization: string;
  readonly repository: string | null;
  readonly project: string | null;
  readonly kind: 'push' | 'pull_request' | 'pull_request_comment';
  readonly passes: (ref: string) => boolean;
  readonly id: string;
  readonly token: string;
  readonly serverUrl: string;
}

export type Sampled =
  | { readonly facts: PushFacts | PullRequestFacts | PullRequestCommentFacts; readonly repository: string; readonly ref: string | null }
  | { readonly missing: 'no_repository' | 'ref_filtered' | 'no_pull_request' };

/** How many repositories a test delivery of an organization's webhook looks at for something to tell. */
export const sampledRepositoriesMax = 20;

export function repositoriesForWebhooks(options: ForWebhooksOptions) {
  const { database, git } = options;
  const { read } = database;
  return {
    async named({
      caller,
      name,
    }: {
      readonly caller: Caller;
      readonly name: string;
    }): Promise<{ readonly id: string; readonly name: string }> {
      const { id, name: written } = await callersRepository({ read, caller, name });
      return { id, name: written };
    },
    sample: (asked: SampleAsked): Promise<Sampled> => sample(options, asked),
    async facts(asked: {
      readonly organization: string;
      readonly repository: string;
      readonly serverUrl: string;
    }): Promise<RepositoryFacts | null> {
      const repository = await repositoryById({ read, organization: asked.organization, id: asked.repository });
      return repository === null ? null : repositoryFacts({ read, git, repository });
    },
    person: ({ organization, token }: { readonly organization: string; readonly token: string }): Promise<PersonFacts> =>
      personOf({ database, organization, token }),
  };
}

/** What a test delivery tells: of the repositories that the webhook hears of, the first that has something to tell. */
async function sample(options: ForWebhooksOptions, asked: SampleAsked): Promise<Sampled> {
  const repositories = await heardOf(options, asked);
  const [first] = repositories;
  if (first === undefined) return { missing: 'no_repository' };
  const here = repositories.filter(({ node }) => node === options.database.node);
  if (here.length === 0) requireHere(first, options.database);
  let missing: Sampled = { missing: 'no_repository' };
  for (const repository of here) {
    const found = await sampleOf(options, asked, repository);
    if ('facts' in found) return found;
    missing = found;
  }
  return missing;
}

async function heardOf({ database }: ForWebhooksOptions, asked: SampleAsked): Promise<readonly Repository[]> {
  const { read } = database;
  const { organization, repository, project } = asked;
  if (repository === null) return listRepositories({ read, organization, project, limit: sampledRepositoriesMax, after: null });
  const one = await repositoryById({ read, organization, id: repository });
  return one === null ? [] : [one];
}

async function sampleOf({ database, git }: ForWebhooksOptions, asked: SampleAsked, repository: Repository): Promise<Sampled> {
  const { read } = database;
  const { organization, token, serverUrl, passes, kind } = asked;
  const person = await personOf({ database, organization, token });
  const facts = await repositoryFacts({ read, git, repository });
  if (kind === 'push') {
    const logins = loginsFor(database, organization);
    const push = await samplePush({ git, repository: facts, serverUrl, push: asked.id, pusher: person, passes, logins });
    return push === null ? { missing: 'ref_filtered' } : { facts: push, repository: repository.id, ref: push.ref };
  }
  const scene = { repository, facts, sender: person, serverUrl };
  const told = kind === 'pull_request' ? await newestPull(read, scene) : await newestComment(read, scene);
  return told === null ? { missing: 'no_pull_request' } : { facts: told, repository: repository.id, ref: null };
}

/** The newest pull request, as if it had just been opened. */
async function newestPull(read: Reader, scene: Scene): Promise<PullRequestFacts | null> {
  const { organization, id: repository } = scene.repository;
  const [pull] = await listPulls({ read, organization, repository, state: 'all', limit: 1, after: null });
  if (pull === undefined) return null;
  return pullEvent(scene, { pull, pullAction: 'opened', openPulls: scene.facts.openPulls }).facts as PullRequestFacts;
}

async function newestComment(read: Reader, scene: Scene): Promise<PullRequestCommentFacts | null> {
  const { organization, id: repository } = scene.repository;
  const row = await read
    .selectFrom('pull_comments')
    .innerJoin('pulls', 'pulls.id', 'pull_comments.pull')
    .selectAll('pull_comments')
    .select('pulls.number')
    .where('pull_comments.organization', '=', organization)
    .where('pull_comments.repository', '=', repository)
    .orderBy('pull_comments.id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  const [pull] = await listPulls({ read, organization, repository, state: 'all', limit: 1, after: row.number + 1 });
  if (pull === undefined) return null;
  const { id, serial, body, created, updated } = row;
  const comment: PullComment = { id, pull: row.pull, serial, author: JSON.parse(row.author) as PersonFacts, body, created, updated };
  const event = commentEvent(scene, { pull, comment, commentAction: 'created', openPulls: scene.facts.openPulls });
  return event.facts as PullRequestCommentFacts;
}
