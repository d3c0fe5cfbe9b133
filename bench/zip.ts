// `npm run bench -- zip [--mb 2048] [--file-mb 5] [--pairs 5]`: artefacts in one archive, against a bare Node stream of a file with the very
// same bytes, turn and turn about; and how much memory that takes above idle. nginx (sendfile) beside it where it is installed.
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { Insertable } from 'kysely';
import { systemClock } from '../src/clock.ts';
import { createArtifactDirectory } from '../src/storage/artifacts/directory.ts';
import { openDatabase } from '../src/storage/database/open.ts';
import type { SnapshotArtifactsTable } from '../src/storage/database/schema.ts';
import { acme, idOf, insertOrganization, insertReports, snapshotId } from '../test/report-rows.ts';
import { bar, median, megabyte, print } from './load/figures.ts';
import { startServer } from './load/process.ts';
import { download } from './zip/download.ts';
import { startNginx } from './zip/nginx.ts';

const ratioMin = 0.8;
const memoryMegabytesMax = 50;
const filesOfReport = 4;

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '2048' },
    'file-mb': { type: 'string', default: '5' },
    pairs: { type: 'string', default: '5' },
  },
});

const directory = mkdtempSync(join(tmpdir(), 'gatepost-bench-'));
try {
  await main(Number(values.mb), Number(values['file-mb']), Number(values.pairs));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function main(megabytes: number, fileMegabytes: number, pairs: number): Promise<void> {
  const reports = await fill(Math.max(1, Math.round(megabytes / fileMegabytes / filesOfReport)), fileMegabytes * megabyte);
  const ours = await startServer(new URL('zip/server.ts', import.meta.url), ['ours', directory]);
  const url = `http://127.0.0.1:${ours.port}/security/report/files?org=${acme}&reports=${reports.join(',')}`;
  // Before its first archive.
  const idle = await ours.idle();
  await save(url, join(directory, 'whole.zip'));
  const bare = await startServer(new URL('zip/server.ts', import.meta.url), ['bare', join(directory, 'whole.zip')]);
  const bareUrl = `http://127.0.0.1:${bare.port}/`;
  const nginx = await startNginx(directory, 'whole.zip');
  try {
    const speeds: Record<'ours' | 'bare' | 'nginx', number[]> = { ours: [], bare: [], nginx: [] };
    const measure = async (name: keyof typeof speeds, from: string): Promise<number> => {
      const { bytes, seconds } = await download(from);
      speeds[name].push(bytes / megabyte / seconds);
      return bytes;
    };
    const bareIdle = await bare.idle();
    let bytes = 0;
    for (let pair = 0; pair < pairs; pair += 1) {
      bytes = await measure('ours', url);
      await measure('bare', bareUrl);
      if (nginx !== null) await measure('nginx', nginx.url);
    }
    const [above, bareAbove] = [((await ours.peak()) - idle) / megabyte, ((await bare.peak()) - bareIdle) / megabyte];
    const ratio = median(speeds.ours.map((speed, pair) => speed / (speeds.bare[pair] ?? Number.NaN)));
    print([
      `archive     ${(bytes / megabyte).toFixed(0)} MB, ${reports.length} reports, ${reports.length * filesOfReport} files; median of ${pairs} interleaved pairs`,
      `ours        ${median(speeds.ours).toFixed(0)} MB/s, ${above.toFixed(0)} MB above idle (${(idle / megabyte).toFixed(0)} MB)`,
      `bare        ${median(speeds.bare).toFixed(0)} MB/s, ${bareAbove.toFixed(0)} MB above idle: fs.createReadStream of one file with the same bytes, piped to the response`,
      `nginx       ${nginx === null ? 'not installed' : `${median(speeds.nginx).toFixed(0)} MB/s (sendfile)`}`,
      bar(ratio >= ratioMin, `ratio       ${ratio.toFixed(2)} of bare, at least ${ratioMin}`),
      bar(above <= memoryMegabytesMax, `memory      ${above.toFixed(0)} MB above idle, at most ${memoryMegabytesMax}`),
    ]);
  } finally {
    await Promise.all([ours.stop(), bare.stop(), nginx?.stop()]);
  }
}

/** Reports with four files each, none like another. Answers their ids. */
async function fill(count: number, fileBytes: number): Promise<readonly string[]> {
  const database = await openDatabase({ directory }, 'server');
  const store = createArtifactDirectory({ root: join(directory, 'artifacts'), clock: systemClock });
  const numbers = Array.from({ length: count }, (_, number) => number);
  await insertOrganization(database);
  await insertReports(
    database,
    numbers.map((number) => ({ number, version: `1.${number}`, date: Date.UTC(2025, 11, 17) })),
  );
  const block = randomBytes(megabyte);
  for (const number of numbers) {
    const rows: Insertable<SnapshotArtifactsTable>[] = [];
    for (let position = 0; position < filesOfReport; position += 1) {
      const object = await store.put(acme, blocks(`${number} ${position}`, block, fileBytes), { level: 0, bytesMax: fileBytes });
      const { sha256, bytes, storedBytes: stored_bytes, crc32, method } = object;
      const name = `report-${position + 1}.pdf`;
      rows.push({
        organization: acme,
        snapshot: snapshotId(number),
        name,
        position,
        media_type: 'application/pdf',
        sha256,
        bytes,
        stored_bytes,
        crc32,
        method,
      });
    }
    await database.write((tx) => tx.insertInto('snapshot_artifacts').values(rows).execute());
  }
  await database.close();
  return numbers.map(idOf);
}

async function* blocks(head: string, block: Buffer, bytes: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(head.padEnd(16));
  for (let left = bytes - 16; left > 0; left -= block.length) yield block.subarray(0, left);
}

async function save(url: string, file: string): Promise<void> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`The archive could not be had: ${response.statusCode}`);
  await pipeline(response, createWriteStream(file));
}
