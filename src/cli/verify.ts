import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { openPromise } from 'yauzl';
import { GatepostError, invalid } from '../errors.ts';
import type { Call, Command, Outcome } from './command.ts';
import { createProgress, sizeText } from './progress.ts';

export const manifestName = 'manifest.json';
const manifestBytesMax = 64 * 2 ** 20;

export const command: Command = {
  name: 'verify',
  summary:
    'Checks an archive against its manifest: every file there, of the right size and SHA-256, none besides, and the ZIP itself sound.',
  words: [{ name: 'FILE.zip', help: 'an archive of reports' }],
  options: {},
  run,
};

interface Problem {
  readonly file: string;
  readonly problem: string;
}

interface Found {
  readonly bytes: number;
  readonly sha256: string;
}

async function run(call: Call): Promise<Outcome> {
  const path = call.word(0);
  const zip = await open(path);
  try {
    const { found, manifest, problems } = await readAll(zip, call);
    const listed = listedFiles(manifest);
    problems.push(...compare(found, listed));
    const bytes = [...found.values()].reduce((sum, file) => sum + file.bytes, 0);
    const text =
      problems.length === 0
        ? `${path}: ${listed.size} files, ${sizeText(bytes)}; all as the manifest says.`
        : [`${path} is NOT as its manifest says:`, ...problems.map(({ file, problem }) => `  ${file}: ${problem}`)].join('\n');
    return { json: { ok: problems.length === 0, files: listed.size, bytes, problems }, text, exitCode: problems.length === 0 ? 0 : 1 };
  } finally {
    zip.close();
  }
}

async function open(path: string): Promise<ZipFile> {
  try {
    return await openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true });
  } catch (error) {
    throw invalid('zip_unreadable', `${path} cannot be read as a ZIP: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Contents {
  readonly found: ReadonlyMap<string, Found>;
  readonly manifest: unknown;
  readonly problems: Problem[];
}

/** Reads every entry once, from beginning to end; keeps the manifest alone. */
async function readAll(zip: ZipFile, call: Call): Promise<Contents> {
  const found = new Map<string, Found>();
  const problems: Problem[] = [];
  let manifest: unknown = null;
  const progress = createProgress({ screen: call.screen, label: 'reading', bytes: zip.fileSize });
  try {
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName;
      if (name.endsWith('/')) continue;
      if (found.has(name)) problems.push({ file: name, problem: 'is in the archive twice' });
      const read = await readEntry(zip, entry, name === manifestName);
      if ('problem' in read) problems.push({ file: name, problem: read.problem });
      else if (read.kept !== null) manifest = parseManifest(read.kept);
      if (!('problem' in read)) found.set(name, read);
      progress.add(entry.compressedSize);
    }
  } catch (error) {
    // yauzl refuses names that lead out of the folder, and a directory that is cut off, before we see an entry.
    if (error instanceof GatepostError) throw error;
    throw invalid('zip_damaged', error instanceof Error ? error.message : String(error));
  } finally {
    progress.end();
  }
  if (manifest === null)
    throw invalid('manifest_missing', `There is no ${manifestName} that can be read: this is no archive of Gatepost, or it is damaged.`);
  return { found, manifest, problems };
}

type EntryRead = (Found & { readonly kept: string | null }) | { readonly problem: string };

async function readEntry(zip: ZipFile, entry: Entry, keep: boolean): Promise<EntryRead> {
  const hash = createHash('sha256');
  const parts: Buffer[] = [];
  let bytes = 0;
  let crc = 0;
  try {
    const stream = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      crc = crc32(chunk, crc);
      hash.update(chunk);
      if (keep && bytes <= manifestBytesMax) parts.push(chunk);
    }
  } catch (error) {
    return { problem: `cannot be read (${error instanceof Error ? error.message : String(error)})` };
  }
  if (crc !== entry.crc32) return { problem: 'its CRC-32 is not what the ZIP says' };
  return { bytes, sha256: hash.digest('hex'), kept: keep ? Buffer.concat(parts).toString('utf8') : null };
}

function parseManifest(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('manifest_unreadable', `${manifestName} is not JSON.`);
  }
}

/** The files that a manifest names: whatever in it has a path, a size and a SHA-256. */
export function listedFiles(manifest: unknown): ReadonlyMap<string, Found> {
  const listed = new Map<string, Found>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) visit(one);
    else if (typeof value === 'object' && value !== null) {
      const { path, bytes, sha256 } = value as Readonly<Record<string, unknown>>;
      if (typeof path === 'string' && typeof bytes === 'number' && typeof sha256 === 'string') listed.set(path, { bytes, sha256 });
      else for (const one of Object.values(value)) visit(one);
    }
  };
  visit(manifest);
  return listed;
}

function compare(found: ReadonlyMap<string, Found>, listed: ReadonlyMap<string, Found>): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [file, { bytes, sha256 }] of listed) {
    const there = found.get(file);
    if (there === undefined) problems.push({ file, problem: 'is missing' });
    else if (there.bytes !== bytes) problems.push({ file, problem: `has ${there.bytes} bytes, not ${bytes}` });
    else if (there.sha256 !== sha256) problems.push({ file, problem: 'has another SHA-256' });
  }
  for (const file of found.keys()) {
    if (file !== manifestName && !listed.has(file)) problems.push({ file, problem: 'is not in the manifest' });
  }
  return problems;
}
