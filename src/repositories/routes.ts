import { Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { GatepostError } from '../errors.ts';
import type { Caller } from '../http/caller.ts';
import type { HttpServer } from '../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../http/paging.ts';
import type { Identifiers } from '../identifiers.ts';
import { callersProject } from '../projects/store.ts';
import type { Database } from '../storage/database/database.ts';
import { changeRepository } from './change.ts';
import type { Removal } from './deletion.ts';
import { markDeleted } from './deletion.ts';
import type { Git } from './git/git.ts';
import type { LimitsMax } from './repository.ts';
import { ChangedRepository, NewRepository, RepositoryBody, bodyOf, params, tags } from './schema.ts';
import { callersRepository, insertRepository, listRepositories } from './store.ts';

export interface RepositoryRoutesDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly git: Git;
  readonly limitsMax: LimitsMax;
  readonly removal: Pick<Removal, 'remove'>;
}

export function repositoryRoutes(server: HttpServer, deps: RepositoryRoutesDeps): void {
  createRoute(server, deps);
  readRoutes(server, deps);
  changeRoute(server, deps);
  deleteRoute(server, deps);
}

/** The id of the project a body names; a token for one project ties to that alone, and is so tied unless it says otherwise. */
async function projectIdOf({ database }: RepositoryRoutesDeps, caller: Caller, key: string | null | undefined): Promise<string | null> {
  if (typeof key === 'string') return (await callersProject({ read: database.read, caller, key })).id;
  if (key === null && caller.project !== null)
    throw new GatepostError('forbidden', 'project_token', 'The token is for one project alone: its repositories are tied to that.');
  return caller.project;
}

function createRoute(server: HttpServer, deps: RepositoryRoutesDeps): void {
  const { database, git, ids, clock } = deps;
  server.post(
    '/v1/repositories',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Make a repository',
        description:
          'An empty git repository, to be pushed to at `cloneUrl`. The name of one that was deleted or renamed is not given again by accident: say `reuseName` to take it.',
        tags,
        body: NewRepository,
        response: { 201: RepositoryBody },
      },
    },
    async (request, reply) => {
      const { caller } = request;
      const { project: key, ...given } = request.body;
      const project = await projectIdOf(deps, caller, key);
      const { organization, token } = caller;
      const made = await insertRepository({ database, git, organization, ...given, project, actor: `token:${token}`, ids, clock });
      const serverUrl = server.publicUrl(request);
      reply.code(201).header('location', `${serverUrl}/v1/repositories/${made.name}`);
      return bodyOf(made, serverUrl);
    },
  );
}

function readRoutes(server: HttpServer, { database }: RepositoryRoutesDeps): void {
  const { read } = database;
  server.get(
    '/v1/repositories',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'List repositories',
        description: 'All that the token may see, by name.',
        tags,
        querystring: Type.Object({
          ...pageParameters,
          project: Type.Optional(Type.String({ description: 'Only those tied to the project of this key.' })),
        }),
        response: { 200: Type.Object({ repositories: Type.Array(RepositoryBody) }) },
      },
    },
    async (request, reply) => {
      const { caller } = request;
      const { limit = pageLimitDefault, cursor, project: key } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const project = key === undefined ? caller.project : (await callersProject({ read, caller, key })).id;
      const found = await listRepositories({ read, organization: caller.organization, project, limit: limit + 1, after });
      const last = found[limit - 1];
      if (found.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.name]));
      const serverUrl = server.publicUrl(request);
      return { repositories: found.slice(0, limit).map((repository) => bodyOf(repository, serverUrl)) };
    },
  );
  server.get(
    '/v1/repositories/:name',
    {
      config: { scope: 'repository:read' },
      schema: { summary: 'Show a repository', description: 'One repository.', tags, params, response: { 200: RepositoryBody } },
    },
    async (request) =>
      bodyOf(await callersRepository({ read, caller: request.caller, name: request.params.name }), server.publicUrl(request)),
  );
}

function changeRoute(server: HttpServer, deps: RepositoryRoutesDeps): void {
  const { database, git, ids, clock, limitsMax } = deps;
  server.patch(
    '/v1/repositories/:name',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a repository',
        description:
          'Changes name, description, default branch, project or limits, or archives it. What is not named stays as it is. A renamed one still answers git under its old name, by a redirect.',
        tags,
        params,
        body: ChangedRepository,
        response: { 200: RepositoryBody },
      },
    },
    async (request) => {
      const { caller } = request;
      const repository = await callersRepository({ read: database.read, caller, name: request.params.name });
      const { project: key, ...rest } = request.body;
      const change = { ...rest, ...(key === undefined ? {} : { project: await projectIdOf(deps, caller, key) }) };
      const actor = `token:${caller.token}` as const;
      return bodyOf(await changeRepository({ database, git, repository, change, limitsMax, actor, ids, clock }), server.publicUrl(request));
    },
  );
}

function deleteRoute(server: HttpServer, { database, ids, clock, removal }: RepositoryRoutesDeps): void {
  server.delete(
    '/v1/repositories/:name',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a repository',
        description:
          'Deletes the repository with its commits, pull requests, webhooks and their deliveries. Its name stays taken. The audit log keeps the trace. It cannot be undone.',
        tags,
        params,
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const { caller } = request;
      const repository = await callersRepository({ read: database.read, caller, name: request.params.name });
      await database.write((tx) => markDeleted({ tx, repository, actor: `token:${caller.token}`, ids, clock }));
      // It is gone for everybody by now; what cannot be taken away at once is later.
      await removal.remove(repository.id).catch((error: unknown) => request.log.error({ err: error }, 'repository not removed yet'));
      return reply.code(204).send(null);
    },
  );
}
