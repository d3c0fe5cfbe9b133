import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';

/** A push of no more than this is looked through here before git gets it; of a larger one git is asked in the middle. */
export const plainPackBytesMax = 128 * 1024;
/** What such a look unpacks in all, and how many objects it looks at: it is done where requests are answered. */
const unpackedBytesMax = 4 * 2 ** 20;
const objectsMax = 200;

const headBytes = 12;
/** SHA-1 of all before it. */
export const packTailBytes = 20;

/**
 * Whether these bytes are one whole pack (gitformat-pack), with nothing behind it and no object larger than that, unpacked. False also where that is
 * not seen quickly. What the objects are, and whether any is missing, git says.
 */
export function isPlainPack(bytes: Buffer, objectBytesMax: number): boolean {
  const end = bytes.length - packTailBytes;
  if (end < headBytes || bytes.toString('latin1', 0, 4) !== 'PACK' || bytes.readUInt32BE(4) !== 2) return false;
  const count = bytes.readUInt32BE(8);
  if (count > objectsMax) return false;
  const look: Look = { bytes: bytes.subarray(0, end), at: headBytes, room: unpackedBytesMax, objectBytesMax };
  for (let number = 0; number < count; number += 1) if (!passObject(look)) return false;
  return look.at === end && createHash('sha1').update(look.bytes).digest().equals(bytes.subarray(end));
}

interface Look {
  readonly bytes: Buffer;
  at: number;
  /** Of what may be unpacked. */
  room: number;
  readonly objectBytesMax: number;
}

const offsetDelta = 6;
const idDelta = 7;
const idBytes = 20;

/** Goes on behind the next object; false where it is none, or too large. */
function passObject(look: Look): boolean {
  const first = look.bytes[look.at] ?? 0;
  const type = (first >> 4) & 7;
  const size = numberAt(look, 4);
  if (size === null || type === 0 || type === 5 || size > look.room || size > look.objectBytesMax) return false;
  if (type === idDelta) look.at += idBytes;
  if (type === offsetDelta && numberAt(look, 7) === null) return false;
  const content = unpack(look, size);
  if (content === null) return false;
  return type < offsetDelta || isSmallDelta(content, look.objectBytesMax);
}

/** Bits of a number, the lowest first, seven a byte and fewer in the first; a byte of 128 and more is not the last. */
function numberAt(look: Look, bitsOfFirst: number): number | null {
  let value = (look.bytes[look.at] ?? 0) & (2 ** bitsOfFirst - 1);
  for (let bits = bitsOfFirst; bits < 50; bits += 7) {
    const byte = look.bytes[look.at];
    if (byte === undefined) return null;
    look.at += 1;
    if (byte < 128) return value;
    value += ((look.bytes[look.at] ?? 0) & 127) * 2 ** bits;
  }
  return null;
}

function unpack(look: Look, size: number): Buffer | null {
  try {
    // Its declared type knows nothing of `info`, by which it tells how much it took.
    const found: unknown = inflateSync(look.bytes.subarray(look.at), { info: true, maxOutputLength: Math.max(size, 1) });
    const { buffer, engine } = found as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
    look.at += engine.bytesWritten;
    look.room -= size;
    return buffer.length === size ? buffer : null;
  } catch {
    return null;
  }
}

/** A difference begins with the size of what it is made from and of what it makes. */
function isSmallDelta(content: Buffer, objectBytesMax: number): boolean {
  const look: Look = { bytes: content, at: 0, room: 0, objectBytesMax };
  const [from, to] = [numberAt(look, 7), numberAt(look, 7)];
  return from !== null && to !== null && to <= objectBytesMax;
}
