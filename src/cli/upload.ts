import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, createGzip } from 'node:zlib';
import { GatepostError, invalid } from '../errors.ts';
import type { Call, Command, Outcome } from './command.ts';
import { usageError } from './command.ts';
import { gateIn, gateLines } from './quality-gate.ts';
import type { Progress } from './progress.ts';
import { createProgress } from './progress.ts';
import type { Server } from './server.ts';
import { connectServer, field } from './server.ts';

const pollMsFirst = 200;
const pollMsMax = 2_000;
/** One of its own, so that a pipeline can tell a gate that failed from an upload that did. */
export const gateFailedCode = 3;

export const command: Command = {
  name: 'upload',
  summary: 'Sends the scan of one version of a project (SARIF 2.1.0) to the server at GATEPOST_URL, under GATEPOST_TOKEN.',
  words: [{ name: 'FILE', help: 'the scan, as it is or gzipped' }],
  options: {
    project: { type: 'string', value: 'KEY', help: 'the project; one that is not there yet is made' },
    version: { type: 'string', value: 'V', help: "the product's version that was scanned" },
    branch: { type: 'string', value: 'B', help: 'the branch that was scanned' },
    revision: { type: 'string', value: 'R', help: 'the commit that was scanned' },
    name: { type: 'string', value: 'NAME', help: "the project's name, for one that is made now" },
    date: { type: 'string', value: 'TIME', help: 'when it was scanned (RFC 3339)' },
    property: {
      type: 'string',
      value: 'NAME=TEXT',
      help: 'kept with the analysis as sonar.analysis.NAME; may be repeated',
      multiple: true,
    },
    wait: { type: 'boolean', help: 'wait until the reports are made' },
    'fail-on': { type: 'string', value: 'gate', help: `wait, and end with ${gateFailedCode} where the quality gate failed` },
  },
  notes: () =>
    `Ends with 0; with 1 where the scan could not be sent or its analysis failed; with 2 where the call is written wrongly; with ${gateFailedCode}, by --fail-on gate alone, where all went well and the quality gate failed.`,
  run,
};

async function run(call: Call): Promise<Outcome> {
  const failOn = call.text('fail-on');
  if (failOn !== undefined && failOn !== 'gate') throw usageError(`--fail-on knows "gate" alone, and not "${failOn}".`);
  const server = connectServer(call.environment, { needToken: true });
  const path = `/v1/projects/${encodeURIComponent(call.required('project'))}/analyses?${queryOf(call).toString()}`;
  const accepted = await send({ server, path, file: call.word(0), call });
  const id = field(accepted, 'id');
  if (id === undefined)
    throw new GatepostError('unavailable', 'not_gatepost', 'The server took the scan without saying which analysis it is.');
  if (failOn === undefined && !call.flag('wait')) return { json: accepted, text: `Taken in as analysis ${id}.` };
  return waitFor({ server, id, call, failOnGate: failOn !== undefined });
}

function queryOf(call: Call): URLSearchParams {
  const query = new URLSearchParams({ version: call.required('version') });
  for (const name of ['branch', 'revision', 'name', 'date']) {
    const value = call.text(name);
    if (value !== undefined) query.set(name, value);
  }
  for (const property of call.texts('property')) {
    const [name, ...text] = property.split('=');
    if (name === undefined || name === '' || text.length === 0) throw usageError(`--property "${property}" is not NAME=TEXT.`);
    query.append(name.startsWith('sonar.analysis.') ? name : `sonar.analysis.${name}`, text.join('='));
  }
  return query;
}

/** Sends the file, gzipped on the way where it is not yet. */
async function send({ server, path, file, call }: { server: Server; path: string; file: string; call: Call }): Promise<unknown> {
  const { bytes, gzipped } = await look(file);
  const progress = createProgress({ screen: call.screen, label: basename(file), bytes });
  try {
    const { body } = await server.json(path, {
      method: 'POST',
      headers: { 'content-type': 'application/sarif+json', 'content-encoding': 'gzip' },
      body: bodyOf(file, gzipped, progress),
    });
    return body;
  } finally {
    progress.end();
  }
}

async function look(file: string): Promise<{ readonly bytes: number; readonly gzipped: boolean }> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const start = Buffer.alloc(2);
      await handle.read(start, 0, 2, 0);
      return { bytes: size, gzipped: start.readUInt16BE() === 0x1f8b };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw invalid('file_unreadable', `${file} cannot be read (${error instanceof Error ? error.message : String(error)}).`);
  }
}

async function* bodyOf(file: string, gzipped: boolean, progress: Progress): AsyncGenerator<Uint8Array> {
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  source.on('data', (chunk) => progress.add(chunk.length));
  const body = gzipped ? source : source.pipe(createGzip({ level: constants.Z_BEST_SPEED }));
  source.on('error', (error) => body.destroy(error));
  for await (const chunk of body) yield chunk as Uint8Array;
}

async function waitFor({
  server,
  id,
  call,
  failOnGate,
}: {
  server: Server;
  id: string;
  call: Call;
  failOnGate: boolean;
}): Promise<Outcome> {
  for (let waitMs = pollMsFirst; ; waitMs = Math.min(waitMs * 1.5, pollMsMax)) {
    const { body } = await server.json(`/v1/analyses/${encodeURIComponent(id)}`);
    const status = field(body, 'status');
    if (status === 'done') return doneOutcome(id, body, failOnGate);
    if (status === 'failed') return { json: body, text: `Analysis ${id} failed: ${failureOf(body)}`, exitCode: 1 };
    call.screen?.write(`\r\u001b[K${status ?? 'waiting'} ...`);
    await sleep(waitMs);
    call.screen?.write('\r\u001b[K');
  }
}

function failureOf(body: unknown): string {
  const error = (body as { readonly error?: unknown }).error;
  return typeof error === 'string' ? error : `${field(error, 'message') ?? 'no reason given'} (${field(error, 'code') ?? 'no code'})`;
}

function doneOutcome(id: string, body: unknown, failOnGate: boolean): Outcome {
  const gate = gateIn(body);
  if (failOnGate && gate === null) {
    throw new GatepostError('unavailable', 'no_quality_gate', `Analysis ${id} is done, but the server says nothing of a quality gate.`);
  }
  const reports: unknown = (body as { readonly reports?: unknown }).reports;
  const lines = Array.isArray(reports) ? reports.map(reportText) : [];
  const text = [`Analysis ${id} is done; reports:`, ...(lines.length > 0 ? lines : ['  none']), ...gateLines(gate)].join('\n');
  return { json: body, text, ...(failOnGate && gate?.status === 'ERROR' ? { exitCode: gateFailedCode } : {}) };
}

function reportText(report: unknown): string {
  const facts = (typeof report === 'object' && report !== null ? report : {}) as Readonly<
    Record<string, string | number | null | undefined>
  >;
  const { id = '', reportType = '', reportVersion = '', vulnerabilitiesCount = 0, securityRating } = facts;
  const verdict = securityRating === null ? 'not assessed' : `${vulnerabilitiesCount ?? 0} open, rated ${securityRating ?? '?'}`;
  return `  ${id}  ${reportType} ${reportVersion}${securityRating === undefined ? '' : `: ${verdict}`}`;
}
