import { Type } from 'typebox';
import { GatepostError } from '../../errors.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { requireOn } from '../delivery/resend.ts';
import { attemptBody, deliveryBody, TestedDelivery } from '../delivery/schema.ts';
import { insertOwnDelivery, parseWait, testedDelivery } from '../delivery/test-delivery.ts';
import type { WebhookRoutesDeps } from './routes-deps.ts';
import { of, params, tags } from './routes-deps.ts';
import { noRepositories } from './repositories.ts';
import { readWebhook } from './store.ts';
import { testEvent } from './test-event.ts';

export function testRoute(
  server: HttpServer,
  { database, sealer, clock, ids, repositories = noRepositories, wake }: WebhookRoutesDeps,
): void {
  server.post(
    '/v1/webhooks/:id/test',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Send a test event',
        description:
          'A delivery of an event `webhook.test` with an empty list of reports, in the dialect `sonarqube` with a made-up analysis, in those of the git side with what stands in a repository, goes the very way of every other, with the same address guard and signatures. It is tried once. `Location` names the delivery, whose attempt says what came of it; with `wait` the answer does. On the git side it tells of a push of the default branch, or of another branch or tag where the filter lets only that pass; where it asks for no pushes, or lets none pass, of the newest pull request or comment that it asks for. Where there is nothing that it would be told of, nothing is sent: 409 with `ref_filtered`, `no_repository` or `no_pull_request`.',
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
      const webhook = await readWebhook({ ...who, read: database.read, sealer, webhook: request.params.id });
      requireOn(webhook.active ? 1 : 0);
      const serverUrl = server.publicUrl(request);
      const event = await testEvent({ read: database.read, caller: request.caller, webhook, repositories, serverUrl, ids, clock });
      const id = await database.write(async (tx) => {
        // It may have been changed meanwhile.
        const now = await readWebhook({ ...who, read: tx, sealer, webhook: webhook.id });
        return insertOwnDelivery({ tx, webhook: now, event, ids });
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
