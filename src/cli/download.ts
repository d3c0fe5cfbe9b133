import { createWriteStream } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher } from 'undici';
import { GatepostError, notFound } from '../errors.ts';
import type { Call, Command, Outcome } from './command.ts';
import type { Progress } from './progress.ts';
import { createProgress, sizeText } from './progress.ts';
import type { Server } from './server.ts';
import { connectServer, field } from './server.ts';

/** The server puts at most so many reports into one archive. */
export const archiveReportsMax = 1_000;
const pageRows = 1_000;
/** Attempts in a row that bring nothing. One that brings bytes begins the count anew. */
const fruitlessAttemptsMax = 5;
const retryMs = 1_000;

export const command: Command = {
  name: 'download',
  summary:
    "Lists a version's reports and fetches them as one ZIP. A download that broke off goes on where it stopped when it is called again.",
  options: {
    version: { type: 'string', value: 'V', help: "the product's version" },
    project: { type: 'string', value: 'KEY', help: 'of this project only' },
    organization: { type: 'string', value: 'ID', help: "the organization's id; else the one GATEPOST_TOKEN is of" },
    out: { type: 'string', value: 'FILE', help: 'where to; else <project or reports>-<version>.zip' },
  },
  run,
};

async function run(call: Call): Promise<Outcome> {
  const version = call.required('version');
  const given = call.text('organization');
  const server = connectServer(call.environment, { needToken: given === undefined });
  const organization = given ?? (await ownOrganization(server));
  const project = call.text('project');
  const reports = await listAll(server, new URLSearchParams({ org: organization, version, ...(project === undefined ? {} : { project }) }));
  if (reports.length === 0)
    throw notFound('no_reports', `There is no report of version ${version}${project === undefined ? '' : ` of ${project}`}.`);
  const out = call.text('out') ?? `${`${project ?? 'reports'}-${version}`.replaceAll(/[^\w.+-]/g, '_')}.zip`;
  const files: { file: string; bytes: number; reports: number }[] = [];
  for (let first = 0; first < reports.length; first += archiveReportsMax) {
    const ids = reports.slice(first, first + archiveReportsMax);
    const file = first === 0 ? out : out.replace(/(\.zip)?$/i, `-${first / archiveReportsMax + 1}$1`);
    const path = `/security/report/files?org=${encodeURIComponent(organization)}&reports=${ids.join(',')}`;
    files.push({ file, bytes: await fetchFile({ server, path, file, call }), reports: ids.length });
  }
  const text = files.map((one) => `${one.file}: ${sizeText(one.bytes)}, ${one.reports} report${one.reports === 1 ? '' : 's'}`).join('\n');
  return { json: { files }, text };
}

async function ownOrganization(server: Server): Promise<string> {
  const { body } = await server.json('/v1/organization');
  const id = field(body, 'id');
  if (id === undefined)
    throw new GatepostError('unavailable', 'not_gatepost', 'The server did not tell the organization; name it by --organization ID.');
  return id;
}

/** The ids of all reports, page by page as `Link: rel="next"` leads. */
async function listAll(server: Server, query: URLSearchParams): Promise<readonly string[]> {
  query.set('limit', String(pageRows));
  const ids: string[] = [];
  let next: string | null = `/security/report/list?${query.toString()}`;
  while (next !== null) {
    const { status, headers, body } = await server.json(next);
    if (status === 204) throw notFound('organization_unknown', 'The server knows no such organization.');
    const reports: unknown = (body as { readonly reports?: unknown } | null)?.reports;
    if (!Array.isArray(reports))
      throw new GatepostError('unavailable', 'not_gatepost', 'The list has no reports in it. Is GATEPOST_URL right?');
    ids.push(...reports.map((report) => field(report, 'id') ?? ''));
    next = nextOf(headers['link'], server.url);
  }
  return ids;
}

/** Only its path and query: behind a proxy the link's own address may be one that we cannot reach. */
function nextOf(link: string | string[] | undefined, base: string): string | null {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec([link ?? ''].flat().join(','))?.[1];
  if (target === undefined) return null;
  const { search } = new URL(target, base);
  return `/security/report/list${search}`;
}

interface Fetching {
  readonly server: Server;
  readonly path: string;
  readonly file: string;
  readonly call: Call;
}

/**
 * Fetches into `<file>.part`, beside it the ETag that its bytes belong to, and renames when all is there. Where bytes are left from before,
 * asks for the rest; the server says by its status whether it is still the same archive.
 */
async function fetchFile({ server, path, file, call }: Fetching): Promise<number> {
  const part = `${file}.part`;
  let fruitless = 0;
  for (;;) {
    const before = await sizeOf(part);
    try {
      const bytes = await fetchOnce({ server, path, file, call }, part);
      await rename(part, file);
      await rm(`${part}.etag`, { force: true });
      return bytes;
    } catch (error) {
      if (!isBroken(error)) throw error;
      fruitless = (await sizeOf(part)) > before ? 0 : fruitless + 1;
      if (fruitless >= fruitlessAttemptsMax) throw error;
      call.say(`The connection broke off (${error instanceof Error ? error.message : String(error)}); going on.`);
      await sleep(retryMs * (fruitless + 1));
    }
  }
}

async function fetchOnce({ server, path, file, call }: Fetching, part: string): Promise<number> {
  const have = await sizeOf(part);
  const etag = have > 0 ? await readFile(`${part}.etag`, 'utf8').catch(() => '') : '';
  const resume = have > 0 && etag !== '';
  const answer = await ask(server, path, resume ? { range: `bytes=${have}-`, 'if-range': etag } : {});
  if (answer === 'complete') return have;
  if (answer.statusCode === 204) throw notFound('no_reports', 'The reports are gone.');
  const from = answer.statusCode === 206 ? have : 0;
  const length = Number(answer.headers['content-length']);
  const total = Number.isFinite(length) ? from + length : null;
  if (from === 0) await writeFile(`${part}.etag`, String(answer.headers['etag'] ?? ''));
  const progress = createProgress({ screen: call.screen, label: file, bytes: total, from });
  progress.add(0);
  try {
    const bytes = from + (await writeBody(answer, { part, from, progress }));
    if (total !== null && bytes !== total) throw broken(`${bytes} of ${total} bytes came`);
    return bytes;
  } finally {
    progress.end();
  }
}

/** `complete`: everything had come already, there only was no time left to rename it. */
async function ask(server: Server, path: string, headers: Readonly<Record<string, string>>): Promise<Dispatcher.ResponseData | 'complete'> {
  try {
    return await server.send(path, { headers: { 'accept-encoding': 'identity', ...headers } });
  } catch (error) {
    if (error instanceof GatepostError && error.details?.['status'] === 416) return 'complete';
    throw error;
  }
}

async function writeBody(
  answer: Dispatcher.ResponseData,
  { part, from, progress }: { part: string; from: number; progress: Progress },
): Promise<number> {
  let bytes = 0;
  const count = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      bytes += chunk.length;
      progress.add(chunk.length);
      yield chunk;
    }
  };
  try {
    await pipeline(answer.body, count, createWriteStream(part, from > 0 ? { flags: 'r+', start: from } : { flags: 'w' }));
  } catch (error) {
    // What the disk says ends the download; what the line says is tried again.
    if (error instanceof Error && 'syscall' in error && ['open', 'write', 'close'].includes(String(error.syscall))) throw error;
    throw broken(error instanceof Error ? error.message : String(error));
  }
  await syncFile(part);
  return bytes;
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function broken(message: string): GatepostError {
  return new GatepostError('unavailable', 'transfer_broken', message);
}

function isBroken(error: unknown): boolean {
  return error instanceof GatepostError && (error.code === 'transfer_broken' || error.code === 'server_unreachable');
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (facts) => facts.size,
    () => 0,
  );
}
