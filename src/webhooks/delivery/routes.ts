import { Type } from 'typebox';
import type { Clock } from '../../clock.ts';
import { invalid } from '../../errors.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../../http/paging.ts';
import type { Database } from '../../storage/database/database.ts';
import { parseTimestamp } from '../../timestamps.ts';
import { resend, unknownDelivery } from './resend.ts';
import { attemptBody, DeliveryBody, deliveryBody, DeliveryWithAttempts, StateName } from './schema.ts';
import { listAttempts, listDeliveries, readBody, readDelivery } from './store.ts';

export interface DeliveryRoutesDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** How long a delivery that is asked for again is retried. */
  readonly retryForMs: number;
  /** A person asked for something of this webhook: called after the commit. */
  readonly wake: (webhook: string) => void;
}

const tags = ['Deliveries'];
const params = Type.Object({ id: Type.String() });

export function deliveryRoutes(server: HttpServer, deps: DeliveryRoutesDeps): void {
  listRoute(server, deps);
  readRoute(server, deps);
  resendRoute(server, deps);
}

function listRoute(server: HttpServer, { database }: DeliveryRoutesDeps): void {
  server.get(
    '/v1/deliveries',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List deliveries',
        description: 'What was promised to webhooks and what became of it, newest first.',
        tags,
        querystring: Type.Object({
          webhook: Type.Optional(Type.String({ description: 'Only to this webhook.' })),
          state: Type.Optional(StateName),
          event: Type.Optional(Type.String({ description: 'Only of this event, by its id, or of this kind: `report.ingested`.' })),
          since: Type.Optional(Type.String({ description: 'Only those made at this time or later, RFC 3339.' })),
          ...pageParameters,
        }),
        response: { 200: Type.Object({ deliveries: Type.Array(DeliveryBody) }) },
      },
    },
    async (request, reply) => {
      const { webhook, state, event, since, limit = pageLimitDefault, cursor } = request.query;
      const { organization, project } = request.caller;
      const deliveries = await listDeliveries({
        read: database.read,
        organization,
        onlyProject: project,
        webhook,
        state,
        event,
        since: since === undefined ? undefined : sinceMs(since),
        limit: limit + 1,
        after: cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]),
      });
      const last = deliveries[limit - 1];
      if (deliveries.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      return { deliveries: deliveries.slice(0, limit).map(deliveryBody) };
    },
  );
}

/** A plus sign in a query is a blank unless it is encoded, and nobody encodes it. */
function sinceMs(text: string): number {
  const time = parseTimestamp(text) ?? parseTimestamp(text.replace(/ (\d\d:?\d\d)$/, '+$1'));
  if (time === null) throw invalid('invalid_since', 'since must be a time as RFC 3339 writes it.', { parameter: 'since' });
  return time.ms;
}

function readRoute(server: HttpServer, { database }: DeliveryRoutesDeps): void {
  server.get(
    '/v1/deliveries/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Show a delivery',
        description: 'One delivery with its attempts: request, response, duration, error. Signatures and credentials are masked.',
        tags,
        params,
        response: { 200: DeliveryWithAttempts },
      },
    },
    async (request) => {
      const { organization, project } = request.caller;
      const read = database.read;
      const delivery = await readDelivery({ read, organization, onlyProject: project, delivery: request.params.id });
      if (delivery === null) throw unknownDelivery();
      const attempts = await listAttempts({ read, organization, delivery: delivery.id });
      const body = await readBody({ read, organization, delivery });
      return { ...deliveryBody(delivery), body, attempts: attempts.map(attemptBody) };
    },
  );
}

function resendRoute(server: HttpServer, { database, clock, retryForMs, wake }: DeliveryRoutesDeps): void {
  server.post(
    '/v1/deliveries/:id/resend',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Send again',
        description:
          'A new attempt under the same id, whatever became of the delivery so far; where one is under way, another follows it. It is retried as a new delivery is.',
        tags,
        params,
        response: { 202: DeliveryBody },
      },
    },
    async (request, reply) => {
      const { organization, project } = request.caller;
      const seen = await readDelivery({ read: database.read, organization, onlyProject: project, delivery: request.params.id });
      if (seen === null) throw unknownDelivery();
      await database.write((tx) => resend({ tx, organization, delivery: seen.id, clock, retryForMs }));
      const delivery = (await readDelivery({ read: database.read, organization, onlyProject: project, delivery: seen.id })) ?? seen;
      wake(seen.webhook);
      reply.code(202).header('location', `${server.publicUrl(request)}/v1/deliveries/${delivery.id}`);
      return deliveryBody(delivery);
    },
  );
}
