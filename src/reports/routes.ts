import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { GatepostError, notFound } from '../errors.ts';
import type { Caller } from '../http/caller.ts';
import type { HttpServer } from '../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../http/paging.ts';
import type { Identifiers } from '../identifiers.ts';
import { isUuid } from '../identifiers.ts';
import { callersProject, readProject } from '../projects/store.ts';
import type { ArtifactStore } from '../storage/artifacts/store.ts';
import type { Database, Reader } from '../storage/database/database.ts';
import { deleteReport } from './deletion.ts';
import { ArtifactBody, artifactBody, ReportBody, reportBody, SnapshotBody, snapshotBody } from './schema.ts';
import type { ReportRow } from './store.ts';
import { listReports, readArtifacts, readReport, readSnapshots } from './store.ts';

export interface ReportRoutesDeps {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly clock: Clock;
  readonly ids: Identifiers;
}

const tags = ['Reports'];
const idParams = Type.Object({ id: Type.String({ description: 'The report’s id.' }) });

export function reportRoutes(server: HttpServer, deps: ReportRoutesDeps): void {
  listRoute(server, deps);
  oneRoute(server, deps);
  artifactRoute(server, deps);
  deleteRoute(server, deps);
}

/** The report that the caller names, with its project's key. `unknown_report` also for one that the caller may not see. */
async function callersReport(
  read: Reader,
  caller: Caller,
  id: string,
): Promise<{ readonly report: ReportRow; readonly projectKey: string }> {
  const { organization } = caller;
  const report = isUuid(id) ? await readReport({ read, organization, id: id.toLowerCase() }) : null;
  const project = report === null ? null : await readProject({ read, organization, project: report.project });
  if (report === null || project === null || (caller.project !== null && caller.project !== project.id)) {
    throw notFound('unknown_report', 'There is no report with this id.');
  }
  return { report, projectKey: project.key };
}

function listRoute(server: HttpServer, { database }: ReportRoutesDeps): void {
  server.get(
    '/v1/reports',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List reports',
        description: 'The organization’s reports, those made last first. The open call `/security/report/list` gives them by version.',
        tags,
        querystring: Type.Object({
          ...pageParameters,
          project: Type.Optional(Type.String({ description: 'A project’s key.' })),
          type: Type.Optional(Type.String({ description: 'Such as `CWE Top 25`.' })),
          branch: Type.Optional(Type.String()),
        }),
        response: { 200: Type.Object({ reports: Type.Array(ReportBody) }) },
      },
    },
    async (request, reply) => {
      const { limit = pageLimitDefault, cursor, project: key, type, branch } = request.query;
      const { read } = database;
      const { organization } = request.caller;
      const project = key === undefined ? request.caller.project : (await callersProject({ read, caller: request.caller, key })).id;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const rows = await listReports({ read, organization, project, type: type ?? null, branch: branch ?? null, limit: limit + 1, after });
      const last = rows[limit - 1];
      if (rows.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      const shown = rows.slice(0, limit);
      const keys = await projectKeys(read, organization, shown);
      return { reports: shown.map((row) => reportBody(row, keys.get(row.project) ?? '')) };
    },
  );
}

async function projectKeys(read: Reader, organization: string, rows: readonly ReportRow[]): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(rows.map((row) => row.project))];
  if (ids.length === 0) return new Map();
  const projects = await read
    .selectFrom('projects')
    .select(['id', 'key'])
    .where('organization', '=', organization)
    .where('id', 'in', ids)
    .execute();
  return new Map(projects.map((project) => [project.id, project.key]));
}

function oneRoute(server: HttpServer, { database }: ReportRoutesDeps): void {
  server.get(
    '/v1/reports/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Show a report',
        description: 'One report with its files and all its snapshots, the earlier ones too: they remain evidence.',
        tags,
        params: idParams,
        response: {
          200: Type.Object({ ...ReportBody.properties, artifacts: Type.Array(ArtifactBody), snapshots: Type.Array(SnapshotBody) }),
        },
      },
    },
    async (request) => {
      const { read } = database;
      const { report, projectKey } = await callersReport(read, request.caller, request.params.id);
      const artifacts = await readArtifacts({ read, organization: report.organization, snapshot: report.snapshot });
      const snapshots = await readSnapshots({ read, organization: report.organization, report: report.id });
      return {
        ...reportBody(report, projectKey),
        artifacts: artifacts.map(artifactBody),
        snapshots: snapshots.map((snapshot) => snapshotBody(snapshot, snapshot.id === report.snapshot)),
      };
    },
  );
}

/** What a scanner or another system wrote is shown, and runs nothing: no script, no form, no frame, nothing from elsewhere. */
const harmless = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'none'";

function artifactRoute(server: HttpServer, { database, artifacts }: ReportRoutesDeps): void {
  server.get(
    '/v1/reports/:id/artifacts/:name',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Get a file of a report',
        description: 'A file of the newest snapshot, or of the one named by `snapshot`.',
        tags,
        params: Type.Object({ ...idParams.properties, name: Type.String({ description: 'Such as `report.html`.' }) }),
        querystring: Type.Object({ snapshot: Type.Optional(Type.String({ description: 'The id of an earlier snapshot.' })) }),
        response: { 200: Type.Unknown({ description: 'The file.' }), 304: Type.Null({ description: 'As the caller has it.' }) },
      },
    },
    async (request, reply) => {
      const { read } = database;
      const { report } = await callersReport(read, request.caller, request.params.id);
      const { organization } = report;
      const wanted = request.query.snapshot?.toLowerCase() ?? report.snapshot;
      const snapshots = wanted === report.snapshot ? [] : await readSnapshots({ read, organization, report: report.id });
      const known = wanted === report.snapshot || snapshots.some((snapshot) => snapshot.id === wanted);
      const files = known ? await readArtifacts({ read, organization, snapshot: wanted }) : [];
      const file = files.find((row) => row.name === request.params.name);
      if (file === undefined) throw notFound('unknown_artifact', 'The report has no such file.');
      const etag = `"${file.sha256}"`;
      reply.header('etag', etag).header('cache-control', 'private, no-cache').header('content-security-policy', harmless);
      if (request.headers['if-none-match'] === etag) return reply.code(304).send(null);
      if ((await artifacts.head(organization, file.sha256)) === null) {
        throw new GatepostError('internal', 'artifact_missing', 'A file of this report is missing or damaged in the store.');
      }
      reply.type(file.media_type).header('content-length', file.bytes);
      return reply.send(Readable.from(artifacts.read(organization, file.sha256)));
    },
  );
}

function deleteRoute(server: HttpServer, { database, clock, ids }: ReportRoutesDeps): void {
  server.delete(
    '/v1/reports/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a report',
        description: 'Deletes the report with all its snapshots. The audit log keeps the trace.',
        tags,
        params: idParams,
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const { report, projectKey } = await callersReport(database.read, request.caller, request.params.id);
      const actor = `token:${request.caller.token}` as const;
      await database.write((tx) => deleteReport({ tx, report, projectKey, actor, action: 'report.deleted', ids, clock }));
      return reply.code(204).send(null);
    },
  );
}
