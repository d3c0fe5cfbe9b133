import { Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { timestampText } from '../clock.ts';
import { notFound } from '../errors.ts';
import type { Scope } from '../http/caller.ts';
import { scopes } from '../http/caller.ts';
import type { HttpServer } from '../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../http/paging.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Database } from '../storage/database/database.ts';
import { listAudit } from './audit.ts';
import { requireWholeOrganization } from './routes.ts';
import { changeToken, createToken, listTokens, revokeToken } from './tokens.ts';

export interface TokenRoutesDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** The id of the organization's project with this key. Fails with `unknown_project`. Handed in, since projects stand above. */
  readonly projectId: (options: { readonly organization: string; readonly key: string }) => Promise<string>;
}

const ScopeName = Type.Union(
  scopes.map((scope) => Type.Literal(scope)),
  { description: '`ingest` takes in analyses and reports; `admin` includes all others.' },
);
const Email = Type.Union([Type.String(), Type.Null()], {
  description:
    'Mail address of whoever uses it: the login that pushes are shown under, and what commits are told apart by; null: its name.',
});
const TokenBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  tail: Type.String({ description: 'Its last four characters.' }),
  scopes: Type.Array(Type.String()),
  project: Type.Union([Type.String(), Type.Null()], { description: 'The key of the one project it is for; null: all.' }),
  email: Email,
  created: Type.String({ format: 'date-time' }),
  lastUsed: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description: 'To the minute.' }),
});
const tags = ['Organization'];

export function tokenRoutes(server: HttpServer, deps: TokenRoutesDeps): void {
  listRoute(server, deps);
  createRoute(server, deps);
  changeRoute(server, deps);
  revokeRoute(server, deps);
  auditRoute(server, deps);
}

function listRoute(server: HttpServer, { database }: TokenRoutesDeps): void {
  server.get(
    '/v1/tokens',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'List tokens',
        description: 'The tokens that are in force, newest first. Their text is shown once, when they are made.',
        tags,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ tokens: Type.Array(TokenBody) }) },
      },
    },
    async (request, reply) => {
      requireWholeOrganization(request.caller);
      const { limit = pageLimitDefault, cursor } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const tokens = await listTokens({ read: database.read, organization: request.caller.organization, limit: limit + 1, after });
      const last = tokens[limit - 1];
      if (tokens.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      return {
        tokens: tokens.slice(0, limit).map((token) => ({
          ...token,
          scopes: [...token.scopes],
          created: timestampText(token.created),
          lastUsed: token.lastUsed === null ? null : timestampText(token.lastUsed),
        })),
      };
    },
  );
}

function createRoute(server: HttpServer, { database, clock, ids, projectId }: TokenRoutesDeps): void {
  server.post(
    '/v1/tokens',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Make a token',
        description: 'The answer shows the token; it is kept as its SHA-256 alone and never shown again.',
        tags,
        body: Type.Object(
          {
            name: Type.String({ description: 'What it is for.' }),
            scopes: Type.Array(ScopeName, { minItems: 1, maxItems: scopes.length }),
            project: Type.Optional(Type.String({ description: 'The key of the one project it is for.' })),
            email: Type.Optional(Email),
          },
          { additionalProperties: false },
        ),
        response: { 201: Type.Object({ id: Type.String(), token: Type.String(), scopes: Type.Array(Type.String()) }) },
      },
    },
    async (request, reply) => {
      requireWholeOrganization(request.caller);
      const { organization, token } = request.caller;
      const { name, project: key, email } = request.body;
      const wanted = request.body.scopes as readonly Scope[];
      const project = key === undefined ? null : await projectId({ organization, key });
      const created = await database.write((tx) =>
        createToken({
          tx,
          organization,
          name,
          scopes: wanted,
          project,
          ...(email === undefined ? {} : { email }),
          actor: `token:${token}`,
          ids,
          clock,
        }),
      );
      reply
        .code(201)
        .header('location', `${server.publicUrl(request)}/v1/tokens/${created.id}`)
        .header('cache-control', 'no-store');
      return { ...created, scopes: [...created.scopes] };
    },
  );
}

function changeRoute(server: HttpServer, { database, clock, ids }: TokenRoutesDeps): void {
  server.patch(
    '/v1/tokens/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a token',
        description: 'Changes its name or whose mail address it has. What is not named stays as it is; scopes and project never change.',
        tags,
        params: Type.Object({ id: Type.String() }),
        body: Type.Object({ name: Type.Optional(Type.String()), email: Type.Optional(Email) }, { additionalProperties: false }),
        response: { 204: Type.Null({ description: 'It is changed.' }) },
      },
    },
    async (request, reply) => {
      requireWholeOrganization(request.caller);
      const { organization, token: by } = request.caller;
      const { params, body: change } = request;
      const done = await database.write((tx) =>
        changeToken({ tx, organization, token: params.id, change, actor: `token:${by}`, ids, clock }),
      );
      if (!done) throw notFound('unknown_token', 'There is no such token in force.');
      return reply.code(204).send(null);
    },
  );
}

function revokeRoute(server: HttpServer, { database, clock, ids }: TokenRoutesDeps): void {
  server.delete(
    '/v1/tokens/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Revoke a token',
        description: 'Ends a token at once, the one that asks included.',
        tags,
        params: Type.Object({ id: Type.String() }),
        response: { 204: Type.Null({ description: 'It is revoked.' }) },
      },
    },
    async (request, reply) => {
      requireWholeOrganization(request.caller);
      const { organization, token } = request.caller;
      const done = await database.write((tx) =>
        revokeToken({ tx, organization, token: request.params.id, actor: `token:${token}`, ids, clock }),
      );
      if (!done) throw notFound('unknown_token', 'There is no such token in force.');
      return reply.code(204).send(null);
    },
  );
}

function auditRoute(server: HttpServer, { database }: TokenRoutesDeps): void {
  const Entry = Type.Object({
    id: Type.String(),
    at: Type.String({ format: 'date-time' }),
    actor: Type.String({ description: '`token:<id>`, `cli` or `system`.' }),
    action: Type.String({ description: 'Such as `project.deleted`.' }),
    subject: Type.String(),
    details: Type.Record(Type.String(), Type.Unknown()),
  });
  server.get(
    '/v1/audit',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Read the audit log',
        description: 'Every change of what belongs to the organization, newest first.',
        tags,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ entries: Type.Array(Entry) }) },
      },
    },
    async (request, reply) => {
      requireWholeOrganization(request.caller);
      const { limit = pageLimitDefault, cursor } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const entries = await listAudit({ read: database.read, organization: request.caller.organization, limit: limit + 1, after });
      const last = entries[limit - 1];
      if (entries.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      return { entries: entries.slice(0, limit).map((entry) => ({ ...entry, at: timestampText(entry.at) })) };
    },
  );
}
