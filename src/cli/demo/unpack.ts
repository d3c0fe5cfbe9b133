import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Entry, ZipFile } from 'yauzl';
import yauzl from 'yauzl';

export interface Unpacked {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

/** Unpacks an archive into a folder with a library that is not ours. Fails on a name that would leave the folder, and on a wrong CRC-32. */
export async function unpack(archive: string, folder: string): Promise<readonly Unpacked[]> {
  const zip = await open(archive);
  const files: Unpacked[] = [];
  for await (const entry of entriesOf(zip)) {
    const path = join(folder, entry.fileName);
    if (!path.startsWith(folder + sep)) throw new Error(`${entry.fileName} would leave the folder`);
    if (entry.fileName.endsWith('/')) continue;
    await mkdir(dirname(path), { recursive: true });
    await pipeline(await read(zip, entry), createWriteStream(path));
    files.push({ name: entry.fileName, path, bytes: entry.uncompressedSize });
  }
  return files;
}

/** `4 html, 4 pdf, 6 json`. */
export function kinds(files: readonly Unpacked[]): string {
  const counts = Map.groupBy(files, ({ name }) => name.slice(name.lastIndexOf('.') + 1));
  return [...counts].map(([kind, found]) => `${found.length} ${kind}`).join(', ');
}

function open(archive: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(archive, { lazyEntries: true, autoClose: true }, (error, zip) => (error === null ? resolve(zip) : reject(error)));
  });
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (let left = zip.entryCount; left > 0; left -= 1) {
    const { promise, resolve, reject } = Promise.withResolvers<Entry>();
    zip.once('entry', resolve);
    zip.once('error', reject);
    zip.readEntry();
    yield await promise;
    zip.off('error', reject);
  }
}

function read(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(error)));
  });
}
