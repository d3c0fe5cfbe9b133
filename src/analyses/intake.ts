import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { GatepostError, invalid } from '../errors.ts';
import type { ArtifactStore, StoredObject } from '../storage/artifacts/store.ts';

/** How well scanners' files are packed on disk: quickly, since the caller waits. They shrink to a tenth even so. */
export const bodyLevel = 1;

export interface IntakeOptions {
  readonly artifacts: ArtifactStore;
  readonly organization: string;
  readonly body: Readable;
  /** `Content-Encoding` of the request. */
  readonly encoding: string | undefined;
  /** Bytes of the body after unpacking, and as it came. */
  readonly bytesMax: number;
}

/**
 * Puts the body of a request on disk as it streams in, unpacked, and answers what it is. Fails with `unsupported_encoding`, `empty_body`,
 * `not_json` (it begins with something else than an object), `gzip_invalid`, `gzip_truncated`, `body_too_large`; nothing is left behind then.
 */
export async function takeBody({ artifacts, organization, body, encoding, bytesMax }: IntakeOptions): Promise<StoredObject> {
  // Left as it is where reading ends early: a request that is destroyed would leave its connection neither read nor closed.
  const packed = bounded(body.iterator({ destroyOnReturn: false }), bytesMax);
  try {
    return await artifacts.put(organization, beginningAsJson(unpacked(packed, encoding)), { level: bodyLevel, bytesMax });
  } catch (error) {
    if (error instanceof GatepostError && error.code === 'artifact_too_large') throw tooLarge(bytesMax);
    throw error;
  }
}

function tooLarge(bytesMax: number): GatepostError {
  return new GatepostError('too_large', 'body_too_large', `The body is larger than ${bytesMax} bytes (counted after unpacking).`, {
    details: { bytesMax },
  });
}

/** A body that unpacks to nothing could otherwise be of any size. */
async function* bounded(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    yield chunk;
  }
}

function unpacked(source: AsyncIterable<Uint8Array>, encoding: string | undefined): AsyncIterable<Uint8Array> {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return source;
  if (name !== 'gzip' && name !== 'x-gzip') {
    throw new GatepostError('unsupported_media_type', 'unsupported_encoding', 'A body comes as it is or as Content-Encoding: gzip.', {
      details: { encoding: name.slice(0, 100) },
    });
  }
  return gunzipped(source);
}

async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 128 * 1024 });
  let sourceError: Error | undefined;
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      sourceError = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  };
  // Whatever happens is told where the bytes are read.
  pipeline(watched(), gunzip, () => undefined);
  try {
    for await (const chunk of gunzip as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    if (sourceError !== undefined) throw sourceError;
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'Z_BUF_ERROR') throw invalid('gzip_truncated', 'The gzip body ends too early.');
    if (typeof code === 'string' && code.startsWith('Z_'))
      throw invalid('gzip_invalid', 'The body is not gzip, though Content-Encoding says so.');
    throw error;
  } finally {
    gunzip.destroy();
  }
}

const blanks: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const byteOrderMark = [0xef, 0xbb, 0xbf];

/** Passes everything on, once the first byte that is no blank (nor the byte order mark) has turned out to open an object. */
async function* beginningAsJson(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let begun = false;
  for await (const chunk of source) {
    for (let at = 0; !begun && at < chunk.length; at += 1, offset += 1) {
      const byte = chunk[at] ?? 0;
      if (blanks.has(byte) || byteOrderMark[offset] === byte) continue;
      if (byte !== 0x7b) throw invalid('not_json', 'The body does not begin with a JSON object, as a SARIF log does.', { offset });
      begun = true;
    }
    yield chunk;
  }
  if (!begun) throw invalid('empty_body', 'The body is empty.');
}
