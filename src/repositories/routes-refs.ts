import { Type } from 'typebox';
import { timestampText } from '../clock.ts';
import { conflict, notFound } from '../errors.ts';
import type { CommitFacts } from '../events/git-facts.ts';
import { zeroId } from '../events/git-facts.ts';
import { repositoryUrls } from '../events/git-urls.ts';
import type { Caller } from '../http/caller.ts';
import type { HttpServer } from '../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../http/paging.ts';
import { loginsOf, personOf } from '../organizations/people.ts';
import type { Database } from '../storage/database/database.ts';
import { commitOf, listCommits } from './facts/commits.ts';
import type { Logins } from './facts/facts.ts';
import type { ListedRef } from './facts/refs-list.ts';
import { listRefs, refTip } from './facts/refs-list.ts';
import type { Git } from './git/git.ts';
import { listPushes, pushOfCommit } from './pushes.ts';
import type { Refs } from './refs/refs.ts';
import type { Repository } from './repository.ts';
import { isRefName } from './repository.ts';
import { CommitBody, CommitInFull, PushBody, RefBody, commitBody, params, tags } from './schema.ts';
import { callersRepository, requireHere, requireNotArchived } from './store.ts';

export interface RefRoutesDeps {
  readonly database: Database;
  readonly git: Git;
  readonly refs: Pick<Refs, 'move'>;
}

export function refRoutes(server: HttpServer, deps: RefRoutesDeps): void {
  for (const kind of ['branches', 'tags'] as const) {
    listRoute(server, deps, kind);
    deleteRoute(server, deps, kind);
  }
  commitRoutes(server, deps);
  pushesRoute(server, deps);
}

const kinds = {
  branches: { prefix: 'refs/heads/', one: 'branch', many: 'branches', order: 'By name.' },
  tags: { prefix: 'refs/tags/', one: 'tag', many: 'tags', order: 'By name.' },
} as const;

/** The repository that a route names, on this node. */
async function repositoryHere({ database }: RefRoutesDeps, caller: Caller, name: string): Promise<Repository> {
  const repository = await callersRepository({ read: database.read, caller, name });
  requireHere(repository, database);
  return repository;
}

function refBody(ref: ListedRef, prefix: string) {
  return {
    name: ref.ref.slice(prefix.length),
    ref: ref.ref,
    id: ref.id,
    commit: ref.target.type === 'commit' ? ref.target.id : null,
    subject: ref.subject,
    date: ref.date === null ? null : timestampText(ref.date),
  };
}

function listRoute(server: HttpServer, deps: RefRoutesDeps, kind: keyof typeof kinds): void {
  const { prefix, many, order } = kinds[kind];
  server.get(
    `/v1/repositories/:name/${kind}`,
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: `List ${many}`,
        description: order,
        tags,
        params,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ [many]: Type.Array(RefBody) }) },
      },
    },
    async (request, reply) => {
      const repository = await repositoryHere(deps, request.caller, request.params.name);
      const { limit = pageLimitDefault, cursor } = request.query;
      const after = cursor === undefined ? {} : { after: String(decodeCursor(cursor, 1)[0]) };
      const { refs, hasMore } = await listRefs({ git: deps.git, repository: repository.id, prefix, limit, ...after });
      const last = refs.at(-1);
      if (hasMore && last !== undefined) nextLink(request, reply, encodeCursor([last.ref]));
      return { [many]: refs.map((ref) => refBody(ref, prefix)) };
    },
  );
}

function deleteRoute(server: HttpServer, deps: RefRoutesDeps, kind: keyof typeof kinds): void {
  const { prefix, one } = kinds[kind];
  server.delete(
    `/v1/repositories/:name/${kind}/:ref`,
    {
      config: { scope: 'repository:write' },
      schema: {
        summary: `Delete a ${one}`,
        description: `Deletes the ${one}, as a push that deletes it does: it is an event, and pull requests hear of it.`,
        tags,
        params: Type.Object({ ...params.properties, ref: Type.String({ description: `The ${one}’s name, percent-encoded.` }) }),
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const { organization, token } = request.caller;
      const repository = await repositoryHere(deps, request.caller, request.params.name);
      requireNotArchived(repository);
      const ref = prefix + request.params.ref;
      const before = isRefName(ref) ? await refTip({ git: deps.git, repository: repository.id, ref }) : null;
      if (before === null) throw notFound(`unknown_${one}`, `The repository has no ${one} of this name.`);
      if (kind === 'branches' && request.params.ref === repository.defaultBranch)
        throw conflict('default_branch', 'This is the default branch: make another one that, then delete it.');
      const actor = await personOf({ database: deps.database, organization, token });
      await deps.refs.move({ repository, commands: [{ ref, before, after: zeroId }], actor });
      return reply.code(204).send(null);
    },
  );
}

/** Logins by mail address as it is asked for, among the organization's tokens. */
export function loginsFor(database: Pick<Database, 'read'>, organization: string): Logins {
  return async (emails) => {
    const known = await loginsOf({ read: database.read, organization, emails });
    const found = emails.map((email) => [email, known.get(email.toLowerCase())] as const);
    return new Map(found.flatMap(([email, login]) => (login === undefined ? [] : [[email, login] as const])));
  };
}

export interface RevisionOptions {
  readonly database: Pick<Database, 'read'>;
  readonly git: Git;
  readonly repository: Repository;
  /** A whole id, a whole ref, a branch or a tag. */
  readonly revision: string;
}

/** The commit that is meant: by its id, its whole ref, a branch or a tag. Null: there is none. */
export async function commitNamed({ database, git, repository, revision }: RevisionOptions): Promise<CommitFacts | null> {
  const asked = [revision, `refs/heads/${revision}`, `refs/tags/${revision}`].filter((one) => /^[0-9a-f]{40}$/.test(one) || isRefName(one));
  for (const one of asked) {
    const logins = loginsFor(database, repository.organization);
    const found = await commitOf({ git, repository: repository.id, revision: one, logins });
    if (found !== null) return found;
  }
  return null;
}

function commitRoutes(server: HttpServer, deps: RefRoutesDeps): void {
  const { database, git } = deps;
  const urlsOf = (repository: Repository, serverUrl: string) => repositoryUrls({ ...repository, serverUrl });
  server.get(
    '/v1/repositories/:name/commits',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'List commits',
        description: 'Newest first, as git orders them.',
        tags,
        params,
        querystring: Type.Object({
          ...pageParameters,
          ref: Type.Optional(Type.String({ description: 'Branch, tag, whole ref or whole id to begin at; else the default branch.' })),
        }),
        response: { 200: Type.Object({ commits: Type.Array(CommitBody) }) },
      },
    },
    async (request, reply) => {
      const repository = await repositoryHere(deps, request.caller, request.params.name);
      const { limit = pageLimitDefault, cursor, ref } = request.query;
      // Pages of one walk begin at the same commit, whatever is pushed meanwhile.
      const [from, skip] = cursor === undefined ? [null, 0] : decodeCursor(cursor, 2);
      const revision = from === null ? (ref ?? `refs/heads/${repository.defaultBranch}`) : String(from);
      const start = await commitNamed({ database, git, repository, revision });
      if (start === null && ref === undefined) return { commits: [] };
      if (start === null) throw unknownRevision();
      const logins = loginsFor(database, repository.organization);
      const walk = { include: [start.id], skip: Math.max(0, Math.trunc(Number(skip))), limit, withPaths: false, logins };
      const { commits, hasMore } = await listCommits({ git, repository: repository.id, ...walk });
      if (hasMore) nextLink(request, reply, encodeCursor([start.id, walk.skip + commits.length]));
      const urls = urlsOf(repository, server.publicUrl(request));
      return { commits: commits.map((commit) => commitBody(commit, urls.commit(commit.id))) };
    },
  );
  server.get(
    '/v1/repositories/:name/commits/:revision',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'Show a commit',
        description: 'One commit with the paths it changed, and the push that brought it.',
        tags,
        params: Type.Object({
          ...params.properties,
          revision: Type.String({ description: 'Branch, tag, whole ref or whole id, percent-encoded.' }),
        }),
        response: { 200: CommitInFull },
      },
    },
    async (request) => {
      const repository = await repositoryHere(deps, request.caller, request.params.name);
      const commit = await commitNamed({ database, git, repository, revision: request.params.revision });
      if (commit === null) throw unknownRevision();
      const url = urlsOf(repository, server.publicUrl(request)).commit(commit.id);
      const { added, removed, modified } = commit;
      const push = await pushOfCommit({ read: database.read, repository: repository.id, sha: commit.id });
      return { ...commitBody(commit, url), added: [...added], removed: [...removed], modified: [...modified], push };
    },
  );
}

function unknownRevision(): Error {
  return notFound('unknown_revision', 'The repository has no such commit, branch or tag.');
}

function pushesRoute(server: HttpServer, deps: RefRoutesDeps): void {
  server.get(
    '/v1/repositories/:name/pushes',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'List pushes',
        description: 'Each branch and tag that moved, newest first.',
        tags,
        params,
        querystring: Type.Object({ ...pageParameters, ref: Type.Optional(Type.String({ description: 'This one alone, named whole.' })) }),
        response: { 200: Type.Object({ pushes: Type.Array(PushBody) }) },
      },
    },
    async (request, reply) => {
      const { read } = deps.database;
      const { id: repository, organization } = await callersRepository({ read, caller: request.caller, name: request.params.name });
      const { limit = pageLimitDefault, cursor, ref = null } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const pushes = await listPushes({ read, organization, repository, ref, limit: limit + 1, after });
      const last = pushes[limit - 1];
      if (pushes.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      return {
        pushes: pushes.slice(0, limit).map(({ created, pusher: { login, name }, ...push }) => ({
          ...push,
          pusher: { login, name },
          created: timestampText(created),
        })),
      };
    },
  );
}
