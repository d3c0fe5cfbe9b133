import type { Readable } from 'node:stream';
import { GatepostError, invalid } from '../../errors.ts';

/** How often is looked whether a client still sends, … */
export const uploadLookMs = 15_000;
/** … and what it must have sent since, if all that time we waited for it alone: some 2 KiB a second. */
export const uploadBytesMin = 32 * 2 ** 10;

/** While others wait for their turn: so much in so long, some 32 KiB a second. */
export const uploadBusyMs = 5_000;
export const uploadBusyBytesMin = 160 * 2 ** 10;

/** A push as it arrives: read to a length first, then piece by piece. */
export interface PushBody {
  /** So many bytes; null where the body ends before the first of them. Fails with `push_incomplete`, `push_too_slow`. */
  exactly(bytes: number): Promise<Buffer | null>;
  /** The next piece; null at the end. Fails likewise. */
  next(): Promise<Buffer | null>;
  /** All that is left, where that is no more than so many bytes, else null; `next` gives it either way. Fails likewise. */
  whole(bytesMax: number): Promise<Buffer | null>;
  /** How many bytes came. */
  received(): number;
  /** From here on git has a place for it, which others may wait for. */
  takesPlace(): void;
  /** Ends what watches it. */
  close(): void;
}

export interface UploadLimits {
  readonly lookMs: number;
  readonly bytesMin: number;
  readonly busyMs?: number;
  readonly busyBytesMin?: number;
}

/** `areOthersWaiting`: whether others wait for the place that this push holds. */
export function openPushBody(
  stream: Readable,
  limits: UploadLimits = { lookMs: uploadLookMs, bytesMin: uploadBytesMin },
  areOthersWaiting: () => boolean = () => false,
): PushBody {
  let hasPlace = false;
  const { arrived, received, close } = watchArrivals(stream, limits, () => hasPlace && areOthersWaiting());
  let held: Buffer = Buffer.alloc(0);
  return {
    async exactly(bytes) {
      const parts: Buffer[] = [held];
      let length = held.length;
      while (length < bytes) {
        const piece = await arrived();
        if (piece === null && length === 0) return null;
        if (piece === null) throw incomplete();
        parts.push(piece);
        length += piece.length;
      }
      const all = parts.length === 1 ? held : Buffer.concat(parts);
      held = all.subarray(bytes);
      return all.subarray(0, bytes);
    },
    async next() {
      if (held.length === 0) return arrived();
      const piece = held;
      held = Buffer.alloc(0);
      return piece;
    },
    async whole(bytesMax) {
      const parts: Buffer[] = [held];
      let length = held.length;
      let piece: Buffer | null = held;
      while (piece !== null && length <= bytesMax) {
        piece = await arrived();
        if (piece !== null) parts.push(piece);
        length += piece?.length ?? 0;
      }
      held = Buffer.concat(parts);
      return piece === null ? held : null;
    },
    received,
    takesPlace() {
      hasPlace = true;
    },
    close,
  };
}

interface Arrivals {
  /** The next piece; null at the end. */
  arrived(): Promise<Buffer | null>;
  received(): number;
  close(): void;
}

function watchArrivals(stream: Readable, limits: UploadLimits, isInTheWay: () => boolean): Arrivals {
  const pieces = (stream.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>)[Symbol.asyncIterator]();
  // One for each wait, not a race against one promise for all of them: that would hold every piece until the push has ended.
  let giveUp: ((error: GatepostError) => void) | null = null;
  let failure: GatepostError | null = null;
  let received = 0;
  let isWaiting = false;
  const { busyMs = uploadBusyMs, busyBytesMin = uploadBusyBytesMin } = limits;
  const watch = (everyMs: number, bytesMin: number, isOn: () => boolean): NodeJS.Timeout => {
    let [seen, wasWaiting] = [0, true];
    return setInterval(() => {
      if (isWaiting && wasWaiting && received - seen < bytesMin && isOn()) {
        failure = invalid('push_too_slow', 'The push stopped arriving.');
        giveUp?.(failure);
      }
      [seen, wasWaiting] = [received, isWaiting];
    }, everyMs).unref();
  };
  const timers = [watch(limits.lookMs, limits.bytesMin, () => true), watch(busyMs, busyBytesMin, isInTheWay)];
  const next = (): Promise<IteratorResult<Buffer, undefined>> =>
    new Promise((resolve, reject) => {
      giveUp = reject;
      (pieces.next() as Promise<IteratorResult<Buffer, undefined>>).then(resolve, reject);
    });
  return {
    async arrived() {
      if (failure !== null) throw failure;
      isWaiting = true;
      try {
        const { value } = await next();
        received += value?.length ?? 0;
        return value ?? null;
      } catch (error) {
        throw error instanceof GatepostError ? error : incomplete();
      } finally {
        isWaiting = false;
      }
    },
    received: () => received,
    close: () => timers.forEach((timer) => clearInterval(timer)),
  };
}

function incomplete(): GatepostError {
  return invalid('push_incomplete', 'The push ended too early.');
}
