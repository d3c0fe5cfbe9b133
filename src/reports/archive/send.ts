import type { ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers';
import { GatepostError } from '../../errors.ts';
import type { StoredObject, StoredReader } from '../../storage/artifacts/store.ts';
import type { ZipPlan } from './zip.ts';
import { segmentAt } from './zip.ts';

/** Bytes of one write. Two such buffers are all that a download holds: one is filled while the other is on its way. */
export const pieceBytes = 512 * 1024;
/** A client that has not taken one piece within this is let go, in ms: a trickle must not hold a file open for days. */
export const pieceMsMax = 300_000;

export interface SendOptions {
  readonly plan: ZipPlan;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Opens the payload of the entry with this index; null where it has gone. */
  readonly open: (entry: number) => Promise<StoredReader | null>;
  /** What the payload of this entry was when the archive was planned. */
  readonly expected: (entry: number) => StoredObject;
}

/**
 * Writes a stretch of the archive and waits until the last byte is handed to the system. Reads no further ahead than one piece. Fails with
 * `client_gone` where the client leaves; whatever happens, no file stays open.
 */
export async function sendArchive(response: ServerResponse, options: SendOptions): Promise<void> {
  const source = createSource(options);
  const line = createLine(response);
  const size = Math.min(pieceBytes, options.end - options.start);
  const buffers = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
  try {
    let sent: Promise<void> = Promise.resolve();
    for (let turn = 0; ; turn ^= 1) {
      const buffer = buffers[turn] ?? Buffer.alloc(0);
      const length = await source.fill(buffer);
      await sent;
      if (length === 0) break;
      sent = line.write(buffer.subarray(0, length));
      // Waited for in the next turn; without this a client that leaves while the disk is read would be an unhandled rejection.
      sent.catch(() => undefined);
    }
  } finally {
    line.end();
    await source.close();
  }
}

interface Source {
  /** Fills the buffer as far as there is something left, and answers how far. */
  fill(buffer: Buffer): Promise<number>;
  close(): Promise<void>;
}

function createSource({ plan, start, end, open, expected }: SendOptions): Source {
  let position = start;
  let index = segmentAt(plan, start);
  let reader: StoredReader | null = null;
  const readerOf = async (entry: number): Promise<StoredReader> => {
    if (reader !== null) return reader;
    reader = await open(entry);
    if (reader === null || !isSame(reader.object, expected(entry))) {
      throw new GatepostError('internal', 'artifact_missing', 'An artefact went away while it was sent.');
    }
    return reader;
  };
  const close = async (): Promise<void> => {
    const closing = reader;
    reader = null;
    await closing?.close();
  };
  /** Some bytes of the current segment. */
  const take = async (into: Buffer): Promise<number> => {
    const segment = plan.segments[index];
    if (segment === undefined) return 0;
    const offset = position - segment.start;
    if ('bytes' in segment) return segment.bytes.copy(into, 0, offset);
    const length = await (await readerOf(segment.entry)).read(into.subarray(0, segment.length - offset), offset);
    if (length === 0) throw new GatepostError('internal', 'artifact_missing', 'An artefact ended too early.');
    return length;
  };
  return {
    close,
    async fill(buffer) {
      let filled = 0;
      while (filled < buffer.length && position < end) {
        const length = await take(buffer.subarray(filled, filled + Math.min(buffer.length - filled, end - position)));
        filled += length;
        position += length;
        const segment = plan.segments[index];
        if (segment !== undefined && position === segment.start + segment.length) {
          await close();
          index += 1;
        }
      }
      return filled;
    },
  };
}

function isSame(a: StoredObject, b: StoredObject): boolean {
  return a.sha256 === b.sha256 && a.storedBytes === b.storedBytes && a.method === b.method && a.crc32 === b.crc32;
}

interface Line {
  /** Settles once the system has taken the bytes; only then may the buffer be used again. */
  write(bytes: Buffer): Promise<void>;
  end(): void;
}

function createLine(response: ServerResponse): Line {
  let fail: ((error: Error) => void) | null = null;
  const gone = (): void => fail?.(clientGone());
  response.on('close', gone);
  // A write that comes after the end of the connection is told by its callback as well.
  response.on('error', gone);
  const timer = setTimeout(() => response.destroy(), pieceMsMax);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (response.destroyed) {
          reject(clientGone());
          return;
        }
        fail = reject;
        timer.refresh();
        response.write(bytes, (error) => {
          fail = null;
          if (error) reject(clientGone());
          else resolve();
        });
      }),
    end() {
      clearTimeout(timer);
      response.off('close', gone);
    },
  };
}

function clientGone(): GatepostError {
  return new GatepostError('unavailable', 'client_gone', 'The client left.');
}
