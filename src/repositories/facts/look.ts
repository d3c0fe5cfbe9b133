import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { GatepostError } from '../../errors.ts';
import { lookTimeoutMs } from './limits.ts';
import type { FactsSource } from './facts.ts';

export interface LookOptions extends FactsSource {
  readonly args: readonly string[];
  readonly input?: string;
}

/** `ended`: read to its end, and git was content. `enough`: the reader wanted no more. `failed`: git stumbled, over an object that is not there say. */
export type LookEnd = 'ended' | 'enough' | 'failed';

/**
 * Runs git and hands what it writes to a reader, piece by piece; a reader that answers false has enough, and git is ended. Fails where git cannot be
 * run now (`git_missing`, `git_busy`), with `git_timeout`, and with `git_ended` where it was ended by another: what it had written is half the truth.
 */
export async function look({ git, repository, args, input = '' }: LookOptions, reader: (chunk: Buffer) => boolean): Promise<LookEnd> {
  const process = await git.start({ repository, args });
  const over = { late: false, enough: true };
  const timer = setTimeout(() => {
    over.late = true;
    process.end();
  }, lookTimeoutMs);
  process.stdin.end(input);
  try {
    over.enough = !(await readAll(process.stdout, reader));
  } finally {
    if (over.enough) process.end();
    clearTimeout(timer);
  }
  const { status } = await process.ended;
  if (over.late) throw new GatepostError('unavailable', 'git_timeout', 'Reading the repository took too long.', { retryAfterSeconds: 10 });
  if (over.enough) return 'enough';
  if (status === null)
    throw new GatepostError('unavailable', 'git_ended', 'Reading the repository was broken off.', { retryAfterSeconds: 10 });
  return status === 0 ? 'ended' : 'failed';
}

/** Answers whether the reader wanted all of it. What comes after it has had enough is thrown away, so that the process can end. */
async function readAll(stream: Readable, reader: (chunk: Buffer) => boolean): Promise<boolean> {
  let wanted = true;
  const failures: unknown[] = [];
  stream.on('data', (chunk: Buffer) => {
    try {
      if (wanted) wanted = reader(chunk);
    } catch (error) {
      // Thrown from here it would end the server.
      failures.push(error);
      wanted = false;
    }
    if (!wanted) stream.emit('enough');
  });
  const end = new AbortController();
  const signal = end.signal;
  await Promise.race(['end', 'close', 'enough', 'error'].map((name) => once(stream, name, { signal }).catch(() => undefined)));
  end.abort();
  if (failures.length > 0) throw failures[0];
  return wanted;
}

/** Cuts a stream at a byte; of a piece at most `bytesMax` are kept, and `whole` says whether that was all. */
export function pieces(options: {
  readonly at: number;
  readonly bytesMax: number;
  readonly take: (piece: Buffer, whole: boolean) => boolean;
}): (chunk: Buffer) => boolean {
  const { at, bytesMax, take } = options;
  let kept: Buffer[] = [];
  let [bytes, whole] = [0, true];
  const keep = (part: Buffer): void => {
    const room = part.subarray(0, bytesMax - bytes);
    if (room.length < part.length) whole = false;
    if (room.length > 0) kept.push(room);
    bytes += room.length;
  };
  return (chunk) => {
    for (let start = 0; start < chunk.length; ) {
      const end = chunk.indexOf(at, start);
      keep(chunk.subarray(start, end === -1 ? chunk.length : end));
      if (end === -1) return true;
      const piece = kept.length === 1 && kept[0] !== undefined ? kept[0] : Buffer.concat(kept);
      const isWhole = whole;
      [kept, bytes, whole] = [[], 0, true];
      if (!take(piece, isWhole)) return false;
      start = end + 1;
    }
    return true;
  };
}
