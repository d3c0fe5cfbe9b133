import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';

export interface StoredObject {
  readonly type: 'commit' | 'tree' | 'blob' | 'tag';
  readonly body: Buffer;
}

/** Of the file of an object, and of what it holds: larger ones are git's to read. */
const fileBytesMax = 512 * 1024;
const objectBytesMax = 2 * 1024 * 1024;

/**
 * An object that lies in a file of its own, as git leaves the objects of a small push; null for one in a pack, a large one, and one that is not there:
 * whoever asks then asks git. Reading it ourselves spares a process, which would cost more than all else about a small push.
 */
export async function looseObject(directory: string, id: string): Promise<StoredObject | null> {
  if (!/^[0-9a-f]{40}$/.test(id)) return null;
  const file = await readBounded(join(directory, 'objects', id.slice(0, 2), id.slice(2)));
  if (file === null) return null;
  try {
    return partsOf(inflateSync(file, { maxOutputLength: objectBytesMax }));
  } catch {
    // Too large, or no object: git tells.
    return null;
  }
}

async function readBounded(path: string): Promise<Buffer | null> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    if (size > fileBytesMax) return null;
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, 0);
    return bytesRead === size ? buffer : null;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** `<type> <size>`, NUL, and the object. */
function partsOf(inflated: Buffer): StoredObject | null {
  const nul = inflated.indexOf(0);
  const match = /^(commit|tree|blob|tag) (\d{1,10})$/.exec(inflated.toString('latin1', 0, Math.min(Math.max(nul, 0), 32)));
  const body = inflated.subarray(nul + 1);
  if (match === null || body.length !== Number(match[2])) return null;
  return { type: match[1] as StoredObject['type'], body };
}
