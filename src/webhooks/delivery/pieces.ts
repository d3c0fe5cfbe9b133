import { setImmediate } from 'node:timers/promises';

/** Things that are done without a pause for the others: what reads requests is held no longer than this many take. */
const pieceMax = 32;

/** Does something with each, and lets others have their turn now and then. */
export async function inPieces<T>(all: readonly T[], each: (one: T, index: number) => void): Promise<void> {
  for (const [index, one] of all.entries()) {
    if (index > 0 && index % pieceMax === 0) await setImmediate();
    each(one, index);
  }
}
