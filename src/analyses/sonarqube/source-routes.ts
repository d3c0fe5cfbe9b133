import { Type } from 'typebox';
import type { Clock } from '../../clock.ts';
import { GatepostError, invalid } from '../../errors.ts';
import type { Caller } from '../../http/caller.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../../http/paging.ts';
import type { Identifiers } from '../../identifiers.ts';
import { checkedName } from '../../organizations/organization.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import type { SourceGuard } from './client/address.ts';
import type { Source, SourceSettings } from './source.ts';
import {
  checkedProjectFilters,
  checkedSourceSecret,
  checkedSourceToken,
  checkedSourceUrl,
  generateSourceSecret,
  ingestPath,
  overlapDefault,
  parseSourceOverlap,
  settingsDefault,
} from './source.ts';
import { deleteSource, rotateSourceSecret, updateSource } from './source-change.ts';
import { ChangedSource, NewSource, NewSourceSecret, SourceBody, SourceWithSecret, sourceBody } from './source-schema.ts';
import type { OneSource } from './source-store.ts';
import { insertSource, listSources, readSource } from './source-store.ts';

export interface SourceRoutesDeps {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly guard: Pick<SourceGuard, 'refuses'>;
  readonly checkedAuthorities: (pem: string) => string;
  /** This source was made, changed or deleted here: called after the commit. */
  readonly changed: (one: OneSource) => void;
  /** Makes the webhook over there that sends to this URL. Answers the source as it is then, be it with a state that says what went wrong. */
  readonly makeWebhook: (source: Source, ingestUrl: string) => Promise<Source>;
}

const tags = ['Sources'];
const params = Type.Object({ id: Type.String() });

export function sourceRoutes(server: HttpServer, deps: SourceRoutesDeps): void {
  readRoutes(server, deps);
  createRoute(server, deps);
  changeRoutes(server, deps);
  secretRoute(server, deps);
}

/** Who calls, as the stores need it. Sources are the organization's: a token for one project neither sees nor changes them. */
export function sourcesOf({ organization, token, project }: Caller) {
  if (project === null) return { organization, actor: `token:${token}` as const };
  throw new GatepostError('forbidden', 'project_token', 'This token is for one project; sources are the organization’s.');
}

function readRoutes(server: HttpServer, { database }: SourceRoutesDeps): void {
  server.get(
    '/v1/sources',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List sources',
        description: 'The SonarQube servers that tell this organization of analyses, oldest first. Tokens and secrets are never shown.',
        tags,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ sources: Type.Array(SourceBody) }) },
      },
    },
    async (request, reply) => {
      const { limit = pageLimitDefault, cursor } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const { organization } = sourcesOf(request.caller);
      const sources = await listSources({ read: database.read, organization, limit: limit + 1, after });
      const last = sources[limit - 1];
      if (sources.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      const base = server.publicUrl(request);
      return { sources: sources.slice(0, limit).map((source) => sourceBody(source, base + ingestPath(source.id))) };
    },
  );
  server.get(
    '/v1/sources/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Show a source',
        description: 'One source with its state, without its token and secret.',
        tags,
        params,
        response: { 200: SourceBody },
      },
    },
    async (request) => {
      const { organization } = sourcesOf(request.caller);
      const source = await readSource({ read: database.read, organization, source: request.params.id });
      return sourceBody(source, server.publicUrl(request) + ingestPath(source.id));
    },
  );
}

function createRoute(server: HttpServer, deps: SourceRoutesDeps): void {
  const { database, sealer, clock, ids, changed, makeWebhook } = deps;
  server.post(
    '/v1/sources',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Connect a SonarQube',
        description:
          'From now on its webhooks are taken in at `ingestUrl`, signed with `secret`, which is shown here and never again. Where Gatepost was asked to make the webhook itself and could not, the source stands nevertheless, and `state` says why.',
        tags,
        body: NewSource,
        response: { 201: SourceWithSecret },
      },
    },
    async (request, reply) => {
      const { organization, actor } = sourcesOf(request.caller);
      const { body } = request;
      const given = {
        name: checkedName(body.name),
        url: checkedAddress(deps, body.url),
        token: checkedSourceToken(body.token),
        secret: body.secret === undefined ? generateSourceSecret() : checkedSourceSecret(body.secret),
        ca: checkedCa(deps, body.ca ?? null),
        settings: { ...settingsDefault, ...settingsOf(body) },
      };
      const made = await database.write((tx) => insertSource({ tx, organization, given, actor, sealer, ids, clock }));
      changed({ organization, source: made.id });
      const base = server.publicUrl(request);
      const ingestUrl = base + ingestPath(made.id);
      const source = body.webhook === 'create' ? await makeWebhook(made, ingestUrl) : made;
      reply.code(201).header('location', `${base}/v1/sources/${source.id}`).header('cache-control', 'no-store');
      return { ...sourceBody(source, ingestUrl), secret: given.secret };
    },
  );
}

/** The URL if it keeps the rules and its address may be spoken to. Fails with `invalid_url` and `address_refused`. */
function checkedAddress({ guard }: SourceRoutesDeps, text: string): string {
  const url = checkedSourceUrl(text);
  const reason = guard.refuses(new URL(url));
  if (reason === null) return url;
  throw invalid('address_refused', 'A source may not be at that address. The operator can allow addresses by GATEPOST_SOURCES_ALLOW.', {
    field: 'url',
    reason,
  });
}

function checkedCa({ checkedAuthorities }: SourceRoutesDeps, pem: string | null): string | null {
  return pem === null ? null : checkedAuthorities(pem);
}

function settingsOf({ versionFrom, projects }: Partial<SourceSettings>): Partial<SourceSettings> {
  return {
    ...(versionFrom === undefined ? {} : { versionFrom }),
    ...(projects === undefined ? {} : { projects: checkedProjectFilters(projects) }),
  };
}

function changeRoutes(server: HttpServer, deps: SourceRoutesDeps): void {
  const { database, sealer, clock, ids, changed } = deps;
  server.patch(
    '/v1/sources/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a source',
        description:
          'What is not named stays as it is. Another `url` needs the `token` again. Where URL, token or authority change, the source counts as unchecked.',
        tags,
        params,
        body: ChangedSource,
        response: { 200: SourceBody },
      },
    },
    async (request) => {
      const who = sourcesOf(request.caller);
      const { name, url, token, ca, ...settings } = request.body;
      const change = {
        ...(name === undefined ? {} : { name: checkedName(name) }),
        ...(url === undefined ? {} : { url: checkedAddress(deps, url) }),
        ...(token === undefined ? {} : { token: checkedSourceToken(token) }),
        ...(ca === undefined ? {} : { ca: checkedCa(deps, ca) }),
        settings: settingsOf(settings),
      };
      const source = request.params.id;
      const after = await database.write((tx) => updateSource({ ...who, tx, source, change, sealer, ids, clock }));
      changed({ organization: who.organization, source });
      return sourceBody(after, server.publicUrl(request) + ingestPath(source));
    },
  );
  server.delete(
    '/v1/sources/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a source',
        description:
          'Its webhooks are taken in no more; those made over there are not removed there. What came of it stays: analyses, reports, events.',
        tags,
        params,
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const who = sourcesOf(request.caller);
      const source = request.params.id;
      await database.write((tx) => deleteSource({ ...who, tx, source, sealer, ids, clock }));
      changed({ organization: who.organization, source });
      return reply.code(204).send(null);
    },
  );
}

function secretRoute(server: HttpServer, { database, sealer, clock, ids, changed }: SourceRoutesDeps): void {
  server.post(
    '/v1/sources/:id/secret',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a source’s secret',
        description:
          'Until the overlap ends what is signed with either secret is taken in, so that the webhook over there can be changed meanwhile. The answer holds the new secret, which is shown here and never again.',
        tags,
        params,
        body: NewSourceSecret,
        response: { 202: SourceWithSecret },
      },
    },
    async (request, reply) => {
      const who = sourcesOf(request.caller);
      const given = request.body?.secret;
      const secret = given === undefined ? generateSourceSecret() : checkedSourceSecret(given);
      const overlapMs = parseSourceOverlap(request.body?.overlap ?? overlapDefault);
      const source = request.params.id;
      const after = await database.write((tx) => rotateSourceSecret({ ...who, tx, source, secret, overlapMs, sealer, ids, clock }));
      changed({ organization: who.organization, source });
      const base = server.publicUrl(request);
      reply.code(202).header('location', `${base}/v1/sources/${source}`).header('cache-control', 'no-store');
      return { ...sourceBody(after, base + ingestPath(source)), secret };
    },
  );
}
