import type { KeyObject } from 'node:crypto';
import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';

/** How many keys are held ready. More webhooks than this sign at the same price, less the making of a KeyObject. */
export const keysCachedMax = 10_000;

const keys = new Map<string, KeyObject>();

/**
 * HMAC-SHA256 of the parts one after another. The key is the text's UTF-8 bytes, or the bytes given. Keys are kept as KeyObjects: Node 24 takes
 * five times as long to sign with a Buffer.
 */
export function hmacSha256(key: string | Uint8Array, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const hmac = createHmac('sha256', keyOf(typeof key === 'string' ? Buffer.from(key, 'utf8') : key));
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** HMAC-SHA1, for receivers that know nothing newer. The key is the text's UTF-8 bytes. */
export function hmacSha1(key: string, body: Uint8Array): Buffer {
  return createHmac('sha1', keyOf(Buffer.from(key, 'utf8')))
    .update(body)
    .digest();
}

function keyOf(bytes: Uint8Array): KeyObject {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const held = keys.get(name);
  if (held !== undefined) return held;
  if (keys.size >= keysCachedMax) keys.delete(keys.keys().next().value ?? '');
  const made = createSecretKey(bytes);
  keys.set(name, made);
  return made;
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whether two texts are the same, in a time that does not tell how much of them is. */
export function equalInConstantTime(one: string, other: string): boolean {
  const [a, b] = [createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest()];
  return timingSafeEqual(a, b);
}
