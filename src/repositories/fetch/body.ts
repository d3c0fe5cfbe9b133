import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { GatepostError, invalid } from '../../errors.ts';
import { partsOfFree } from '../git/slots.ts';

/** What a fetch may ask with, unpacked: some two hundred thousand objects that the client wants or has. */
export const fetchBodyBytesMax = 16 * 2 ** 20;
/** All such bodies that are being read; an organization has at most three times as much of it as it leaves free. */
export const fetchBodiesBytesMax = 64 * 2 ** 20;
/** A fetch's question must be in within this. */
export const fetchBodyMs = 60_000;

/**
 * The request's body, unpacked where it is gzip (git does so with a large question). An error of the packing is the stream's error. Fails with
 * `unsupported_content_encoding` (415).
 */
export function openBody({ raw, headers }: Pick<FastifyRequest, 'raw' | 'headers'>): Readable {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return raw;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new GatepostError(
      'unsupported_media_type',
      'unsupported_content_encoding',
      'The body may be packed by gzip, and by nothing else.',
    );
  }
  const unpacked = createGunzip();
  raw.once('error', (error) => unpacked.destroy(error));
  raw.once('close', () => {
    if (!raw.complete) unpacked.destroy(new Error('The client left.'));
  });
  return raw.pipe(unpacked);
}

export interface BodyReader {
  /** The whole body. Fails with `body_too_large`, `body_incomplete`, `body_too_slow`, `invalid_gzip`, `git_busy`. */
  read(request: Pick<FastifyRequest, 'raw' | 'headers'>, organization: string): Promise<Buffer>;
}

export interface BodyLimits {
  readonly bytesMax?: number;
  readonly allBytesMax?: number;
  readonly withinMs?: number;
}

/** Reads questions of fetches whole before a process is started for them, so that a client that dribbles holds a little memory and nothing else. */
export function createBodyReader(limits: BodyLimits = {}): BodyReader {
  const { bytesMax = fetchBodyBytesMax, allBytesMax = fetchBodiesBytesMax, withinMs = fetchBodyMs } = limits;
  let all = 0;
  const held = new Map<string, number>();
  const hold = (organization: string, bytes: number): void => {
    all += bytes;
    const own = (held.get(organization) ?? 0) + bytes;
    if (own === 0) held.delete(organization);
    else held.set(organization, own);
  };
  // As with places: none holds so much that nothing is left for others.
  const isTooMuch = (organization: string): boolean => (held.get(organization) ?? 0) > partsOfFree * Math.max(0, allBytesMax - all);
  return {
    async read(request, organization) {
      const body = openBody(request);
      const chunks: Buffer[] = [];
      let own = 0;
      let over = false;
      const collected = async (): Promise<Buffer> => {
        // The line stays open on a refusal, so that it can be told.
        for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
          if (over) break;
          own += chunk.length;
          hold(organization, chunk.length);
          if (own > bytesMax) throw tooLarge(bytesMax);
          if (isTooMuch(organization)) throw tooMuch();
          chunks.push(chunk);
        }
        return Buffer.concat(chunks);
      };
      try {
        return await within(collected(), withinMs);
      } catch (error) {
        request.raw.unpipe();
        throw broken(error);
      } finally {
        over = true;
        hold(organization, -own);
      }
    },
  };
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(invalid('body_too_slow', 'The body did not arrive in time.')), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(bytesMax: number): GatepostError {
  return new GatepostError('too_large', 'body_too_large', `The body is larger than ${bytesMax} bytes after unpacking.`, {
    details: { bytesMax },
  });
}

function tooMuch(): GatepostError {
  return new GatepostError('unavailable', 'git_busy', 'Too many large requests at once. Try again in a moment.', { retryAfterSeconds: 10 });
}

function broken(error: unknown): GatepostError {
  if (error instanceof GatepostError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('Z_')
    ? invalid('invalid_gzip', 'The body is not gzip, as Content-Encoding says.')
    : invalid('body_incomplete', 'The body ended too early.');
}
