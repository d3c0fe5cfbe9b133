import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv, createHash, createSecretKey, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { GatepostError } from './errors.ts';
import { hmacSha256 } from './hmac.ts';

export const secretKeyFile = 'secret.key';
const keyBytes = 32;
/** Of a key's fingerprint: enough to tell the few keys of one ring apart. */
const keyIdCharacters = 8;

/** Encrypts what must not lie in the database in clear: webhook secrets, URLs, added headers, sources' tokens, answers that hold a token. */
export interface Sealer {
  /** `boundTo` names the row and column it belongs to, so that a sealed text moved elsewhere does not open. */
  seal(text: string, boundTo: string): string;
  /** Fails with `secret_unreadable` where the text was changed, moved, or sealed under a key that is not in the ring. */
  open(sealed: string, boundTo: string): string;
  /** Whether it was sealed under the key that seals now. */
  isCurrent(sealed: string): boolean;
}

interface Held {
  readonly id: string;
  readonly key: KeyObject;
}

/**
 * AES-256-GCM under a key derived from the secret key. `others` only open: while the key is being changed there are two. A sealed text says which key sealed it (`s2.<id>.<text>`); those that do not (`s1.<text>`)
 * are from before there could be two, and every key of the ring is tried.
 */
export function createSealer(current: Uint8Array, others: readonly Uint8Array[] = []): Sealer {
  const sealing = hold(current);
  const ring = [sealing, ...others.map(hold)];
  const prefix = `s2.${sealing.id}.`;
  return {
    seal: (text, boundTo) => prefix + encrypt(sealing.key, text, boundTo),
    open(sealed, boundTo) {
      const [version, ...parts] = sealed.split('.');
      const named = version === 's2' ? parts.shift() : undefined;
      const keys = version === 's1' ? ring : ring.filter((held) => held.id === named);
      for (const held of keys) {
        const text = decrypt(held.key, parts.join('.'), boundTo);
        if (text !== null) return text;
      }
      throw new GatepostError('internal', 'secret_unreadable', 'A stored secret does not open with the secret key in use.');
    },
    isCurrent: (sealed) => sealed.startsWith(prefix),
  };
}

function hold(secretKey: Uint8Array): Held {
  return { id: keyId(secretKey), key: createSecretKey(hmacSha256(secretKey, 'gatepost: sealing at rest, version 1')) };
}

function encrypt(key: KeyObject, text: string, boundTo: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(boundTo));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

/** Null where it does not open. */
function decrypt(key: KeyObject, sealed: string, boundTo: string): string | null {
  const bytes = Buffer.from(sealed, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(boundTo)).setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  } catch {
    // The cipher says no more than that, and there is no more to say.
    return null;
  }
}

/** How a sealed text names its key. */
function keyId(secretKey: Uint8Array): string {
  return keyFingerprint(secretKey).slice(0, keyIdCharacters);
}

/** What tells one key from another without telling the key. Kept in the database, so that a start with another key is refused. */
export function keyFingerprint(secretKey: Uint8Array): string {
  return createHash('sha256').update('gatepost: fingerprint, version 1').update(secretKey).digest('hex').slice(0, 32);
}

/**
 * The key of the data directory; made on the first start, readable by its owner alone. Two processes that start at once end with the same.
 * Fails with `secret_key_unreadable` where the file holds no key, and with `secret_key_open` where others may read it.
 */
export function readOrMakeSecretKey(directory: string): Buffer {
  const path = join(directory, secretKeyFile);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return readKey(path) ?? makeKey(path);
}

/** The key in a file, or null where there is none. Fails as `readOrMakeSecretKey` does. */
export function readKey(path: string): Buffer | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      throw new GatepostError('internal', 'secret_key_open', `Others may read ${path}; make it readable by its owner alone (chmod 600).`);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== keyBytes) {
    throw new GatepostError('internal', 'secret_key_unreadable', `${path} does not hold 32 bytes as base64; put the right key back.`);
  }
  return bytes;
}

/** Puts a key into a file, readable by its owner alone, and answers the one that is there: another's, if another was first. */
export function makeKey(path: string, key: Uint8Array = randomBytes(keyBytes)): Buffer {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, `${Buffer.from(key).toString('base64')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    // A link never replaces: of two processes that start at once, the second takes the first one's key.
    linkSync(temporary, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    unlinkSync(temporary);
  }
  const made = readKey(path);
  if (made === null) throw new Error('The key file vanished while it was made.');
  return made;
}
