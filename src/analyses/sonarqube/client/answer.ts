import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { sourceFault } from './fault.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly retryAfterSeconds: number | undefined;
}

export interface RawAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

/** Reads an answer whole, unpacked, up to a limit that counts what comes out. A body that is cut fails with `source_answer_invalid`. */
export async function readAnswer(
  raw: RawAnswer,
  { path, bytesMax }: { readonly path: string; readonly bytesMax: number },
): Promise<Answer> {
  const packed = headerOf(raw, 'content-encoding').toLowerCase() === 'gzip';
  const source = packed ? raw.body.pipe(createGunzip()) : raw.body;
  // An error of the packed stream does not travel through a pipe by itself.
  if (packed) raw.body.once('error', (error) => source.destroy(error));
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of source as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > bytesMax) throw sourceFault('source_answer_invalid', { path, status: raw.statusCode, said: 'too large' });
      parts.push(part);
    }
  } catch (error) {
    raw.body.on('error', () => undefined).destroy();
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^(UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|ECONNRESET|HPE_|Z_)/.test(code)) {
      throw sourceFault('source_answer_invalid', { path, status: raw.statusCode, said: 'cut', reason: code });
    }
    throw error;
  }
  return {
    status: raw.statusCode,
    type: headerOf(raw, 'content-type').toLowerCase(),
    text: Buffer.concat(parts).toString('utf8'),
    retryAfterSeconds: secondsOf(headerOf(raw, 'retry-after')),
  };
}

function headerOf(raw: RawAnswer, name: string): string {
  const value = raw.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** Whole seconds; a date is not taken: whose clock is right nobody knows. */
function secondsOf(text: string): number | undefined {
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

/** The value of a JSON answer; undefined where the text is none. */
export function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** `errors[].msg` of an error answer, one line each; undefined where the answer is not of that shape. */
export function messagesOf(text: string): string | undefined {
  const value = jsonOf(text)?.value;
  if (typeof value !== 'object' || value === null) return undefined;
  const { errors, message } = value as { readonly errors?: unknown; readonly message?: unknown };
  // The newer half of the API (api/v2) writes one message.
  if (typeof message === 'string') return message;
  if (!Array.isArray(errors)) return undefined;
  return errors
    .map((each: unknown) => (typeof each === 'object' && each !== null && 'msg' in each ? String(each.msg) : ''))
    .filter((text) => text !== '')
    .join('\n');
}
