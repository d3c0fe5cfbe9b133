import { Type } from 'typebox';
import type { Clock } from '../../clock.ts';
import { GatepostError, invalid } from '../../errors.ts';
import type { Caller } from '../../http/caller.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../../http/paging.ts';
import type { Identifiers } from '../../identifiers.ts';
import { checkedName } from '../../organizations/organization.ts';
import { callersProject } from '../../projects/store.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Guard } from '../delivery/guard.ts';
import { attemptBody, deliveryBody, TestedDelivery } from '../delivery/schema.ts';
import { insertTestDelivery, parseWait, testedDelivery } from '../delivery/test-delivery.ts';
import { cancelPending } from '../delivery/upkeep.ts';
import { dialectDefault, dialectOf, requireEventsOfDialect } from '../dialects/all.ts';
import { generateSecret } from '../signing/secret.ts';
import { checkedSending, checkedUrl } from './given.ts';
import { rotateSecret, updateWebhook } from './change.ts';
import {
  ChangedWebhook,
  ChangedWebhookBody,
  MadeWebhook,
  NewSecret,
  NewWebhook,
  WebhookBody,
  WebhookWithSecret,
  changedBody,
  webhookBody,
} from './schema.ts';
import { deleteWebhook, insertWebhook, listWebhooks, readWebhook } from './store.ts';
import { checkedSecret, overlapDefault, parseOverlap } from './webhook.ts';

export interface WebhookRoutesDeps {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** How many webhooks of a dialect there may be for an organization and for each project, where that is less than of all. */
  readonly dialectsMax?: Readonly<Record<string, number>>;
  /** A person asked for something of this webhook: called after the commit. */
  readonly wake: (webhook: string) => void;
}

const tags = ['Webhooks'];
const params = Type.Object({ id: Type.String() });

export function webhookRoutes(server: HttpServer, deps: WebhookRoutesDeps): void {
  readRoutes(server, deps);
  createRoute(server, deps);
  changeRoutes(server, deps);
  secretRoute(server, deps);
  testRoute(server, deps);
}

/** What the stores need to know of a caller. A token for one project sees and changes that project's webhooks alone. */
function of({ organization, token, project }: Caller) {
  return { organization, onlyProject: project, actor: `token:${token}` as const };
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

function createRoute(server: HttpServer, { database, sealer, guard, clock, ids, dialectsMax = {} }: WebhookRoutesDeps): void {
  server.post(
    '/v1/webhooks',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Make a webhook',
        description: 'From now on it gets the events it names. The answer holds the secret, which is shown here and never again.',
        tags,
        body: NewWebhook,
        response: { 201: MadeWebhook },
      },
    },
    async (request, reply) => {
      const { caller, body } = request;
      const { organization, actor } = of(caller);
      const project = await projectOf(database, caller, body.scope);
      const { events, dialect = dialectDefault } = body;
      requireEventsOfDialect(dialect, events);
      const name = checkedName(body.name);
      const secret = secretOf(body.secret, dialect);
      const url = await checkedUrl(guard, body.url);
      const sending = await checkedSending(guard, body);
      const dialectMax = dialectsMax[dialect];
      const given = { organization, project, name, url, events, dialect, secret, sending, actor };
      const webhook = await database.write((tx) =>
        insertWebhook({ ...given, ...(dialectMax === undefined ? {} : { dialectMax }), tx, sealer, ids, clock }),
      );
      reply
        .code(201)
        .header('location', `${server.publicUrl(request)}/v1/webhooks/${webhook.id}`)
        .header('cache-control', 'no-store');
      return { ...webhookBody(webhook), secret };
    },
  );
}

/** One is made where none is named. Fails with `secret_missing` where there shall be none and the dialect always signs, and as `checkedSecret` does. */
function secretOf(given: string | null | undefined, dialect: string): string | null {
  if (given === undefined) return generateSecret();
  if (given !== null) return checkedSecret(given);
  if (dialectOf(dialect).secretOptional) return null;
  throw invalid('secret_missing', `Webhooks of the dialect ${dialect} are always signed: they have a secret.`, { field: 'secret' });
}

type Scope = 'organization' | { readonly project: string };

/** What a new webhook is for. A token for one project makes webhooks for it and for nothing else. */
async function projectOf(database: Database, caller: Caller, scope: Scope | undefined) {
  if (scope !== undefined && scope !== 'organization') return callersProject({ read: database.read, caller, key: scope.project });
  if (caller.project === null) return null;
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
          'What is not named stays as it is. A masked URL or proxy as it was shown counts as not named. Where it is switched on, the answer says since when nothing was made for it: a replay from there brings what it missed.',
        tags,
        params,
        body: ChangedWebhook,
        response: { 200: ChangedWebhookBody },
      },
    },
    async (request) => {
      const who = of(request.caller);
      const { name, url, events, active, proxy, ...rest } = request.body;
      const webhook = await readWebhook({ ...who, read: database.read, sealer, webhook: request.params.id });
      if (events !== undefined) requireEventsOfDialect(webhook.dialect, events);
      const newUrl = url === undefined || url === webhook.url ? undefined : await checkedUrl(guard, url);
      const change = {
        ...(name === undefined ? {} : { name: checkedName(name) }),
        ...(newUrl === undefined ? {} : { url: newUrl }),
        ...(events === undefined ? {} : { events }),
        ...(active === undefined ? {} : { active }),
        ...(await checkedSending(guard, { ...rest, ...(proxy === undefined || proxy === webhook.sending.proxy ? {} : { proxy }) })),
      };
      const changed = await database.write((tx) => updateWebhook({ ...who, tx, webhook: webhook.id, change, sealer, ids, clock }));
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
          'Until the overlap ends both secrets sign: `webhook-signature` has two values, `x-gatepost-signature-256` is made with the old secret and `x-gatepost-signature-256-next` with the new one. The answer holds the new secret, which is shown here and never again.',
        tags,
        params,
        body: NewSecret,
        response: { 202: WebhookWithSecret },
      },
    },
    async (request, reply) => {
      const given = request.body?.secret;
      const secret = given === undefined ? generateSecret() : checkedSecret(given);
      const overlapMs = parseOverlap(request.body?.overlap ?? overlapDefault);
      const webhook = await database.write((tx) =>
        rotateSecret({ ...of(request.caller), tx, webhook: request.params.id, secret, overlapMs, sealer, ids, clock }),
      );
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

function testRoute(server: HttpServer, { database, sealer, clock, ids, wake }: WebhookRoutesDeps): void {
  server.post(
    '/v1/webhooks/:id/test',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Send a test event',
        description:
          'A delivery of an event `webhook.test` with an empty list of reports, in the dialect `sonarqube` with a made-up analysis, goes the very way of every other, with the same address guard and signatures. It is tried once. `Location` names the delivery, whose attempt says what came of it; with `wait` the answer does.',
        tags,
        params,
        querystring: Type.Object({
          wait: Type.Optional(
            Type.String({ description: 'How long to wait for its end: `5s`, `500ms`, at most 15s. Left out: not at all.' }),
          ),
        }),
        response: { 202: TestedDelivery },
      },
    },
    async (request, reply) => {
      const who = of(request.caller);
      const waitMs = parseWait(request.query.wait);
      const id = await database.write(async (tx) => {
        const webhook = await readWebhook({ ...who, read: tx, sealer, webhook: request.params.id });
        const target = { ...webhook, project: webhook.project?.id ?? null };
        const serverUrl = server.publicUrl(request);
        return insertTestDelivery({
          tx,
          organization: who.organization,
          slug: request.caller.slug,
          serverUrl,
          webhook: target,
          ids,
          clock,
        });
      });
      wake(request.params.id);
      const left = new AbortController();
      reply.raw.once('close', () => left.abort());
      const { organization } = who;
      const tested = await testedDelivery({ read: database.read, organization, delivery: id, waitMs, signal: left.signal });
      if (tested === null) throw new GatepostError('conflict', 'webhook_gone', 'The webhook was deleted meanwhile.');
      reply.code(202).header('location', `${server.publicUrl(request)}/v1/deliveries/${id}`);
      return { ...deliveryBody(tested.delivery), attempts: tested.attempts.map(attemptBody) };
    },
  );
}
