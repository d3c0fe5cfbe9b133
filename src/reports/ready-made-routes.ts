import multipart from '@fastify/multipart';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { timestampText } from '../clock.ts';
import { GatepostError, invalid } from '../errors.ts';
import type { HttpServer } from '../http/http-server.ts';
import { checkedProjectKey } from '../projects/project.ts';
import { callersProject, findOrCreateProject } from '../projects/store.ts';
import type { ArtifactStore } from '../storage/artifacts/store.ts';
import type { Database } from '../storage/database/database.ts';
import type { ReadyMadeMetadata } from './ready-made.ts';
import { checkedFileName, contentOf, isPacked, mediaTypeOf, metadataBytesMax, parseMetadata, readyMadeFilesMax } from './ready-made.ts';
import type { RecordDeps, SnapshotFile } from './record.ts';
import { recordReports } from './record.ts';
import { ReportBody, reportBody } from './schema.ts';
import { findReport, readReport } from './store.ts';

export interface ReadyMadeDeps extends RecordDeps {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly uploadBytesMax: number;
  /** An event was recorded. */
  readonly recorded: () => void;
}

const fileLevel = 6;

/** `POST /v1/reports`: what another system made is taken in as it is, with the same list, ZIP and event. */
export async function readyMadeRoutes(server: HttpServer, deps: ReadyMadeDeps): Promise<void> {
  await server.register(async (scope) => {
    await scope.register(multipart, {
      limits: { fieldSize: metadataBytesMax, fields: 1, files: readyMadeFilesMax, fileSize: deps.uploadBytesMax, fieldNameSize: 100 },
      throwFileSizeLimit: false,
    });
    uploadRoute(scope, deps);
  });
}

function uploadRoute(server: HttpServer, deps: ReadyMadeDeps): void {
  server.post(
    '/v1/reports',
    {
      config: { scope: 'ingest', idempotency: 'streamed' },
      bodyLimit: Number.MAX_SAFE_INTEGER,
      schema: {
        summary: 'Send a ready-made report',
        description: `A \`multipart/form-data\` body: first the part \`metadata\`, JSON with the list’s field names (\`projectName\`, \`reportType\`, \`reportVersion\`, \`projectVersion\`, \`date\`, \`vulnerabilitiesCount\`, \`securityRating\`) and \`projectKey\`, \`branch\`, \`revision\`, \`language\`; then 1 to ${readyMadeFilesMax} files, kept as they are. The same metadata and files again change nothing; other ones make the report’s next snapshot.`,
        tags: ['Reports'],
        consumes: ['multipart/form-data'],
        response: { 201: ReportBody },
      },
    },
    async (request, reply) => {
      const { metadata, files } = await takeParts(request, deps).catch(asRefusal);
      const contentSha256 = contentOf(metadata, files);
      if (await server.beginIdempotent(request, reply, contentSha256)) return reply;
      const reportId = await record(request, deps, { metadata, files, contentSha256 });
      deps.recorded();
      const { read } = deps.database;
      const report = await readReport({ read, organization: request.caller.organization, id: reportId });
      if (report === null) throw new GatepostError('conflict', 'report_taken', 'The report was deleted meanwhile.');
      reply.code(201).header('location', `${server.publicUrl(request)}/v1/reports/${report.id}`);
      return reportBody(report, metadata.projectKey);
    },
  );
}

interface Parts {
  readonly metadata: ReadyMadeMetadata;
  readonly files: readonly SnapshotFile[];
}

async function takeParts(request: FastifyRequest, deps: ReadyMadeDeps): Promise<Parts> {
  if (!request.isMultipart()) {
    throw new GatepostError('unsupported_media_type', 'unsupported_media_type', 'A ready-made report comes as multipart/form-data.');
  }
  let metadata: ReadyMadeMetadata | null = null;
  const files: SnapshotFile[] = [];
  for await (const part of request.parts()) {
    if (metadata === null) {
      if (part.fieldname !== 'metadata') throw invalid('missing_metadata', 'The first part must be "metadata".');
      metadata = parseMetadata(await textOf(part), deps.clock.now());
      await checkProject(request, deps, metadata);
    } else if (part.type === 'file') {
      files.push(await takeFile(part, { deps, organization: request.caller.organization, taken: files }));
    } else throw invalid('unexpected_part', 'After "metadata" come files and nothing else.', { part: part.fieldname });
  }
  if (metadata === null) throw invalid('missing_metadata', 'The part "metadata" is missing.');
  if (files.length === 0) throw invalid('missing_files', 'A ready-made report has at least one file.');
  return { metadata, files };
}

/** What the parser of multipart says has no code, and is told by its words. */
const malformed = /multipart|part header|terminated early|boundary/i;

function asRefusal(error: unknown): never {
  if (!(error instanceof Error) || error instanceof GatepostError || 'code' in error || !malformed.test(error.message)) throw error;
  throw invalid('multipart_invalid', `The body is not multipart/form-data as it should be: ${error.message}.`);
}

/** Before the files are taken: whoever may not write here learns it at once. */
async function checkProject(request: FastifyRequest, deps: ReadyMadeDeps, metadata: ReadyMadeMetadata): Promise<void> {
  const key = checkedProjectKey(metadata.projectKey);
  if (request.caller.project !== null) await callersProject({ read: deps.database.read, caller: request.caller, key });
}

async function textOf(part: MultipartFile | { readonly type: 'field'; readonly value: unknown }): Promise<string> {
  if (part.type === 'field') return typeof part.value === 'string' ? part.value : JSON.stringify(part.value);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of part.file as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > metadataBytesMax)
      throw invalid('invalid_metadata', `The part metadata is larger than ${metadataBytesMax} bytes.`, { field: 'metadata' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

interface Taking {
  readonly deps: ReadyMadeDeps;
  readonly organization: string;
  readonly taken: readonly SnapshotFile[];
}

async function takeFile(part: MultipartFile, { deps, organization, taken }: Taking): Promise<SnapshotFile> {
  const name = checkedFileName(part.filename);
  if (taken.some((file) => file.name === name)) throw invalid('repeated_file_name', `There are two files named ${name}.`, { name });
  const level = isPacked(name) ? 0 : fileLevel;
  const object = await deps.artifacts.put(organization, part.file, { level, bytesMax: deps.uploadBytesMax });
  if (part.file.truncated) {
    throw new GatepostError('too_large', 'body_too_large', `A file is larger than ${deps.uploadBytesMax} bytes.`, {
      details: { bytesMax: deps.uploadBytesMax, name },
    });
  }
  return { name, mediaType: mediaTypeOf(name), object };
}

async function record(request: FastifyRequest, deps: ReadyMadeDeps, parts: Parts & { readonly contentSha256: string }): Promise<string> {
  const { database, ids, clock, onRecorded } = deps;
  const { organization, token, project: onlyProject } = request.caller;
  const { metadata, files, contentSha256 } = parts;
  const actor = `token:${token}` as const;
  const name = metadata.projectName === null ? {} : { name: metadata.projectName };
  return database.write(async (tx) => {
    const project = await findOrCreateProject({ tx, organization, key: metadata.projectKey, ...name, onlyProject, actor, ids, clock });
    const { branch, version, type, edition } = metadata;
    const key = { organization, project: project.id, branch, version, type, edition };
    const reportId = (await findReport({ read: tx, ...key }))?.report.id ?? ids.next();
    const now = clock.now();
    const snapshot = {
      key,
      projectName: project.name,
      reportId,
      analysis: null,
      date: metadata.date ?? { text: timestampText(now), ms: now },
      revision: metadata.revision,
      count: metadata.count,
      rating: metadata.rating,
      categories: {},
      contentSha256,
      files,
    };
    await recordReports({ tx, organization, project: project.id, snapshots: [snapshot], ids, clock, onRecorded });
    return reportId;
  });
}
