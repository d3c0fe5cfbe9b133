import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { commitBytesMax } from './limits.ts';

export interface StoredObject {
  readonly type: 'commit' | 'tree' | 'blob' | 'tag';
  readonly body: Buffer;
}

/** Of the file of an object, and of what it holds: larger ones are git's to read, so that nobody waits while we unpack them. */
const fileBytesMax = 256 * 1024;
const objectBytesMax = commitBytesMax;

/** What was read last: the next push to a branch begins where the last one ended. An object never changes; one of another repository is another entry. */
const kept = new Map<string, StoredObject>();
/** A larger one is read anew. */
const keptObjectBytesMax = 16 * 1024;
const keptMax = 500;

function keep(path: string, object: StoredObject): void {
  if (object.type === 'blob' || object.body.length > keptObjectBytesMax) return;
  // A copy: what was inflated is a part of a larger buffer, which would be kept as well.
  kept.set(path, { type: object.type, body: Buffer.from(object.body) });
  for (const oldest of kept.keys()) {
    if (kept.size <= keptMax) return;
    kept.delete(oldest);
  }
}

/**
 * An object that lies in a file of its own, as git leaves the objects of a small push; null for one in a pack, a large one, and one that is not there:
 * whoever asks then asks git. Reading it ourselves spares a process, which would cost more than all else about a small push.
 */
export async function looseObject(directory: string, id: string): Promise<StoredObject | null> {
  if (!/^[0-9a-f]{40}$/.test(id)) return null;
  const path = join(directory, 'objects', id.slice(0, 2), id.slice(2));
  const known = kept.get(path);
  if (known !== undefined) {
    kept.delete(path);
    kept.set(path, known);
    return known;
  }
  const file = await readBounded(path);
  const object = file === null ? null : inflated(file);
  if (object !== null) keep(path, object);
  return object;
}

function inflated(file: Buffer): StoredObject | null {
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
function partsOf(whole: Buffer): StoredObject | null {
  const nul = whole.indexOf(0);
  const match = /^(commit|tree|blob|tag) (\d{1,10})$/.exec(whole.toString('latin1', 0, Math.min(Math.max(nul, 0), 32)));
  const body = whole.subarray(nul + 1);
  if (match === null || body.length !== Number(match[2])) return null;
  return { type: match[1] as StoredObject['type'], body };
}
