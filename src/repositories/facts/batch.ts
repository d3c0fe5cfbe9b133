import type { FactsSource } from './facts.ts';
import { commitBytesMax } from './limits.ts';
import { look } from './look.ts';
import type { StoredObject } from './objects.ts';

export interface FoundObject {
  /** Of the object that was found: another than was asked for where the name was to be looked through. */
  readonly id: string;
  readonly type: StoredObject['type'];
  /** Its first `commitBytesMax`. */
  readonly body: Buffer;
}

/**
 * Objects by their names (`<id>`, `<id>^{commit}`) in one process of git, each handed to `take` with the place of its name; those that are not there
 * are left out, and so is what follows one that git cannot read.
 */
export async function readObjects(
  source: FactsSource,
  names: readonly string[],
  take: (index: number, object: FoundObject) => void,
): Promise<void> {
  if (names.length === 0) return;
  const input = `${names.join('\n')}\n`;
  await look({ ...source, args: ['cat-file', '--batch', '--buffer'], input }, batchReader(take));
}

interface Open {
  readonly id: string;
  readonly type: StoredObject['type'];
  readonly kept: Buffer[];
  keptBytes: number;
  /** What is still to come, its line's end included. */
  left: number;
}

const headBytesMax = 1024;

/** Reads `<id> <type> <size>`, the object, and a line's end, over and over; `<name> missing` has no object. */
function batchReader(take: (index: number, object: FoundObject) => void): (chunk: Buffer) => boolean {
  let index = 0;
  let head = Buffer.alloc(0);
  let object: Open | null = null;
  const finish = ({ id, type, kept }: Open): void => {
    take(index, { id, type, body: Buffer.concat(kept) });
    index += 1;
    object = null;
  };
  return (chunk) => {
    for (let start = 0; start < chunk.length; ) {
      if (object === null) {
        const end = chunk.indexOf(0x0a, start);
        head = Buffer.concat([head, chunk.subarray(start, end === -1 ? chunk.length : end)]);
        if (end === -1) return head.length <= headBytesMax;
        object = openObject(head.toString('latin1'));
        if (object === null) index += 1;
        head = Buffer.alloc(0);
        start = end + 1;
      } else {
        start += keep(object, chunk.subarray(start, start + object.left));
        if (object.left === 0) finish(object);
      }
    }
    return true;
  };
}

function openObject(head: string): Open | null {
  const match = /^([0-9a-f]{40}) (commit|tree|blob|tag) (\d+)$/.exec(head);
  if (match === null) return null;
  return { id: match[1] ?? '', type: match[2] as StoredObject['type'], kept: [], keptBytes: 0, left: Number(match[3]) + 1 };
}

/** Takes what there is of the object, and answers how much that was. The line's end behind it is not kept. */
function keep(object: Open, part: Buffer): number {
  const room = Math.min(part.length, commitBytesMax - object.keptBytes, object.left - 1);
  if (room > 0) object.kept.push(part.subarray(0, room));
  object.keptBytes += Math.max(0, room);
  object.left -= part.length;
  return part.length;
}
