import { TextDecoder } from 'node:util';

/** Bytes of a commit as text. What is no text in its encoding comes out as U+FFFD, the same each time; an encoding nobody knows is taken for UTF-8. */
export function textOf(bytes: Buffer, encoding: string | null): string {
  const decoder = encoding === null ? null : decoderOf(encoding);
  return decoder === null ? bytes.toString('utf8') : decoder.decode(bytes);
}

const decoders = new Map<string, TextDecoder | null>();
/** Names come from whoever pushes. */
const decodersMax = 100;

/** Null: UTF-8, which a buffer reads faster. */
function decoderOf(encoding: string): TextDecoder | null {
  const label = encoding.trim().toLowerCase();
  if (label === 'utf-8' || label === 'utf8' || label.length > 40) return null;
  const known = decoders.get(label);
  if (known !== undefined) return known;
  const decoder = newDecoder(label);
  if (decoders.size < decodersMax) decoders.set(label, decoder);
  return decoder;
}

function newDecoder(label: string): TextDecoder | null {
  try {
    return new TextDecoder(label, { ignoreBOM: true });
  } catch {
    return null;
  }
}

/** At most so many bytes, cut between characters; what was cut ends in `…`. */
export function cutBytes(bytes: Buffer, bytesMax: number, decode: (bytes: Buffer) => string): string {
  if (bytes.length <= bytesMax) return decode(bytes);
  let end = bytesMax;
  // A byte that continues a character of UTF-8 is never the first one cut off.
  while (end > bytesMax - 4 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${decode(bytes.subarray(0, end))}…`;
}

/** A path as text: its bytes, one character each, read as UTF-8. */
export function pathText(path: string): string {
  return /[^\0-\x7f]/.test(path) ? Buffer.from(path, 'latin1').toString('utf8') : path;
}
