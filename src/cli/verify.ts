import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Entry, ZipFile } from 'yauzl';
import { openPromise } from 'yauzl';
import { GatepostError, invalid } from '../errors.ts';
import { manifestName } from '../reports/archive/manifest.ts';
import type { Call, Command, Outcome } from './command.ts';
import { createProgress, sizeText } from './progress.ts';

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

const listedFile = Type.Object({
  path: Type.String(),
  bytes: Type.Integer({ minimum: 0 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
});
const archiveManifest = Type.Object({
  format: Type.Literal('gatepost-archive'),
  formatVersion: Type.Literal(1),
  reports: Type.Array(Type.Object({ files: Type.Array(listedFile) })),
  scans: Type.Array(listedFile),
});

/** The files that a manifest names. */
function listedFiles(manifest: unknown): ReadonlyMap<string, Found> {
  if (!Value.Check(archiveManifest, manifest)) {
    throw invalid('manifest_unreadable', `${manifestName} is none that this version knows. Was the archive made by a newer Gatepost?`);
  }
  const files = [...manifest.reports.flatMap((report) => report.files), ...manifest.scans];
  return new Map(files.map(({ path, bytes, sha256 }) => [path, { bytes, sha256 }]));
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
