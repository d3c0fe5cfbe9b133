import type { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { GatepostError, notFound } from '../errors.ts';
import type { HttpServer } from '../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../http/paging.ts';
import type { Identifiers } from '../identifiers.ts';
import { isUuid } from '../identifiers.ts';
import { checkedProjectKey } from '../projects/project.ts';
import { callersProject, findOrCreateProject, readProject } from '../projects/store.ts';
import type { ArtifactStore } from '../storage/artifacts/store.ts';
import type { Database } from '../storage/database/database.ts';
import { branchCharactersMax, parseAnalysisRequest, propertyPrefix, revisionCharactersMax, versionCharactersMax } from './analysis.ts';
import { takeBody } from './intake.ts';
import type { AnalysisReport, PushOfAnalysis } from './schema.ts';
import { AnalysisBody, analysisBody, pushBody } from './schema.ts';
import type { Analysis } from './store.ts';
import { insertAnalysis, listAnalyses, readAnalysis } from './store.ts';

export interface AnalysisRoutesDeps {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly uploadBytesMax: number;
  /** The reports that analyses came to, by analysis id; handed in, since reports know analyses and not the other way round. */
  readonly reportsOf: (organization: string, analyses: readonly Analysis[]) => Promise<ReadonlyMap<string, readonly AnalysisReport[]>>;
  /** The push that brought a commit to a repository of the project (its id); null: none is known. Handed in: repositories stand beside. */
  readonly pushOf?: (named: {
    readonly organization: string;
    readonly project: string;
    readonly revision: string;
  }) => Promise<PushOfAnalysis | null>;
  /** There is something to work on. */
  readonly nudge: () => void;
}

const tags = ['Analyses'];
/** Fastify's own limit on a body; ours counts while it streams. */
const noLimit = Number.MAX_SAFE_INTEGER;

export async function analysisRoutes(server: HttpServer, deps: AnalysisRoutesDeps): Promise<void> {
  // Bodies are streamed to disk here and nowhere else, so what parses them is registered for these routes alone.
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(['application/sarif+json', 'application/json'], { bodyLimit: noLimit }, (_request, payload, done) =>
      done(null, payload),
    );
    uploadRoute(scope, deps);
  });
  readRoutes(server, deps);
}

function uploadRoute(server: HttpServer, { database, artifacts, clock, ids, uploadBytesMax, nudge }: AnalysisRoutesDeps): void {
  server.post(
    '/v1/projects/:key/analyses',
    {
      config: { scope: 'ingest', idempotency: 'streamed' },
      bodyLimit: noLimit,
      schema: {
        summary: 'Send an analysis',
        description:
          'Takes in a SARIF 2.1.0 log of any scanner. Answered once the body is on disk and the analysis is recorded; its reports are made afterwards: poll the address in `Location`. A project that is not known yet is made. Bodies may come as they are or as `Content-Encoding: gzip`.',
        tags,
        consumes: ['application/sarif+json', 'application/json'],
        params: Type.Object({ key: Type.String({ description: 'The project’s key, percent-encoded.' }) }),
        querystring: Type.Object(
          {
            version: Type.Optional(
              Type.String({ description: `Required. The product’s version, at most ${versionCharactersMax} characters.` }),
            ),
            branch: Type.Optional(Type.String({ description: `At most ${branchCharactersMax} characters.` })),
            revision: Type.Optional(
              Type.String({ description: `The commit that was analysed, at most ${revisionCharactersMax} characters.` }),
            ),
            name: Type.Optional(Type.String({ description: 'The project’s name, where it is made by this call.' })),
            date: Type.Optional(Type.String({ description: 'When the analysis was made, RFC 3339; else it is when it comes in.' })),
          },
          { additionalProperties: true, description: `Any \`${propertyPrefix}…\` parameter is kept as a property of the analysis.` },
        ),
        response: { 202: AnalysisBody },
      },
    },
    async (request, reply) => {
      const { organization, token, project: onlyProject } = request.caller;
      const key = checkedProjectKey(request.params.key);
      const wanted = parseAnalysisRequest(request.query, clock.now());
      if (!isStream(request.body)) throw new GatepostError('invalid', 'empty_body', 'The body is empty.');
      if (onlyProject !== null) await callersProject({ read: database.read, caller: request.caller, key });
      const body = await takeBody({
        artifacts,
        organization,
        body: request.body,
        encoding: request.headers['content-encoding'],
        bytesMax: uploadBytesMax,
      });
      if (await server.beginIdempotent(request, reply, body.sha256)) return reply;
      const analysis = await database.write(async (tx) => {
        const name = wanted.projectName === null ? {} : { name: wanted.projectName };
        const actor = `token:${token}` as const;
        const project = await findOrCreateProject({ tx, organization, key, ...name, onlyProject, actor, ids, clock });
        return insertAnalysis({ tx, organization, project: project.id, request: wanted, body, ids, clock });
      });
      nudge();
      request.notes['analysis'] = analysis.id;
      reply.code(202).header('location', `${server.publicUrl(request)}/v1/analyses/${analysis.id}`);
      return analysisBody(analysis, key, []);
    },
  );
}

function isStream(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}

function readRoutes(server: HttpServer, { database, reportsOf, pushOf }: AnalysisRoutesDeps): void {
  server.get(
    '/v1/analyses/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Show an analysis',
        description: 'How far it is, what the scanner’s file held, and the reports it came to.',
        tags,
        params: Type.Object({ id: Type.String() }),
        response: { 200: AnalysisBody },
      },
    },
    async (request) => {
      const { organization, slug, project: onlyProject } = request.caller;
      const analysis = isUuid(request.params.id)
        ? await readAnalysis({ read: database.read, organization, id: request.params.id.toLowerCase() })
        : null;
      const project = analysis === null ? null : await readProject({ read: database.read, organization, project: analysis.project });
      if (analysis === null || project === null || (onlyProject !== null && onlyProject !== project.id)) {
        throw notFound('unknown_analysis', 'There is no analysis with this id.');
      }
      const reports = await reportsOf(organization, [analysis]);
      const { revision } = analysis;
      const found = revision === null ? null : await pushOf?.({ organization, project: project.id, revision });
      const push = found && revision !== null ? pushBody(found, { serverUrl: server.publicUrl(request), slug, revision }) : null;
      return { ...analysisBody(analysis, project.key, reports.get(analysis.id) ?? []), push };
    },
  );
  server.get(
    '/v1/projects/:key/analyses',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List the analyses of a project',
        description: 'Newest first.',
        tags,
        params: Type.Object({ key: Type.String({ description: 'The project’s key, percent-encoded.' }) }),
        querystring: Type.Object({
          ...pageParameters,
          status: Type.Optional(Type.Enum(['pending', 'running', 'done', 'failed'])),
        }),
        response: { 200: Type.Object({ analyses: Type.Array(AnalysisBody) }) },
      },
    },
    async (request, reply) => {
      const { limit = pageLimitDefault, cursor, status } = request.query;
      const project = await callersProject({ read: database.read, caller: request.caller, key: request.params.key });
      const { organization } = request.caller;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const analyses = await listAnalyses({
        read: database.read,
        organization,
        project: project.id,
        status: status ?? null,
        limit: limit + 1,
        after,
      });
      const last = analyses[limit - 1];
      if (analyses.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      const shown = analyses.slice(0, limit);
      const reports = await reportsOf(organization, shown);
      return { analyses: shown.map((analysis) => analysisBody(analysis, project.key, reports.get(analysis.id) ?? [])) };
    },
  );
}
