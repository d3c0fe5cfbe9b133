import { Type } from 'typebox';
import type { PersonFacts } from '../../events/git-facts.ts';
import type { Caller } from '../../http/caller.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../../http/paging.ts';
import { personOf } from '../../organizations/people.ts';
import type { Repository } from '../repository.ts';
import { params as repositoryParams } from '../schema.ts';
import { callersRepository, requireHere } from '../store.ts';
import type { PullsDeps } from './deps.ts';
import { scopeOf } from './deps.ts';
import { editPull } from './edit.ts';
import { mergePull } from './merge.ts';
import { openPull } from './open.ts';
import type { Pull } from './pull.ts';
import { pullStates } from './pull.ts';
import type { Refresher } from './refresh.ts';
import { ChangedPullBody, MergeBody, NewPullBody, params, PullBody, pullBody, tags } from './schema.ts';
import { findPull, listPulls, unknownPull } from './store.ts';

export interface PullRoutesDeps extends PullsDeps {
  readonly refresher: Refresher;
}

/** The repository that a route names, on this node. */
async function repositoryOf({ database }: PullsDeps, caller: Caller, name: string): Promise<Repository> {
  const repository = await callersRepository({ read: database.read, caller, name });
  requireHere(repository, database);
  return repository;
}

export interface NamedPull {
  readonly repository: Repository;
  readonly pull: Pull;
}

/** The pull request that a route names, as its row says it. Fails with `unknown_repository` and `unknown_pull_request`. */
export async function pullOf(
  deps: PullsDeps,
  caller: Caller,
  { name, number }: { readonly name: string; readonly number: number },
): Promise<NamedPull> {
  const repository = await repositoryOf(deps, caller, name);
  const pull = await findPull({ read: deps.database.read, ...scopeOf(repository), number });
  if (pull === null) throw unknownPull();
  return { repository, pull };
}

/** Who calls, as events show it. */
export function actorOf({ database }: PullsDeps, { organization, token }: Caller): Promise<PersonFacts> {
  return personOf({ database, organization, token });
}

export function pullRoutes(server: HttpServer, deps: PullRoutesDeps): void {
  listRoute(server, deps);
  showRoute(server, deps);
  openRoute(server, deps);
  changeRoute(server, deps);
  mergeRoute(server, deps);
}

function listRoute(server: HttpServer, deps: PullRoutesDeps): void {
  server.get(
    '/v1/repositories/:name/pulls',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'List pull requests',
        description: 'Newest first. What is said of merging is as it was last looked at; showing one looks anew.',
        tags,
        params: repositoryParams,
        querystring: Type.Object({
          ...pageParameters,
          state: Type.Optional(Type.Enum([...pullStates, 'all'], { default: 'open', description: 'Only those in this state.' })),
          base: Type.Optional(Type.String({ description: 'Only those that go to this branch.' })),
          head: Type.Optional(Type.String({ description: 'Only those that come from this branch.' })),
        }),
        response: { 200: Type.Object({ pulls: Type.Array(PullBody) }) },
      },
    },
    async (request, reply) => {
      const repository = await callersRepository({ read: deps.database.read, caller: request.caller, name: request.params.name });
      const { limit = pageLimitDefault, cursor, state = 'open', base, head } = request.query;
      const after = cursor === undefined ? null : Number(decodeCursor(cursor, 1)[0]);
      const scope = { read: deps.database.read, ...scopeOf(repository) };
      const pulls = await listPulls({ ...scope, state, base, head, limit: limit + 1, after });
      const last = pulls[limit - 1];
      if (pulls.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.number]));
      return { pulls: pulls.slice(0, limit).map((pull) => pullBody(pull, repository, deps.publicUrl())) };
    },
  );
}

function showRoute(server: HttpServer, deps: PullRoutesDeps): void {
  server.get(
    '/v1/repositories/:name/pulls/:number',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'Show a pull request',
        description: 'Where one of its branches moved, whether it can be merged is worked out anew.',
        tags,
        params,
        response: { 200: PullBody },
      },
    },
    async (request) => {
      const { repository, pull } = await pullOf(deps, request.caller, request.params);
      return pullBody(await deps.refresher.refreshed({ repository, pull }), repository, deps.publicUrl());
    },
  );
}

function openRoute(server: HttpServer, deps: PullRoutesDeps): void {
  server.post(
    '/v1/repositories/:name/pulls',
    {
      config: { scope: 'repository:write' },
      schema: {
        summary: 'Open a pull request',
        description:
          'Asks to bring the commits of one branch into another. It is an event. 409: `same_branch`, `unknown_branch`, `nothing_to_merge`, `unrelated_histories`, `pull_request_exists`, `too_many_pull_requests`, `repository_archived`.',
        tags,
        params: repositoryParams,
        body: NewPullBody,
        response: { 201: PullBody },
      },
    },
    async (request, reply) => {
      const repository = await repositoryOf(deps, request.caller, request.params.name);
      const actor = await actorOf(deps, request.caller);
      const { title, body = '', head, base = repository.defaultBranch } = request.body;
      const pull = await openPull(deps, { repository, actor, title, body, head, base });
      const path = `/v1/repositories/${encodeURIComponent(repository.name)}/pulls/${pull.number}`;
      return reply
        .code(201)
        .header('location', server.publicUrl(request) + path)
        .send(pullBody(pull, repository, deps.publicUrl()));
    },
  );
}

function changeRoute(server: HttpServer, deps: PullRoutesDeps): void {
  server.patch(
    '/v1/repositories/:name/pulls/:number',
    {
      config: { scope: 'repository:write' },
      schema: {
        summary: 'Change, close or reopen a pull request',
        description:
          'Changes what is named and nothing else; each change is an event. 409: `pull_request_merged`, `pull_request_closed`, `same_branch`, `unknown_branch`, `base_gone`, `head_gone`, `nothing_to_merge`, `unrelated_histories`, `pull_request_exists`, `repository_archived`.',
        tags,
        params,
        body: ChangedPullBody,
        response: { 200: PullBody },
      },
    },
    async (request) => {
      const { repository, pull } = await pullOf(deps, request.caller, request.params);
      const actor = await actorOf(deps, request.caller);
      const changed = await editPull(deps, { repository, actor, pull, change: request.body });
      return pullBody(changed, repository, deps.publicUrl());
    },
  );
}

function mergeRoute(server: HttpServer, deps: PullRoutesDeps): void {
  server.post(
    '/v1/repositories/:name/pulls/:number/merge',
    {
      config: { scope: 'repository:write' },
      schema: {
        summary: 'Merge a pull request',
        description:
          'Moves the base, as a push does: that is an event, and that the pull request is merged is another. 409: `merge_conflict` (with the paths), `nothing_to_merge`, `head_moved`, `pull_request_merged`, `pull_request_closed`, `pull_request_draft`, `base_gone`, `head_gone`, `unrelated_histories`, `too_many_commits`, `rebase_loses_merge`, `repository_archived`, and `ref_moved` where the base is pushed to all the time.',
        tags,
        params,
        body: MergeBody,
        response: { 200: PullBody },
      },
    },
    async (request) => {
      const { repository, pull } = await pullOf(deps, request.caller, request.params);
      const actor = await actorOf(deps, request.caller);
      const { method = 'merge', message, expectedHead } = request.body;
      const merged = await mergePull(deps, deps.refresher, { repository, actor, pull, method, message, expectedHead });
      return pullBody(merged, repository, deps.publicUrl());
    },
  );
}
