import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, createDeflateRaw } from 'node:zlib';
import { GatepostError } from '../../errors.ts';
import { objectHeaderBytes, writeObjectHeader } from './object.ts';
import type { PutOptions, StoredObject } from './store.ts';

/** What is hashed, deflated and written at once, in bytes: large enough to be quick, small enough not to stall the loop. */
const pieceBytes = 256 * 1024;

/**
 * Writes an object, header and payload, to an open empty file and makes it durable. Holds a few pieces in memory, whatever the size. Fails with
 * `artifact_too_large` past `bytesMax`; the caller removes the file then.
 */
export async function writeObject(file: FileHandle, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredObject> {
  const hash = createHash('sha256');
  let crc = 0;
  let bytes = 0;
  let storedBytes = 0;
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const piece of inPieces(source)) {
      bytes += piece.length;
      if (bytes > options.bytesMax) throw tooLarge(options.bytesMax);
      hash.update(piece);
      crc = crc32(piece, crc);
      yield piece;
    }
  }
  async function keep(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of pieces) {
      await writeAll(file, piece, objectHeaderBytes + storedBytes);
      storedBytes += piece.length;
    }
  }
  if (options.level === 0) await keep(measured());
  else
    await pipeline(measured(), createDeflateRaw({ level: options.level, chunkSize: pieceBytes, memLevel: constants.Z_MAX_MEMLEVEL }), keep);
  const object: StoredObject = {
    sha256: hash.digest('hex'),
    bytes,
    storedBytes,
    crc32: crc,
    method: options.level === 0 ? 'stored' : 'deflated',
  };
  await writeAll(file, writeObjectHeader(object), 0);
  await file.sync();
  return object;
}

function tooLarge(bytesMax: number): GatepostError {
  return new GatepostError('too_large', 'artifact_too_large', `An artefact may have ${bytesMax} bytes at most.`, { details: { bytesMax } });
}

/** A disk that is nearly full may take a part of what it is given; the rest then says why. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Gathers small chunks and cuts large ones, so that neither a thousand lines nor one huge buffer costs more than its bytes. */
async function* inPieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    gathered.push(chunk);
    length += chunk.length;
    if (length < pieceBytes) continue;
    const whole = gathered.length === 1 ? chunk : Buffer.concat(gathered, length);
    for (let at = 0; at < length; at += pieceBytes) yield whole.subarray(at, at + pieceBytes);
    gathered = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(gathered, length);
}
