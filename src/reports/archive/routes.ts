import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { GatepostError, invalid } from '../../errors.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { isUuid } from '../../identifiers.ts';
import type { ArtifactStore, StoredObject, StoredReader } from '../../storage/artifacts/store.ts';
import type { Database } from '../../storage/database/database.ts';
import { matchesTag } from '../etag.ts';
import { organizationOf } from '../list/query.ts';
import { createListStore } from '../list/page.ts';
import type { ListStore } from '../list/page.ts';
import { checkOpenAccess } from '../open-access.ts';
import type { OpenLimits } from '../open-limits.ts';
import type { Archive } from './archive.ts';
import { planArchive } from './archive.ts';
import type { ArchiveContents } from './contents.ts';
import { readContents } from './contents.ts';
import { cleanPart } from './names.ts';
import { readRange } from './range.ts';
import { sendArchive } from './send.ts';

/** Distinct reports of one archive. */
export const archiveReportsMax = 1000;

const ids = Type.Optional(Type.Array(Type.String(), { description: 'Report IDs: repeated, or with commas between them.' }));

export interface ReportArchiveDeps {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly limits: OpenLimits;
}

/** `GET /security/report/files`, as the report API's contract (section 4) has it. */
export function reportArchiveRoutes(server: HttpServer, { database, artifacts, limits }: ReportArchiveDeps): void {
  const organizations = createListStore(database);
  server.get(
    '/security/report/files',
    {
      config: { scope: null },
      schema: {
        summary: 'Download reports as one ZIP',
        description: `All files of up to ${archiveReportsMax} reports, with a \`manifest.json\` that names each with its size and SHA-256. Takes \`Range\`, so that a download that broke off goes on. \`Gatepost-Missing-Reports\` says how many of the reports are not there.`,
        tags: ['Report API'],
        querystring: Type.Object({ org: Type.String({ description: 'Organization ID.' }), reports: ids, 'reports[]': ids }),
        response: {
          200: Type.Unsafe<unknown>({ type: 'string', format: 'binary', description: 'application/zip' }),
          204: Type.Null({ description: 'None of the reports is there.' }),
          206: Type.Unsafe<unknown>({ type: 'string', format: 'binary', description: 'The part that `Range` asked for.' }),
          304: Type.Null({ description: 'Not changed since the `ETag` of `If-None-Match`.' }),
        },
      },
    },
    async (request, reply) => {
      limits.admit(request.ip);
      const organization = organizationOf(request.query.org);
      const wanted = reportIds([...(request.query.reports ?? []), ...(request.query['reports[]'] ?? [])]);
      const access = await admitted(request, organizations, organization);
      if (access === null) return reply.code(204).send(null);
      const contents = await readContents({ read: database.read, organization, ids: wanted, project: access.project });
      if (contents.reports.length === 0) return reply.code(204).send(null);
      const end = limits.beginArchive(request.ip, organization);
      try {
        await answer({
          request,
          reply,
          archive: await planArchive({ organization, contents, artifacts }),
          contents,
          artifacts,
          organization,
        });
      } finally {
        end();
      }
      return reply;
    },
  );
}

/** Lower-case ids, each once. */
function reportIds(given: readonly string[]): readonly string[] {
  if (given.length === 0) throw invalid('reports_missing', 'reports is missing: name the reports to download.', { parameter: 'reports' });
  const distinct = new Set(given.flatMap((part) => part.split(',')).map((id) => id.trim().toLowerCase()));
  for (const id of distinct) {
    if (!isUuid(id))
      throw invalid('invalid_report', 'reports names something that is no report ID: it must be a UUID.', { parameter: 'reports' });
  }
  if (distinct.size > archiveReportsMax) {
    throw invalid('too_many_reports', `An archive holds ${archiveReportsMax} reports at most.`, {
      parameter: 'reports',
      max: archiveReportsMax,
    });
  }
  return [...distinct];
}

async function admitted(
  request: FastifyRequest,
  store: ListStore,
  organization: string,
): Promise<{ readonly project: string | null } | null> {
  const found = await store.readOrganization(organization);
  if (found === null) return null;
  request.notes.organization = found.slug;
  return checkOpenAccess(request, { organization, readsNeedToken: found.readsNeedToken });
}

interface Answer {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly archive: Archive;
  readonly contents: ArchiveContents;
  readonly artifacts: ArtifactStore;
  readonly organization: string;
}

interface Stretch {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

async function answer(options: Answer): Promise<void> {
  const { request, reply, archive, contents } = options;
  const { etag } = archive;
  reply.header('etag', etag).header('accept-ranges', 'bytes').header('cache-control', 'private, no-cache');
  if (contents.missing.length > 0) reply.header('gatepost-missing-reports', String(contents.missing.length));
  if (matchesTag(request.headers['if-none-match'], etag.slice(1, -1))) {
    await reply.code(304).send(null);
    return;
  }
  const { start, end } = chooseStretch(request, reply, archive);
  reply.header('content-type', 'application/zip').header('content-disposition', disposition(contents));
  reply.header('content-length', String(end - start));
  request.notes['reports'] = contents.reports.length;
  request.notes['bytes'] = request.method === 'HEAD' ? 0 : end - start;
  // From here on we write ourselves: the same two buffers over and over, which no stream between would allow.
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.writeHead(reply.statusCode);
  if (request.method === 'HEAD') reply.raw.end();
  else await deliver(options, { start, end });
}

/** The bytes to send; sets status and `Content-Range` where that is a part. A range says nothing about HEAD (RFC 9110, 14.2). */
function chooseStretch(request: FastifyRequest, reply: FastifyReply, { plan, etag }: Archive): Stretch {
  const { range, 'if-range': ifRange } = request.headers;
  const wanted = request.method === 'HEAD' ? null : readRange({ range, ifRange: ifRange?.toString(), etag, length: plan.length });
  if (wanted?.kind === 'unsatisfiable') {
    reply.header('content-range', `bytes */${plan.length}`);
    throw new GatepostError('range_not_satisfiable', 'range_not_satisfiable', 'The archive has no bytes there.', {
      details: { length: plan.length },
    });
  }
  if (wanted?.kind !== 'part') return { start: 0, end: plan.length };
  reply.code(206).header('content-range', `bytes ${wanted.start}-${wanted.end - 1}/${plan.length}`);
  return wanted;
}

async function deliver({ request, reply, archive, artifacts, organization }: Answer, { start, end }: Stretch): Promise<void> {
  const expected = (entry: number): StoredObject => {
    const object = archive.objects[entry];
    if (object === null || object === undefined) throw new Error('This entry is in memory');
    return object;
  };
  const open = (entry: number): Promise<StoredReader | null> => artifacts.open(organization, expected(entry).sha256);
  try {
    await sendArchive(reply.raw, { plan: archive.plan, start, end, expected, open });
    reply.raw.end();
  } catch (error) {
    // The status is long gone: all that is left is to break the connection, so that nobody takes a part for the whole.
    reply.raw.destroy();
    if (error instanceof GatepostError && error.code === 'client_gone') return;
    request.log.error({ err: error, requestId: request.id }, 'archive broken off');
  }
}

/** Of one project and version: named after them. */
function disposition({ reports }: ArchiveContents): string {
  const names = new Set(reports.map(({ listed }) => `${listed.projectName} ${listed.projectVersion}`));
  const [only] = names;
  const name = `${names.size === 1 && only !== undefined ? cleanPart(only) : 'reports'}.zip`;
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const extended = encodeURIComponent(name).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return plain === name ? `attachment; filename="${plain}"` : `attachment; filename="${plain}"; filename*=UTF-8''${extended}`;
}
