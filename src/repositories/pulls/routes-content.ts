import { Type } from 'typebox';
import { allows } from '../../http/caller.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../../http/paging.ts';
import { repositoryUrls } from '../../events/git-urls.ts';
import { loginsOf } from '../../organizations/people.ts';
import { listCommits } from '../facts/commits.ts';
import { diffStat } from '../facts/diff.ts';
import type { Logins } from '../facts/facts.ts';
import { CommitBody, commitBody } from '../schema.ts';
import { addComment, deleteComment, editComment, listComments } from './comments.ts';
import { scopeOf } from './deps.ts';
import type { PullText } from './pulls.ts';
import type { NamedPull, PullRoutesDeps } from './routes.ts';
import { actorOf, pullOf } from './routes.ts';
import { CommentBody, commentBody, commentParams, FileBody, NewCommentBody, params, tags } from './schema.ts';
import { pullDiff, pullPatch } from './text.ts';

/** What a pull request holds: commits, files, its text, comments. */
export function contentRoutes(server: HttpServer, deps: PullRoutesDeps): void {
  commitsRoute(server, deps);
  filesRoute(server, deps);
  textRoute(server, deps, 'diff');
  textRoute(server, deps, 'patch');
  commentRoutes(server, deps);
  ownCommentRoutes(server, deps);
}

function commitsRoute(server: HttpServer, deps: PullRoutesDeps): void {
  server.get(
    '/v1/repositories/:name/pulls/:number/commits',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'List the commits of a pull request',
        description: 'What its head has and its merge base has not, newest first.',
        tags,
        params,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ commits: Type.Array(CommitBody) }) },
      },
    },
    async (request, reply) => {
      const { repository, pull } = await pullOf(deps, request.caller, request.params);
      const { limit = pageLimitDefault, cursor } = request.query;
      const [tip, from] = cursor === undefined ? [pull.headSha, 0] : decodeCursor(cursor, 2);
      const skip = Math.max(0, Math.floor(Number(from)));
      // The walk that a page goes on with is the one that was begun, also where the head has moved since.
      const include = [/^[0-9a-f]{40}$/.test(String(tip)) ? String(tip) : pull.headSha];
      const logins: Logins = (emails) => loginsOf({ read: deps.database.read, organization: repository.organization, emails });
      const walk = { git: deps.git, repository: repository.id, include, exclude: [pull.mergeBase], limit, skip, withPaths: false, logins };
      const { commits, hasMore } = await listCommits(walk);
      if (hasMore) nextLink(request, reply, encodeCursor([include[0] ?? pull.headSha, skip + limit]));
      const urls = repositoryUrls({ serverUrl: deps.publicUrl(), slug: repository.slug, name: repository.name });
      return { commits: commits.map((commit) => commitBody(commit, urls.commit(commit.id))) };
    },
  );
}

function filesRoute(server: HttpServer, deps: PullRoutesDeps): void {
  server.get(
    '/v1/repositories/:name/pulls/:number/files',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'List the files that a pull request changes',
        description: 'Against its merge base.',
        tags,
        params,
        response: {
          200: Type.Object({
            files: Type.Array(FileBody),
            isCut: Type.Boolean({ description: 'There are more than are listed.' }),
          }),
        },
      },
    },
    async (request) => {
      const { repository, pull } = await pullOf(deps, request.caller, request.params);
      const stat = await diffStat({ git: deps.git, repository: repository.id, from: pull.mergeBase, to: pull.headSha });
      return { files: [...stat.files], isCut: stat.areFilesCut };
    },
  );
}

const texts = {
  diff: { summary: 'Show what a pull request changes', description: 'One diff against its merge base, as `git apply` takes it.' },
  patch: {
    summary: 'Show the commits of a pull request as mails',
    description: 'Oldest first, as `git am` takes them; merges are left out.',
  },
} as const;

function textRoute(server: HttpServer, deps: PullRoutesDeps, kind: 'diff' | 'patch'): void {
  server.get(
    `/v1/repositories/:name/pulls/:number/${kind}`,
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: texts[kind].summary,
        description: `${texts[kind].description} The header \`X-Cut: true\` says that it is only the beginning.`,
        tags,
        params,
        produces: ['text/plain'],
      },
    },
    async (request, reply) => {
      const named = await pullOf(deps, request.caller, request.params);
      const { text, isCut } = await textOf(deps, named, kind);
      if (isCut) reply.header('x-cut', 'true');
      return reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff').send(text);
    },
  );
}

function textOf({ git }: PullRoutesDeps, named: NamedPull, kind: 'diff' | 'patch'): Promise<PullText> {
  return kind === 'diff' ? pullDiff({ git, ...named }) : pullPatch({ git, ...named });
}

function commentRoutes(server: HttpServer, deps: PullRoutesDeps): void {
  server.get(
    '/v1/repositories/:name/pulls/:number/comments',
    {
      config: { scope: 'repository:read' },
      schema: {
        summary: 'List the comments of a pull request',
        description: 'Oldest first.',
        tags,
        params,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ comments: Type.Array(CommentBody) }) },
      },
    },
    async (request, reply) => {
      const { repository, pull } = await pullOf(deps, request.caller, request.params);
      const { limit = pageLimitDefault, cursor } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const scope = { read: deps.database.read, ...scopeOf(repository) };
      const comments = await listComments({ ...scope, pull: pull.id, limit: limit + 1, after });
      const last = comments[limit - 1];
      if (comments.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      return { comments: comments.slice(0, limit).map(commentBody) };
    },
  );
  server.post(
    '/v1/repositories/:name/pulls/:number/comments',
    {
      config: { scope: 'repository:write' },
      schema: {
        summary: 'Comment on a pull request',
        description: 'Be it open or not. It is an event `pull_request_comment`.',
        tags,
        params,
        body: NewCommentBody,
        response: { 201: CommentBody },
      },
    },
    async (request, reply) => {
      const named = await pullOf(deps, request.caller, request.params);
      const actor = await actorOf(deps, request.caller);
      return reply.code(201).send(commentBody(await addComment(deps, { ...named, actor, body: request.body.body })));
    },
  );
}

function ownCommentRoutes(server: HttpServer, deps: PullRoutesDeps): void {
  server.patch(
    '/v1/repositories/:name/pulls/:number/comments/:comment',
    {
      config: { scope: 'repository:write' },
      schema: {
        summary: 'Change a comment',
        description: 'Who wrote it may, and a token with `admin`. It is an event.',
        tags,
        params: commentParams,
        body: NewCommentBody,
        response: { 200: CommentBody },
      },
    },
    async (request) => {
      const named = await pullOf(deps, request.caller, request.params);
      const actor = await actorOf(deps, request.caller);
      const isAdmin = allows(request.caller.scopes, 'admin');
      const by = `token:${request.caller.token}` as const;
      const { comment } = request.params;
      return commentBody(await editComment(deps, { ...named, actor, comment, isAdmin, by, body: request.body.body }));
    },
  );
  server.delete(
    '/v1/repositories/:name/pulls/:number/comments/:comment',
    {
      config: { scope: 'repository:write' },
      schema: {
        summary: 'Delete a comment',
        description: 'Who wrote it may, and a token with `admin`. It is an event.',
        tags,
        params: commentParams,
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const named = await pullOf(deps, request.caller, request.params);
      const actor = await actorOf(deps, request.caller);
      const isAdmin = allows(request.caller.scopes, 'admin');
      const by = `token:${request.caller.token}` as const;
      await deleteComment(deps, { ...named, actor, comment: request.params.comment, isAdmin, by });
      return reply.code(204).send(null);
    },
  );
}
