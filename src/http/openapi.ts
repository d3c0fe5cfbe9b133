import swagger from '@fastify/swagger';
import type { FastifyContextConfig } from 'fastify';
import type { HttpServer } from './http-server.ts';
import { referencePage, referencePagePolicy } from './reference-page.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A body that no schema validates because it is read as a stream: what the description says about it. */
    readonly describedBody?: { readonly consumes: readonly string[]; readonly schema: Readonly<Record<string, unknown>> };
  }
}

const errorContent = { 'application/json': { schema: { $ref: 'Error#' } } };
const errorAnswer = { description: 'Refused. `code` is stable and says why.', content: errorContent };
const ourFailure = {
  description: 'Our failure. It is logged whole under the request id of the `X-Request-Id` header.',
  content: errorContent,
};

/** What leads a reader through the reference. Order is that of the page. */
const tags = [
  { name: 'Report API', description: 'What report readers call: no token, unless the organization asks for one.' },
  { name: 'Analyses', description: 'Findings in, as SARIF.' },
  { name: 'Sources', description: 'SonarQube servers that tell of analyses, and where their webhooks come in.' },
  { name: 'Reports', description: 'Reports, their snapshots and their files.' },
  { name: 'Projects', description: 'What is analysed.' },
  { name: 'Quality gates', description: 'When an analysis is good enough.' },
  { name: 'Repositories', description: 'Git repositories to push to and to clone from, and what was pushed.' },
  { name: 'Pull requests', description: 'Requests to bring the commits of one branch into another: opened, discussed, merged.' },
  { name: 'Webhooks', description: 'Who is told what, where, and under which secret.' },
  { name: 'Deliveries', description: 'What was sent, what came back, and sending it again.' },
  { name: 'Organization', description: 'The organization that the token belongs to, its tokens and its audit log.' },
  { name: 'Operation', description: 'For those who run the server.' },
];

/** Collects the description of every route registered after this: it must come first. */
export async function describeRoutes(server: HttpServer, { version }: { readonly version: string }): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Gatepost',
        version,
        description:
          'Keeps the record of a team’s code security and tells others about it. Lists take `limit` and `cursor`, and name their next page in a `Link: <…>; rel="next"` header. A POST with an `Idempotency-Key` header (1 to 255 visible ASCII characters) is done once, however often it is sent within 24 hours.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags,
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of the organization. Its scopes say what it may do; `admin` has all.',
          },
        },
      },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, at) => (typeof json['$id'] === 'string' ? json['$id'] : `def-${at}`) },
    transform({ schema, url, route }) {
      const { scope, describedBody } = route.config ?? {};
      const description = [schema?.description ?? '', scope === null || scope === undefined ? '' : `Scope: \`${scope}\`.`]
        .join('\n\n')
        .trim();
      const answers = (schema?.response ?? {}) as Record<string, unknown>;
      return {
        url,
        schema: {
          ...schema,
          description,
          operationId: operationId(String(route.method), url),
          security: scope === null || scope === undefined ? [] : [{ token: [] }],
          ...bodyOf(schema, describedBody),
          response: { ...answers, '4xx': errorAnswer, '5xx': ourFailure },
        },
      };
    },
  });
}

interface Body {
  readonly body?: unknown;
  readonly consumes?: readonly string[] | undefined;
}

/** What a route that reads its body as a stream takes: as it says itself, else as bytes, or as the parts of a form. */
function bodyOf(schema: Body | undefined, described: FastifyContextConfig['describedBody']): object {
  if (described !== undefined) return { body: described.schema, consumes: [...described.consumes] };
  const { body, consumes } = schema ?? {};
  if (body !== undefined || consumes === undefined) return {};
  return {
    body: consumes.includes('multipart/form-data') ? { type: 'object', additionalProperties: true } : { type: 'string', format: 'binary' },
  };
}

/** `GET /v1/projects/:key/analyses` is `getV1ProjectsKeyAnalyses`: made from what never changes. */
function operationId(method: string, url: string): string {
  const words = url.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** Serves the description and the page made from it. */
export function descriptionRoutes(server: HttpServer): void {
  let page: string | null = null;
  server.get(
    '/openapi.json',
    {
      config: { scope: null },
      schema: {
        summary: 'This description',
        description: 'OpenAPI 3.1 of every call, made from the schemas that validate.',
        tags: ['Operation'],
      },
    },
    async (request, reply) => {
      const document = server.swagger();
      reply.type('application/json; charset=utf-8');
      return { ...document, servers: [{ url: server.publicUrl(request) }] };
    },
  );
  server.get(
    '/docs',
    {
      config: { scope: null },
      schema: {
        summary: 'The reference',
        description: 'This description as a page that loads nothing.',
        tags: ['Operation'],
        produces: ['text/html'],
      },
    },
    async (_request, reply) => {
      page ??= referencePage(server.swagger());
      reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', referencePagePolicy)
        .header('referrer-policy', 'no-referrer');
      return page;
    },
  );
}
