import { Type } from 'typebox';
import { timestampText } from '../../clock.ts';
import type { HttpServer } from '../../http/http-server.ts';
import type { Database } from '../../storage/database/database.ts';
import { ingestPath } from './source.ts';
import { sourcesOf } from './source-routes.ts';
import { SourceBody, sourceBody } from './source-schema.ts';
import { readSource } from './source-store.ts';
import type { SourceWork } from './source-work.ts';

const tags = ['Sources'];
const params = Type.Object({ id: Type.String() });
const orNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const unknownOr = (description: string) => Type.Union([Type.Boolean(), Type.Null()], { description });

const Checked = Type.Object({
  source: SourceBody,
  check: Type.Object({
    reachable: Type.Boolean({ description: 'Something answered there.' }),
    version: orNull('The server’s version.'),
    edition: orNull('`community`, `developer`, `enterprise` or `datacenter`; null: it does not tell.'),
    mqr: Type.Union([Type.Boolean(), Type.Null()], { description: 'Whether it rates by software qualities (Multi-Quality Rule mode).' }),
    token: Type.Object({
      valid: unknownOr('The server knows it. Null, here and below: the server was not reached so far, or could not tell.'),
      browses: unknownOr('It may see projects: needed to fetch findings.'),
      administers: unknownOr('It may administer the server: needed to make the webhook over there.'),
      seesTasks: unknownOr('It may see background tasks, by which an analysis is known whichever way it came.'),
    }),
    projects: Type.Union([Type.Integer(), Type.Null()], { description: 'How many projects the token sees.' }),
    calls: Type.Array(Type.Object({ path: Type.String(), ok: Type.Boolean(), code: orNull('Stable.'), message: orNull('For people.') }), {
      description:
        'Calls of the Web API that are used here, and whether they are answered. One that is not, such as hotspots without the right for them, is told in the reports.',
    }),
    webhook: Type.Object({
      state: Type.Enum(['there', 'missing', 'unknown', 'refused'], {
        description: '`unknown`: the token may not see webhooks; `refused`: it was to be made and could not be, see `code`.',
      }),
      key: orNull('Its key over there.'),
      code: orNull('Stable, such as `source_webhook_limit`, `source_webhook_address`, `source_forbidden`.'),
      message: orNull('For people.'),
    }),
  }),
  paste: Type.Union(
    [
      Type.Object({
        name: Type.String(),
        url: Type.String(),
        secret: Type.String({ description: 'Where it is to be found: it was shown once and is not repeated.' }),
      }),
      Type.Null(),
    ],
    { description: 'What to put into a webhook over there by hand, where there is none; null: it is there.' },
  ),
});

export interface SourceWorkRoutesDeps {
  readonly database: Database;
  readonly work: Pick<SourceWork, 'check' | 'catchUp'>;
}

export function sourceWorkRoutes(server: HttpServer, deps: SourceWorkRoutesDeps): void {
  checkRoute(server, deps);
  catchUpRoute(server, deps);
}

function checkRoute(server: HttpServer, { database, work }: SourceWorkRoutesDeps): void {
  server.post(
    '/v1/sources/:id/check',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Check a source',
        description:
          'Asks the server over there what works: whether it answers, its version and edition, what the token may, which calls are answered, whether our webhook is there. What is wrong is in the answer, with the source’s new `state`. `createWebhook` makes the webhook over there, or sets right the one that is there (its secret too).',
        tags,
        params,
        body: Type.Union([Type.Object({ createWebhook: Type.Optional(Type.Boolean()) }, { additionalProperties: false }), Type.Null()], {
          description: 'May be left out.',
        }),
        response: { 200: Checked },
      },
    },
    async (request) => {
      const { organization } = sourcesOf(request.caller);
      const one = { organization, source: request.params.id };
      const ingestUrl = server.publicUrl(request) + ingestPath(one.source);
      const check = await work.check({ ...one, ingestUrl, createWebhook: request.body?.createWebhook ?? false });
      const source = await readSource({ read: database.read, ...one });
      const secret = 'The source’s secret, as it was shown when it was made; POST /v1/sources/{id}/secret makes a new one.';
      const paste = check.webhook.state === 'there' ? null : { name: 'Gatepost', url: ingestUrl, secret };
      return { source: sourceBody(source, ingestUrl), check: { ...check, calls: check.calls.map((call) => ({ ...call })) }, paste };
    },
  );
}

function catchUpRoute(server: HttpServer, { work }: SourceWorkRoutesDeps): void {
  server.post(
    '/v1/sources/:id/catch-ups',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Bring in what was missed',
        description:
          'Looks now, as it is looked now and then anyway, for webhooks that failed over there and analyses since the last known one of each branch. Done when the source’s `caughtUp` is not before `asked`; where it could not be done, `state` says why, and its `stateSince` is not before `asked` either.',
        tags,
        params,
        response: {
          202: Type.Object({
            source: Type.String(),
            asked: Type.String({ format: 'date-time' }),
            poll: Type.String({ description: 'The address that shows `caughtUp` and `state`.' }),
          }),
        },
      },
    },
    async (request, reply) => {
      const { organization } = sourcesOf(request.caller);
      const source = request.params.id;
      const asked = await work.catchUp({ organization, source });
      const poll = `${server.publicUrl(request)}/v1/sources/${source}`;
      reply.code(202).header('location', poll);
      return { source, asked: timestampText(asked), poll };
    },
  );
}
