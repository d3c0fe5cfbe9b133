import type { Static } from 'typebox';
import { Type } from 'typebox';
import { GatepostError, invalid } from '../../errors.ts';
import type { Caller } from '../../http/caller.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../../http/paging.ts';
import { checkedName } from '../../organizations/organization.ts';
import { callersProject } from '../../projects/store.ts';
import { cancelPending } from '../delivery/upkeep.ts';
import { dialectDefault, dialectOf, requireEventsOfDialect } from '../dialects/all.ts';
import { checkedRefFilter } from '../ref-filter/ref-filter.ts';
import { generateSecret } from '../signing/secret.ts';
import { checkedSending, checkedUrl } from './given.ts';
import { checkedHookId } from './hook-id.ts';
import { checkedQuery, queryPlaceholder } from './query.ts';
import { noRepositories, requireEventsOfRepository } from './repositories.ts';
import { rotateSecret, updateWebhook } from './change.ts';
import {
  ChangedWebhook,
  ChangedWebhookBody,
  NewSecret,
  NewWebhook,
  WebhookBody,
  WebhookWithSecret,
  changedBody,
  webhookBody,
} from './schema.ts';
import { pingAbout, insertPing } from './ping.ts';
import { testRoute } from './test-routes.ts';
import type { WebhookRoutesDeps } from './routes-deps.ts';
import { of, params, tags } from './routes-deps.ts';
import { deleteWebhook, insertWebhook, listWebhooks, readWebhook } from './store.ts';
import { checkedSecret, overlapDefault, parseOverlap } from './webhook.ts';

export function webhookRoutes(server: HttpServer, deps: WebhookRoutesDeps): void {
  readRoutes(server, deps);
  createRoute(server, deps);
  changeRoutes(server, deps);
  secretRoute(server, deps);
  testRoute(server, deps);
}

function readRoutes(server: HttpServer, { database, sealer }: WebhookRoutesDeps): void {
  server.get(
    '/v1/webhooks',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List webhooks',
        description: 'All webhooks that the token may see, oldest first. Secrets are never shown.',
        tags,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ webhooks: Type.Array(WebhookBody) }) },
      },
    },
    async (request, reply) => {
      const { limit = pageLimitDefault, cursor } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const webhooks = await listWebhooks({ ...of(request.caller), read: database.read, sealer, limit: limit + 1, after });
      const last = webhooks[limit - 1];
      if (webhooks.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      return { webhooks: webhooks.slice(0, limit).map(webhookBody) };
    },
  );
  server.get(
    '/v1/webhooks/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'Show a webhook', description: 'One webhook, without its secret.', tags, params, response: { 200: WebhookBody } },
    },
    async (request) => webhookBody(await readWebhook({ ...of(request.caller), read: database.read, sealer, webhook: request.params.id })),
  );
}

function createRoute(server: HttpServer, deps: WebhookRoutesDeps): void {
  const { database, sealer, ids, clock, repositories = noRepositories } = deps;
  server.post(
    '/v1/webhooks',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Make a webhook',
        description:
          'From now on it gets the events it names. The answer holds the secret, which is shown here and never again. In the dialect `github` it is told so at once, by a `ping` that is tried once.',
        tags,
        body: NewWebhook,
        response: { 201: WebhookWithSecret },
      },
    },
    async (request, reply) => {
      const { caller, body } = request;
      const given = await checkedNew(deps, caller, body);
      const serverUrl = server.publicUrl(request);
      const { organization } = caller;
      const repository = given.repository?.id ?? null;
      const about = await pingAbout({ database, caller, dialect: given.dialect, repository, repositories, serverUrl });
      const webhook = await database.write(async (tx) => {
        const made = await insertWebhook({ ...given, tx, sealer, ids, clock });
        if (about !== null) await insertPing({ tx, organization, webhook: made, about, ids, clock });
        return made;
      });
      if (about !== null) deps.wake(webhook.id);
      reply.code(201).header('location', `${serverUrl}/v1/webhooks/${webhook.id}`).header('cache-control', 'no-store');
      return { ...webhookBody(webhook), secret: given.secret };
    },
  );
}

/** What a new webhook is to be, checked. */
async function checkedNew(deps: WebhookRoutesDeps, caller: Caller, body: Static<typeof NewWebhook>) {
  const { guard, dialectsMax = {} } = deps;
  const { organization, actor } = of(caller);
  const { events, dialect = dialectDefault, hookId } = body;
  const scope = await scopeOf(deps, caller, body.scope);
  requireEventsOfDialect(dialect, events);
  if (scope.repository !== null) requireEventsOfRepository(events);
  if (hookId !== undefined && scope.repository === null) {
    throw invalid('hook_id_without_repository', 'A hook ID names a webhook in its repository: this one is for none.', { field: 'hookId' });
  }
  const dialectMax = dialectsMax[dialect];
  return {
    organization,
    ...scope,
    ...(hookId === undefined ? {} : { hookId: checkedHookId(hookId) }),
    name: checkedName(body.name),
    url: await checkedUrl(guard, body.url),
    urlText: body.url,
    sensitiveQuery: checkedQuery(body.sensitiveQuery ?? ''),
    refFilter: checkedRefFilter(body.refFilter ?? ''),
    events,
    dialect,
    secret: secretOf(body.secret, dialect),
    sending: await checkedSending(guard, body),
    ...(dialectMax === undefined ? {} : { dialectMax }),
    actor,
  };
}

/** One is made where none is named. Fails with `secret_missing` where there shall be none and the dialect always signs, and as `checkedSecret` does. */
function secretOf(given: string | null | undefined, dialect: string): string | null {
  if (given === undefined) return generateSecret();
  if (given !== null) return checkedSecret(given);
  if (dialectOf(dialect).secretOptional) return null;
  throw invalid('secret_missing', `Webhooks of the dialect ${dialect} are always signed: they have a secret.`, { field: 'secret' });
}

/** Whose events a new webhook gets. A token for one project makes webhooks for it and its repositories, and for nothing else. */
async function scopeOf(
  { database, repositories = noRepositories }: WebhookRoutesDeps,
  caller: Caller,
  scope: Static<typeof NewWebhook>['scope'],
) {
  if (scope !== undefined && scope !== 'organization') {
    if ('repository' in scope) return { project: null, repository: await repositories.named({ caller, name: scope.repository }) };
    return { project: await callersProject({ read: database.read, caller, key: scope.project }), repository: null };
  }
  if (caller.project === null) return { project: null, repository: null };
  throw new GatepostError('forbidden', 'project_token', 'This token is for one project: name it in `scope`.');
}

function changeRoutes(server: HttpServer, { database, sealer, guard, clock, ids, wake }: WebhookRoutesDeps): void {
  server.patch(
    '/v1/webhooks/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a webhook',
        description:
          'What is not named stays as it is. A masked URL, proxy or sensitive query string as it was shown counts as not named. Where it is switched on, the answer says since when nothing was made for it: a replay from there brings what it missed.',
        tags,
        params,
        body: ChangedWebhook,
        response: { 200: ChangedWebhookBody },
      },
    },
    async (request) => {
      const who = of(request.caller);
      const { name, url, sensitiveQuery, refFilter, events, active, proxy, ...rest } = request.body;
      const webhook = await readWebhook({ ...who, read: database.read, sealer, webhook: request.params.id });
      if (events !== undefined) requireEventsOfDialect(webhook.dialect, events);
      if (events !== undefined && webhook.repository !== null) requireEventsOfRepository(events);
      const newUrl = url === undefined || url === webhook.url ? undefined : await checkedUrl(guard, url);
      const change = {
        ...(name === undefined ? {} : { name: checkedName(name) }),
        ...(newUrl === undefined ? {} : { url: newUrl }),
        ...(sensitiveQuery === undefined || sensitiveQuery === queryPlaceholder
          ? {}
          : { sensitiveQuery: checkedQuery(sensitiveQuery ?? '') }),
        ...(refFilter === undefined ? {} : { refFilter: checkedRefFilter(refFilter ?? '') }),
        ...(events === undefined ? {} : { events }),
        ...(active === undefined ? {} : { active }),
        ...(await checkedSending(guard, { ...rest, ...(proxy === undefined || proxy === webhook.sending.proxy ? {} : { proxy }) })),
      };
      const written = newUrl === undefined || url === undefined ? {} : { urlText: url };
      const changed = await database.write((tx) =>
        updateWebhook({ ...who, ...written, tx, webhook: webhook.id, change, sealer, ids, clock }),
      );
      // What rests because it failed is tried at once: it may be what was changed that made it fail.
      wake(webhook.id);
      return changedBody(changed);
    },
  );
  server.delete(
    '/v1/webhooks/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a webhook',
        description: 'What waits for it is cancelled; its deliveries stay as a log until they are purged.',
        tags,
        params,
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const who = of(request.caller);
      const webhook = request.params.id;
      await database.write(async (tx) => {
        await deleteWebhook({ ...who, tx, webhook, sealer, ids, clock });
        // The rest of a large backlog is cancelled by the upkeep.
        await cancelPending({ tx, organization: who.organization, webhook, now: clock.now() });
      });
      wake(webhook);
      return reply.code(204).send(null);
    },
  );
}

function secretRoute(server: HttpServer, { database, sealer, clock, ids, wake }: WebhookRoutesDeps): void {
  server.post(
    '/v1/webhooks/:id/secret',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change the secret',
        description:
          'Until the overlap ends both secrets sign: `webhook-signature` has two values, `x-gatepost-signature-256` is made with the old secret and `x-gatepost-signature-256-next` with the new one. `null` takes the secret away at once, where the dialect sends unsigned. The answer holds the new secret, which is shown here and never again.',
        tags,
        params,
        body: NewSecret,
        response: { 202: WebhookWithSecret },
      },
    },
    async (request, reply) => {
      const who = of(request.caller);
      const { dialect, id } = await readWebhook({ ...who, read: database.read, sealer, webhook: request.params.id });
      const secret = secretOf(request.body?.secret, dialect);
      const overlapMs = parseOverlap(request.body?.overlap ?? (secret === null ? '0s' : overlapDefault));
      if (secret === null && overlapMs > 0) {
        throw invalid('invalid_overlap', 'Without a secret nothing is signed: there is no overlap.', { field: 'overlap' });
      }
      const webhook = await database.write((tx) => rotateSecret({ ...who, tx, webhook: id, secret, overlapMs, sealer, ids, clock }));
      // What waits in memory is signed with what is in the row from now on.
      wake(webhook.id);
      reply
        .code(202)
        .header('location', `${server.publicUrl(request)}/v1/webhooks/${webhook.id}`)
        .header('cache-control', 'no-store');
      return { ...webhookBody(webhook), secret };
    },
  );
}
