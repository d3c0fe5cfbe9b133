import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { GatepostError } from '../../errors.ts';
import { objectHeaderBytes, readObjectHeader } from './object.ts';
import { damagedSuffix, errorCode } from './place.ts';
import type { StoredObject, StoredReader } from './store.ts';

/** Bytes asked of the disk at once. */
const chunkBytes = 256 * 1024;

/** Opens an object's file; null where it is missing, cut short, another's or its header is damaged. */
export async function openObject(path: string, sha256: string): Promise<StoredReader | null> {
  const file = await openFile(path);
  if (file === null) return null;
  try {
    const object = await facts(file, sha256);
    if (object !== null) return reader(file, object);
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return null;
}

async function openFile(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function facts(file: FileHandle, sha256: string): Promise<StoredObject | null> {
  const header = Buffer.alloc(objectHeaderBytes);
  const { bytesRead } = await file.read(header, 0, objectHeaderBytes, 0);
  const object = readObjectHeader(header.subarray(0, bytesRead));
  if (object === null || object.sha256 !== sha256) return null;
  const { size } = await file.stat();
  return size === objectHeaderBytes + object.storedBytes ? object : null;
}

function reader(file: FileHandle, object: StoredObject): StoredReader {
  return {
    object,
    async read(into, position) {
      const wanted = Math.min(into.length, object.storedBytes - position);
      if (wanted <= 0) return 0;
      const { bytesRead } = await file.read(into, 0, wanted, objectHeaderBytes + position);
      return bytesRead;
    },
    close: () => file.close(),
  };
}

export async function headObject(path: string, sha256: string): Promise<StoredObject | null> {
  const opened = await openObject(path, sha256);
  await opened?.close();
  return opened?.object ?? null;
}

/** The payload as it lies there. */
export async function* readStored(
  path: string,
  sha256: string,
  range?: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array> {
  const opened = await openObject(path, sha256);
  if (opened === null) throw new GatepostError('internal', 'artifact_missing', 'An artefact is missing from the store.');
  try {
    const end = Math.min(range?.end ?? opened.object.storedBytes, opened.object.storedBytes);
    for (let at = range?.start ?? 0; at < end; ) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - at));
      const length = await opened.read(chunk, at);
      if (length === 0) throw new GatepostError('internal', 'artifact_damaged', 'An artefact is shorter than it was.');
      yield chunk.subarray(0, length);
      at += length;
    }
  } finally {
    await opened.close();
  }
}

/** The bytes as they came. What does not add up at the end is set aside, and the reader gets an error instead of an end. */
export async function* readObject(path: string, sha256: string): AsyncGenerator<Uint8Array> {
  const object = await headObject(path, sha256);
  if (object === null) throw new GatepostError('internal', 'artifact_missing', 'An artefact is missing from the store.');
  let bytes = 0;
  let crc = 0;
  try {
    for await (const chunk of inflated(object, readStored(path, sha256))) {
      bytes += chunk.length;
      crc = crc32(chunk, crc);
      yield chunk;
    }
  } catch (error) {
    if (isInflateError(error)) throw await setAside(path, error);
    throw error;
  }
  if (bytes !== object.bytes || crc !== object.crc32) throw await setAside(path);
}

function inflated(object: StoredObject, payload: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (object.method === 'stored') return payload;
  const inflate = createInflateRaw({ chunkSize: chunkBytes });
  const source = Readable.from(payload, { objectMode: true, highWaterMark: 1 });
  source.on('error', (error) => inflate.destroy(error));
  inflate.on('close', () => source.destroy());
  return source.pipe(inflate);
}

function isInflateError(error: unknown): boolean {
  return errorCode(error).startsWith('Z_');
}

async function setAside(path: string, cause?: unknown): Promise<GatepostError> {
  await renameDamaged(path);
  return new GatepostError('internal', 'artifact_damaged', 'An artefact is damaged in the store.', { cause });
}

async function renameDamaged(path: string): Promise<void> {
  try {
    await rename(path, `${path}${damagedSuffix}`);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** See `ArtifactStore.verify`. */
export async function verifyObject(path: string, sha256: string): Promise<'sound' | 'missing' | 'damaged'> {
  if (!(await isThere(path))) return (await isThere(`${path}${damagedSuffix}`)) ? 'damaged' : 'missing';
  const hash = createHash('sha256');
  try {
    for await (const chunk of readObject(path, sha256)) hash.update(chunk);
    if (hash.digest('hex') === sha256) return 'sound';
  } catch (error) {
    if (!(error instanceof GatepostError)) throw error;
  }
  await renameDamaged(path);
  return 'damaged';
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
